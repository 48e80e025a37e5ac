"""The conversation as it is sent upstream: as the client has it, or in turns that every chat template knows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from conformance.reference.provider import Message

_ROLES = {"developer": "system", "system": "system", "assistant": "assistant"}
_RESULTS = {"tool", "function"}
"""Roles of the results of calls."""
_REASONING = ("reasoning", "reasoning_content", "reasoning_details")
_OWN = ("tool_calls", "function_call", "refusal", "audio", *_REASONING)
"""Members in which a message has more than text."""
_SENT = ("content", "name", "tool_call_id", *_OWN)
_PLAIN = {"role", "content", "name"}


def as_sent(messages: Collection[Message], *, plainly: bool = False) -> list[dict[str, Any]]:
    """The messages one by one, with the roles that most servers have; those with more than text as they were sent.

    `plainly` leaves out the reasoning that was handed back, and says "" for no content.
    """
    has_calls = any(message.raw.get("tool_calls") or message.raw.get("function_call") for message in messages)
    return [
        _in_full(message, plainly=plainly)
        if _has_more(message) or (has_calls and message.role in _RESULTS)
        else _in_words(message)
        for message in messages
    ]


def alternating(messages: Iterable[Message]) -> list[dict[str, Any]]:
    """The same texts for simpler chat templates: turns alternate, and the user's comes first."""
    turns: list[dict[str, Any]] = []
    for message in messages:
        role = "assistant" if turns and _role(message) == "assistant" else "user"
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += f"\n\n{message.text}"
        else:
            turns.append({"role": role, "content": message.text})
    return turns


def ids_of_calls(messages: Iterable[Message]) -> set[str]:
    """The ids of all calls in a conversation."""
    listed = [message.raw.get("tool_calls") for message in messages]
    calls = [call for one in listed if isinstance(one, list) for call in one if isinstance(call, Mapping)]
    return {call["id"] for call in calls if isinstance(call.get("id"), str)}


def may_alternate(sent: Iterable[Mapping[str, Any]]) -> bool:
    """Whether messages, as they are sent, have nothing but text, so that they may be joined."""
    return all(isinstance(message["content"], str) and message.keys() <= _PLAIN for message in sent)


def has_parts(sent: Iterable[Mapping[str, Any]]) -> bool:
    """Whether one of the messages, as they are sent, has parts beside text."""
    return any(isinstance(message.get("content"), list) for message in sent)


def _in_words(message: Message) -> dict[str, Any]:
    named = {"role": _role(message), "content": message.text, "name": message.name}
    return {key: value for key, value in named.items() if value is not None}


def _in_full(message: Message, *, plainly: bool) -> dict[str, Any]:
    """A message with all that it has. Members that are null say nothing, and some servers refuse them."""
    role = message.role if message.role in _RESULTS else _role(message)
    members = {name: message.raw[name] for name in _SENT if message.raw.get(name) is not None}
    if isinstance(members.get("content"), list) and not _parts_beside_text(message):
        members["content"] = message.text  # which all servers take
    if plainly:
        members = {name: value for name, value in members.items() if name not in _REASONING}
    return {"role": role, "content": "" if plainly else None, **members}


def _has_more(message: Message) -> bool:
    """Whether a message has more than text: calls, reasoning, or parts of another kind."""
    return _parts_beside_text(message) or any(message.raw.get(name) for name in _OWN)


def _parts_beside_text(message: Message) -> bool:
    content = message.raw.get("content")
    parts = content if isinstance(content, list) else []
    return any(isinstance(part, Mapping) and part.get("type") != "text" for part in parts)


def _role(message: Message) -> str:
    """The role as most servers have it: a tool's answer, without the call that it answers, counts as the user's."""
    return _ROLES.get(message.role, "user")
