"""The conversation as it is sent upstream: as the client has it, or in turns that every chat template knows."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.reference.provider import Message

_ROLES = {"developer": "system", "system": "system", "assistant": "assistant"}


def as_sent(messages: Iterable[Message]) -> list[dict[str, str]]:
    """The messages one by one, with the roles that most servers have."""
    named = [{"role": _role(message), "content": message.text, "name": message.name} for message in messages]
    return [{key: value for key, value in row.items() if value is not None} for row in named]


def alternating(messages: Iterable[Message]) -> list[dict[str, str]]:
    """The same texts for simpler chat templates: turns alternate, and the user's comes first."""
    turns: list[dict[str, str]] = []
    for message in messages:
        role = "assistant" if turns and _role(message) == "assistant" else "user"
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += f"\n\n{message.text}"
        else:
            turns.append({"role": role, "content": message.text})
    return turns


def _role(message: Message) -> str:
    """The role as most servers have it: a tool's answer, without the call that it answers, counts as the user's."""
    return _ROLES.get(message.role, "user")
