"""What faults do: small functions by name, each of which bends the seams of a deployment in one way."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from conformance.reference.faults.conditions import condition
from conformance.reference.hooks import Seams, only_when
from conformance.reference.request_context import current

Bend = Callable[..., Seams]
_B = TypeVar("_B", bound=Bend)

_BY_NAME: dict[str, Bend] = {}


class DeedError(ValueError):
    """What a fault is to do is unknown, or its parameters do not fit; the message is one sentence."""


class Crash(Exception):  # noqa: N818 - it stands for any exception that a server did not foresee
    """What a deployment raises that stumbles over a request."""


def deed(name: str) -> Callable[[_B], _B]:
    """Names a function that faults may use: it takes seams and its own parameters, and gives the seams bent."""

    def named(function: _B) -> _B:
        if name in _BY_NAME:
            raise DeedError(f"two functions are named `{name}`")
        _BY_NAME[name] = function
        return function

    return named


@dataclass(frozen=True, slots=True)
class Deed:
    """The name of a function, the parameters that it is given, and the condition on which it acts."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)
    when: str | None = None

    def check(self) -> None:
        """Raises DeedError where there is no such function, or it does not take these parameters."""
        known = deeds_by_name()
        if self.name not in known:
            near = [name for name in known if name.partition(".")[0] == self.name.partition(".")[0]]
            raise DeedError(f"nothing is called `{self.name}`; there are {', '.join(near or known)}")
        try:
            inspect.signature(known[self.name]).bind(Seams(), **self.parameters)
        except TypeError as error:
            raise DeedError(f"`{self.name}` cannot be given this: {error}") from error
        if self.when is not None:
            condition(self.when)

    def bend(self, seams: Seams) -> Seams:
        """The seams with this done to them."""
        bent: Seams = deeds_by_name()[self.name](seams, **self.parameters)
        return bent if self.when is None else only_when(condition(self.when), seams, bent, current.get)


def bent_by(deeds: Iterable[Deed], seams: Seams | None = None) -> Seams:
    """The seams of a deployment that does all of these, one after another."""
    bent = seams or Seams()
    for one in deeds:
        bent = one.bend(bent)
    return bent


@cache
def deeds_by_name() -> Mapping[str, Bend]:
    """Every function that a fault may use, by its name."""
    from conformance.reference.faults import (  # noqa: F401, PLC0415 - they register themselves
        on_access,
        on_answers,
        on_authentication,
        on_bodies,
        on_chunks,
        on_events,
        on_messages,
        on_reading,
        on_requests,
        on_spellings,
        on_state,
        on_survival,
        on_wire,
    )

    return dict(sorted(_BY_NAME.items()))
