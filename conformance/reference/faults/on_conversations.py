"""Faults of conversations: which shapes are taken, which messages are checked, and which of them are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from conformance.reference.errors import Refusal
from conformance.reference.faults.actions import ActionError, Crash, fault_action
from conformance.reference.faults.on_agents import Body, with_body_read
from conformance.reference.faults.on_requests import with_interpretation
from conformance.reference.hooks import Hooks
from conformance.reference.validation import RequestRules

Roles = Sequence[Any]
_SEVERAL = 3
"""Items of a list of which only one is checked: shorter and longer lists are checked as a whole."""
_INSTRUCTING = ("system", "developer")


def _talking(roles: Roles) -> list[Any]:
    """The roles without those that instruct."""
    return [role for role in roles if role not in _INSTRUCTING]


_SHAPES: Mapping[str, Callable[[Roles], bool]] = {
    "two-users": lambda roles: any(pair == ("user", "user") for pair in pairwise(roles)),
    "late-system": lambda roles: any(role in _INSTRUCTING for role in roles[1:]),
    "no-user": lambda roles: "user" not in roles,
    "assistant-last": lambda roles: roles[-1:] == ["assistant"],
    "not-in-turn": lambda roles: (
        not {"tool", "function"} & {*roles}
        and any(role != ("user", "assistant")[number % 2] for number, role in enumerate(_talking(roles)))
    ),
}


@fault_action("conversation.refuse")
def refuse_shape(hooks: Hooks, shape: str, status: int = 400, message: str = "The request is not valid.") -> Hooks:
    """Refuses conversations of a shape, or crashes on them where the status is 500.

    There are `two-users` in a row, a `late-system`, `no-user`, `assistant-last`, and roles `not-in-turn`.
    """
    if shape not in _SHAPES:
        raise ActionError(f"`shape: {shape}` is unknown; use one of {', '.join(_SHAPES)}")

    def change(body: Body) -> Body:
        if _SHAPES[shape]([one.get("role") for one in body.get("messages", ()) if isinstance(one, Mapping)]):
            if status == 500:
                raise Crash
            raise Refusal(status, "invalid_request", message)
        return body

    return with_body_read(hooks, change)


_READ: Mapping[str, Callable[[Sequence[Any]], list[Any]]] = {
    "last": lambda messages: [*messages[-1:]],
    "last-four": lambda messages: [*messages[-4:]],
    "last-twenty": lambda messages: [*messages[-20:]],
    "first-system": lambda messages: [
        one
        for number, one in enumerate(messages)
        if one.get("role") != "system" or not any(other.get("role") == "system" for other in messages[:number])
    ],
    "last-system": lambda messages: [
        one
        for number, one in enumerate(messages, start=1)
        if one.get("role") != "system" or not any(other.get("role") == "system" for other in messages[number:])
    ],
    "ends": lambda messages: [*messages] if len(messages) <= 20 else [*messages[:10], *messages[-10:]],
    "no-assistant": lambda messages: [one for one in messages if one.get("role") != "assistant"] or [*messages],
    "first-part-of-assistant": lambda messages: [
        {**one, "content": one["content"][:1]}
        if one.get("role") == "assistant" and isinstance(one.get("content"), list)
        else one
        for one in messages
    ],
    "no-developer": lambda messages: [one for one in messages if one.get("role") != "developer"] or [*messages],
}


@fault_action("conversation.read")
def read_messages(hooks: Hooks, only: str) -> Hooks:
    """Reads some messages only: the `last`, `last-four` or `last-twenty`, or `no-developer`.

    With `first-system` or `last-system`, that is the only one of several system messages.
    With `ends` it leaves out the middle of a long conversation, with `no-assistant` what the assistant said, and with
    `first-part-of-assistant` the further parts of that.
    """
    if only not in _READ:
        raise ActionError(f"`only: {only}` is unknown; use one of {', '.join(_READ)}")

    def change(body: Body) -> Body:
        return {**body, "messages": _READ[only](body.get("messages", ()))}

    return with_body_read(hooks, change)


@fault_action("conversation.check")
def check_messages(hooks: Hooks, only: str) -> Hooks:
    """Checks only the `first` or the `last` message of a conversation by the schema."""
    if only not in ("first", "last"):
        raise ActionError(f"`only: {only}` is unknown; use first or last")
    usual = hooks.stages.check_body

    def check_body(rules: RequestRules, body: Any) -> None:
        messages = body.get("messages") if isinstance(body, dict) else None
        if isinstance(messages, list) and len(messages) > 1:
            body = {**body, "messages": messages[:1] if only == "first" else messages[-1:]}
        usual(rules, body)

    return replace(hooks, stages=replace(hooks.stages, check_body=check_body))


@fault_action("conversation.most")
def most_messages(hooks: Hooks, count: int) -> Hooks:
    """Refuses conversations of more than so many messages, and says so."""

    def change(body: Body) -> Body:
        if len(body.get("messages", ())) > count:
            raise Refusal(400, "invalid_request", f"messages: at most {count} messages are supported.")
        return body

    return with_body_read(hooks, change)


@fault_action("prompt.cut")
def cut_prompt(hooks: Hooks, tokens: int) -> Hooks:
    """Reads no more than so many tokens of a prompt, and counts no others."""
    return with_interpretation(
        hooks, lambda request, _: replace(request, prompt_tokens=min(request.prompt_tokens, tokens))
    )


@fault_action("marks.read")
def read_marks(hooks: Hooks, mark: str, how: str = "end") -> Hooks:
    """Reads a mark of a template in a user's text as the `end` of it, as `nothing`, or as a reason to `refuse`."""
    if how not in ("end", "nothing", "refuse"):
        raise ActionError(f"`how: {how}` is unknown; use end, nothing or refuse")

    def read(text: str) -> str:
        if how == "refuse" and mark in text:
            raise Refusal(400, "invalid_request", f"messages: a text may not have {mark} in it.")
        return text.replace(mark, "") if how == "nothing" else text.partition(mark)[0]

    def change(body: Body) -> Body:
        messages = [
            {**one, "content": read(one["content"])}
            if one.get("role") == "user" and isinstance(one.get("content"), str)
            else one
            for one in body.get("messages", ())
        ]
        return {**body, "messages": messages}

    return with_body_read(hooks, change)


