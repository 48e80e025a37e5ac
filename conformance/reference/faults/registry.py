"""All fault actions, by name: checks what rows ask for, and applies it to a deployment's hooks."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping

from conformance.reference.faults import (  # noqa: F401 - each names its actions when it is imported
    on_access,
    on_agents,
    on_answers,
    on_authentication,
    on_bodies,
    on_call_deltas,
    on_calls,
    on_chunks,
    on_codings,
    on_conversations,
    on_events,
    on_histories,
    on_messages,
    on_reading,
    on_requests,
    on_robustness,
    on_state,
    on_texts,
    on_wire,
)
from conformance.reference.faults.actions import IMPLEMENTED, ActionError, FaultAction, Implementation
from conformance.reference.faults.conditions import condition
from conformance.reference.hooks import Hooks, only_when
from conformance.reference.request_context import current


def implementations() -> Mapping[str, Implementation]:
    """The function of every action, sorted by the action's name."""
    return dict(sorted(IMPLEMENTED.items()))


def check_action(action: FaultAction) -> None:
    """Check that an action exists, takes these parameters, and has a condition that can be read.

    Raises:
        ActionError: there is no such action, or it does not take these parameters.
        ConditionError: the condition cannot be read.
    """
    if action.name not in IMPLEMENTED:
        names = implementations()
        near = [name for name in names if name.partition(".")[0] == action.name.partition(".")[0]]
        raise ActionError(f"there is no action `{action.name}`; there are {', '.join(near or names)}")
    try:
        inspect.signature(IMPLEMENTED[action.name]).bind(Hooks(), **action.parameters)
    except TypeError as error:
        raise ActionError(f"`{action.name}` does not take these parameters: {error}") from error
    if action.when is not None:
        condition(action.when)


def hooks_with(actions: Iterable[FaultAction], hooks: Hooks | None = None) -> Hooks:
    """The hooks of a deployment with all of these actions, applied one after another."""
    applied = hooks or Hooks()
    for action in actions:
        applied = _applied(action, applied)
    return applied


def _applied(action: FaultAction, before: Hooks) -> Hooks:
    after = IMPLEMENTED[action.name](before, **action.parameters)
    return after if action.when is None else only_when(condition(action.when), before, after, current.get)
