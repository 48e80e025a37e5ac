"""Faults of what agents send: tools, formats, parts and histories that are read in part, refused, or crash a server."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from conformance.contract.dialect import Dialect
from conformance.contract.model import Operation
from conformance.reference.answer import Outline
from conformance.reference.errors import Refusal
from conformance.reference.faults.actions import ActionError, Crash, fault_action
from conformance.reference.faults.on_answers import with_completion
from conformance.reference.faults.on_chunks import Item, choices_of, with_items
from conformance.reference.hooks import Hooks
from conformance.reference.provider import CompletionRequest
from conformance.reference.settings import Settings
from conformance.reference.validation import RequestRules

Body = Mapping[str, Any]


def with_body_read(hooks: Hooks, change: Callable[[Body], Body]) -> Hooks:
    """Changes what a request means, once its body has been checked."""
    usual = hooks.stages.interpret

    def interpret(
        operation: Operation, dialect: Dialect, settings: Settings, *, scores_tokens: bool, body: Body
    ) -> CompletionRequest:
        return usual(operation, dialect, settings, scores_tokens=scores_tokens, body=change(body))

    return replace(hooks, stages=replace(hooks.stages, interpret=interpret))


def _part_kind(part: Any) -> str:
    return str(part.get("type")) if isinstance(part, Mapping) else ""


_MESSAGES: Mapping[str, Callable[[Any], Any]] = {
    "first-part": lambda content: content[:1] if isinstance(content, list) else content,
    "last-part": lambda content: content[-1:] if isinstance(content, list) else content,
    "texts-alone": lambda content: (
        [part for part in content if _part_kind(part) == "text"] if isinstance(content, list) else content
    ),
}


@fault_action("parts.read")
def read_parts(hooks: Hooks, only: str) -> Hooks:
    """Reads only some parts of a message: the `first-part`, the `last-part`, or `texts-alone`."""
    if only not in _MESSAGES:
        raise ActionError(f"`only: {only}` is unknown; use one of {', '.join(_MESSAGES)}")
    kept = _MESSAGES[only]

    def change(body: Body) -> Body:
        messages = [{**one, "content": kept(one.get("content"))} for one in body.get("messages", ())]
        return {**body, "messages": messages}

    return with_body_read(hooks, change)


@fault_action("parts.refuse")
def refuse_parts(
    hooks: Hooks, kind: str, message: str, status: int = 400, having: str = "", *, remote: bool = False
) -> Hooks:
    """Refuses messages with a part of this kind, with this message.

    With `remote`, only where it has a URL to fetch; else only where a regular expression finds something in it.
    """
    pattern = re.compile("https://" if remote else having)

    def is_meant(part: Any) -> bool:
        return _part_kind(part) == kind and pattern.search(str(part)) is not None

    def change(body: Body) -> Body:
        for one in body.get("messages", ()):
            content = one.get("content")
            if isinstance(content, list) and any(map(is_meant, content)):
                raise Refusal(status, "invalid_value", message, param="messages")
        return body

    return with_body_read(hooks, change)


@fault_action("history.drop")
def drop_history(hooks: Hooks, role: str) -> Hooks:
    """Leaves messages of a role out of the prompt."""
    return with_body_read(hooks, lambda body: {**body, "messages": _without(body.get("messages", ()), role)})


def _without(messages: Any, role: str) -> list[Any]:
    kept = [one for one in messages if one.get("role") != role]
    if role == "tool":  # what the calls are answered with is lost, and nobody notices that
        kept = [{name: value for name, value in one.items() if name != "tool_calls"} for one in kept]
    return kept or list(messages)


_HISTORIES: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "a null content": lambda one: bool(one.get("tool_calls")) and one.get("content") is None,
    "an empty content": lambda one: bool(one.get("tool_calls")) and one.get("content") == "",
    "parts beside calls": lambda one: bool(one.get("tool_calls")) and isinstance(one.get("content"), list),
    "text beside calls": lambda one: bool(one.get("tool_calls")) and bool(one.get("content")),
    "a tool's message": lambda one: one.get("role") == "tool",
    "a result in parts": lambda one: one.get("role") == "tool" and isinstance(one.get("content"), list),
    "two calls": lambda one: len(one.get("tool_calls") or ()) > 1,
    "calls": lambda one: bool(one.get("tool_calls")),
    "escapes in arguments": lambda one: "\\\\" in str(one.get("tool_calls") or "").replace("\\\\\\\\", "\\\\"),
    "reasoning": lambda one: "reasoning_content" in one or "reasoning" in one,
}


@fault_action("history.refuse")
def refuse_history(hooks: Hooks, has: str, status: int = 400, message: str = "The messages are not valid.") -> Hooks:
    """Refuses conversations with such a message, or with the status 500 crashes on them."""
    if has not in _HISTORIES:
        raise ActionError(f"`has: {has}` is unknown; use one of {', '.join(_HISTORIES)}")

    def change(body: Body) -> Body:
        if any(_HISTORIES[has](one) for one in body.get("messages", ()) if isinstance(one, Mapping)):
            if status == 500:
                raise Crash
            raise Refusal(status, "invalid_value", message, param="messages")
        return body

    return with_body_read(hooks, change)


@fault_action("history.accept-any")
def accept_any_history(hooks: Hooks) -> Hooks:
    """Takes results without their calls, and calls without their results."""

    def change(body: Body) -> Body:
        return {**body, "messages": [_plain(one) for one in body.get("messages", ())]}

    return with_body_read(hooks, change)


def _plain(message: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in message.items() if name not in ("tool_calls", "tool_call_id")}
    return {**kept, "role": "user" if message.get("role") == "tool" else message.get("role")}


@fault_action("tools.accept-any")
def accept_any_tools(hooks: Hooks, fields: list[str]) -> Hooks:
    """Takes broken tools, choices or formats, and answers as if these fields were not there."""
    usual, usual_check = hooks.stages.interpret, hooks.stages.check_body

    def check_body(rules: RequestRules, body: Any) -> None:
        needs_tools = "tool_choice" in fields and isinstance(body, dict) and "tools" not in body
        usual_check(rules, {name: body[name] for name in body if name != "tool_choice"} if needs_tools else body)

    def interpret(
        operation: Operation, dialect: Dialect, settings: Settings, *, scores_tokens: bool, body: Body
    ) -> CompletionRequest:
        try:
            return usual(operation, dialect, settings, scores_tokens=scores_tokens, body=body)
        except Refusal:
            kept = {name: value for name, value in body.items() if name not in fields}
            return usual(operation, dialect, settings, scores_tokens=scores_tokens, body=kept)

    return replace(hooks, stages=replace(hooks.stages, interpret=interpret, check_body=check_body))


@fault_action("request.crash-on")
def crash_on(hooks: Hooks, field: str, equal: Any = None) -> Hooks:
    """Crashes on requests with a field, or with this value of it."""

    def change(body: Body) -> Body:
        if field in body and (equal is None or body[field] == equal):
            raise Crash
        return body

    return with_body_read(hooks, change)


@fault_action("request.refuse-field")
def refuse_field(hooks: Hooks, field: str, message: str, status: int = 400, equal: Any = None) -> Hooks:
    """Refuses requests with a field, or with this value of it, with this message."""

    def change(body: Body) -> Body:
        if field in body and (equal is None or body[field] == equal):
            raise Refusal(status, "invalid_value", message)
        return body

    return with_body_read(hooks, change)


@fault_action("tools.refuse-without-choice")
def refuse_without_choice(hooks: Hooks, message: str) -> Hooks:
    """Refuses requests that have tools and leave out the choice among them, with this message."""

    def change(body: Body) -> Body:
        if body.get("tools") and "tool_choice" not in body:
            raise Refusal(400, "invalid_value", message)
        return body

    return with_body_read(hooks, change)


@fault_action("request.read-as")
def read_as(hooks: Hooks, field: str, to: Any, equal: Any = None) -> Hooks:
    """Reads another value of a field than the one that was sent, or only where it was this one."""

    def change(body: Body) -> Body:
        return {**body, field: to} if field in body and (equal is None or body[field] == equal) else body

    return with_body_read(hooks, change)


@fault_action("request.read-referred")
def read_referred(hooks: Hooks, field: str) -> Hooks:
    """Reads the definitions in the schemas of a field by their `type` alone, if that is not an object."""
    return with_body_read(hooks, lambda body: {**body, field: _by_type(body[field])} if field in body else body)


@fault_action("request.read-nullable")
def read_nullable(hooks: Hooks, field: str) -> Hooks:
    """Reads what may be an object or null, in the schemas of a field, as an object of any members."""
    return with_body_read(hooks, lambda body: {**body, field: _emptied(body[field])} if field in body else body)


def _emptied(value: Any) -> Any:
    if isinstance(value, list):
        return [_emptied(one) for one in value]
    if not isinstance(value, Mapping):
        return value
    kinds = value.get("type")
    if isinstance(kinds, list) and {*kinds} == {"object", "null"}:
        return {"type": "object"}
    return {name: _emptied(one) for name, one in value.items()}


def _by_type(value: Any) -> Any:
    if isinstance(value, list):
        return [_by_type(one) for one in value]
    if not isinstance(value, Mapping):
        return value
    return {name: _types_alone(one) if name == "$defs" else _by_type(one) for name, one in value.items()}


def _types_alone(definitions: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("object", None)
    return {name: one if one.get("type") in kept else {"type": one["type"]} for name, one in definitions.items()}


@fault_action("reasoning.show")
def show_reasoning(
    hooks: Hooks, member: str = "reasoning_content", text: str = "hm", streamed: str | None = None
) -> Hooks:
    """Shows reasoning in a member of messages and deltas; in streams, in another one where `streamed` names it."""

    def shown(body: dict[str, Any], _: CompletionRequest) -> dict[str, Any]:
        for choice in body["choices"]:
            choice["message"][member] = text
        return body

    async def whole(dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Any) -> Any:
        return shown(await build(dialect, outline, request, increments), request)

    build = hooks.stages.build_completion
    return with_items(
        replace(hooks, stages=replace(hooks.stages, build_completion=whole)),
        lambda items, _: _with_reasoning(items, streamed or member, text),
    )


def _with_reasoning(items: list[Item], member: str, text: str) -> list[Item]:
    """The events with a delta of reasoning after the first of each choice."""
    made: list[Item] = []
    opened: set[Any] = set()
    for item in items:
        made.append(item)
        for choice in choices_of(item):
            if choice.get("index") not in opened:
                opened.add(choice.get("index"))
                made.append({**item, "choices": [{**choice, "delta": {member: text}, "finish_reason": None}]})
    return made


@fault_action("usage.details")
def usage_details(hooks: Hooks, **figures: int) -> Hooks:
    """Reports other figures in the details of the completion tokens."""

    def change(body: dict[str, Any], _: CompletionRequest) -> dict[str, Any]:
        usage = body["usage"]
        details = {**(usage.get("completion_tokens_details") or {}), **figures}
        return {**body, "usage": {**usage, "completion_tokens_details": details}}

    return with_completion(hooks, change)
