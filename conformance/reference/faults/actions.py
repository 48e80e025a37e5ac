"""What a row of the catalogue writes in `does`: a fault action by name, and the decorator that names one.

`registry.py` has all actions that are implemented.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from conformance.reference.hooks import Hooks

Implementation = Callable[..., Hooks]
"""Takes the hooks of a deployment and the action's parameters, and gives the hooks with the action."""
_I = TypeVar("_I", bound=Implementation)

IMPLEMENTED: dict[str, Implementation] = {}
"""The functions that `fault_action` has named so far. Use `registry.implementations()`, which has them all."""


class ActionError(ValueError):
    """A fault action is unknown, or its parameters do not fit; the message is one sentence."""


class Crash(Exception):  # noqa: N818 - it stands for any exception that a server did not foresee
    """What a deployment raises where a request crashes it."""


@dataclass(frozen=True, slots=True)
class FaultAction:
    """The name of an action, its parameters, and the condition under which it applies."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)
    when: str | None = None


def fault_action(name: str) -> Callable[[_I], _I]:
    """Names a function, so that rows of the catalogue can use it.

    Raises:
        ActionError: another function has this name.
    """

    def named(function: _I) -> _I:
        if name in IMPLEMENTED:
            raise ActionError(f"two functions are named `{name}`")
        IMPLEMENTED[name] = function
        return function

    return named
