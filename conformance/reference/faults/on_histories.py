"""Faults of conversations with calls, and of messages with several parts, as a whole: read in part, or refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from conformance.reference.errors import Refusal
from conformance.reference.faults.actions import ActionError, Crash, fault_action
from conformance.reference.faults.on_agents import with_body_read
from conformance.reference.hooks import Hooks

Body = Mapping[str, Any]
Messages = list[Mapping[str, Any]]


def _messages(body: Body) -> Messages:
    return [one for one in body.get("messages", ()) if isinstance(one, Mapping)]


def _has_other_order(messages: Messages) -> bool:
    """Whether results come in another order than their calls."""
    for number, message in enumerate(messages):
        calls = [call.get("id") for call in message.get("tool_calls") or ()]
        results = [one.get("tool_call_id") for one in messages[number + 1 : number + 1 + len(calls)]]
        if calls != results:
            return True
    return False


def _has_refusal_part(messages: Messages) -> bool:
    return any(
        isinstance(part, Mapping) and part.get("type") == "refusal"
        for message in messages
        if isinstance(message.get("content"), list)
        for part in message["content"]
    )


def _has_empty_part(messages: Messages) -> bool:
    parts = [part for one in messages if isinstance(one.get("content"), list) for part in one["content"]]
    return any(isinstance(part, Mapping) and part.get("text") == "" for part in parts)


def _has_in_order(first: str, second: str) -> Callable[[Messages], bool]:
    """Whether a message has both members, in this order."""

    def has(messages: Messages) -> bool:
        return any([name for name in message if name in (first, second)] == [first, second] for message in messages)

    return has


_SHAPES: Mapping[str, Callable[[Messages], bool]] = {
    "results in another order": _has_other_order,
    "two rounds of calls": lambda messages: sum(bool(one.get("tool_calls")) for one in messages) > 1,
    "a refusal part": _has_refusal_part,
    "an empty part": _has_empty_part,
    "a refusal": lambda messages: any(isinstance(one.get("refusal"), str) for one in messages),
    "content before a role": _has_in_order("content", "role"),
    "calls before content": _has_in_order("tool_calls", "content"),
    "system messages alone": lambda messages: {one.get("role") for one in messages} == {"system"},
}


@fault_action("history.refuse-shape")
def refuse_shape(hooks: Hooks, has: str, status: int = 400, message: str = "The messages are not valid.") -> Hooks:
    """Refuses conversations of this shape, or with the status 500 crashes on them."""
    if has not in _SHAPES:
        raise ActionError(f"`has: {has}` is unknown; use one of {', '.join(_SHAPES)}")

    def change(body: Body) -> Body:
        if _SHAPES[has](_messages(body)):
            if status == 500:
                raise Crash
            raise Refusal(status, "invalid_value", message, param="messages")
        return body

    return with_body_read(hooks, change)


@fault_action("history.lose-parts")
def lose_parts(hooks: Hooks, role: str) -> Hooks:
    """Reads nothing of the messages of a role whose content is a list of parts."""

    def change(body: Body) -> Body:
        return {
            **body,
            "messages": [_without_parts(one) if one.get("role") == role else one for one in _messages(body)],
        }

    return with_body_read(hooks, change)


def _without_parts(message: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**message, "content": ""} if isinstance(message.get("content"), list) else message


@fault_action("parts.keep")
def keep_parts(hooks: Hooks, which: str) -> Hooks:
    """Reads some of the parts of a message: `first-of-each-kind` beside all texts, or all but a middle text."""
    if which not in _KEPT:
        raise ActionError(f"`which: {which}` is unknown; use one of {', '.join(_KEPT)}")

    def kept(content: Any) -> Any:
        return [*_KEPT[which](content)] if isinstance(content, list) else content

    def change(body: Body) -> Body:
        return {**body, "messages": [{**one, "content": kept(one.get("content"))} for one in _messages(body)]}

    return with_body_read(hooks, change)


def _kind(part: Any) -> str:
    return str(part.get("type")) if isinstance(part, Mapping) else ""


def _first_of_each_kind(parts: list[Any]) -> Iterator[Any]:
    known: set[str] = set()
    for part in parts:
        if _kind(part) == "text" or _kind(part) not in known:
            yield part
        known.add(_kind(part))


def _without_middle_text(parts: list[Any]) -> Iterator[Any]:
    yield from (part for number, part in enumerate(parts) if number in (0, len(parts) - 1) or _kind(part) != "text")


_KEPT: Mapping[str, Callable[[list[Any]], Iterator[Any]]] = {
    "first-of-each-kind": _first_of_each_kind,
    "without-middle-text": _without_middle_text,
}


@fault_action("parts.refuse-further")
def refuse_further(hooks: Hooks, kind: str, message: str) -> Hooks:
    """Refuses messages with more than one part of this kind, with this message."""

    def change(body: Body) -> Body:
        for one in _messages(body):
            content = one.get("content")
            if isinstance(content, list) and sum(_kind(part) == kind for part in content) > 1:
                raise Refusal(400, "invalid_value", message, param="messages")
        return body

    return with_body_read(hooks, change)