@fault_action("stop.ends")
def stops_at_the_ends(hooks: Hooks) -> Hooks:
    """Honours only the first and the last stop sequence of a request."""
    return with_interpretation(
        hooks, lambda request, _: replace(request, stop=tuple(dict.fromkeys((*request.stop[:1], *request.stop[-1:]))))
    )


@fault_action("stop.last-word")
def stops_at_the_last_word(hooks: Hooks) -> Hooks:
    """Looks only for the last word of a stop sequence of several, with the space before it, as a token has it."""

    def last(stop: str) -> str:
        *before, word = stop.split(" ")
        return f" {word}" if word and any(before) else stop

    return with_interpretation(hooks, lambda request, _: replace(request, stop=tuple(map(last, request.stop))))


@fault_action("items.check")
def check_items(hooks: Hooks, field: str, only: str) -> Hooks:
    """Checks only the `first`, or the `last`, item of a list of the request by the schema."""
    if only not in ("first", "last"):
        raise ActionError(f"`only: {only}` is unknown; use first or last")
    usual = hooks.stages.check_body

    def check_body(rules: RequestRules, body: Any) -> None:
        items = body.get(field) if isinstance(body, dict) else None
        if isinstance(items, list) and len(items) == _SEVERAL:
            body = {**body, field: items[:1] if only == "first" else items[-1:]}
        usual(rules, body)

    return replace(hooks, stages=replace(hooks.stages, check_body=check_body))


@fault_action("stop.first")
def first_stops(hooks: Hooks, count: int) -> Hooks:
    """Honours only so many stop sequences of a request, the first ones."""
    return with_interpretation(hooks, lambda request, _: replace(request, stop=request.stop[:count]))
