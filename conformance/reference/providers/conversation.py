"""What is sent upstream: the conversation and its settings, in the form that most servers understand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from conformance.reference.provider import CompletionRequest, Message

_ROLES = {"developer": "system", "system": "system", "assistant": "assistant"}
_UNIVERSAL = ("temperature", "top_p")
_SEED_BITS = 31
"""The seeds that every server accepts; a contract may allow any integer."""


def payloads(request: CompletionRequest, model: str, most_tokens: int) -> tuple[dict[str, Any], ...]:
    """The bodies to try, one after another, until the upstream accepts one.

    The first keeps what the client sent. The second is for simpler chat templates and servers: turns alternate,
    beginning with the user's, and only the sampling settings that every server has are left.
    """
    first = {**_settings(request, model, most_tokens), "messages": _as_sent(request.messages)}
    plain = {name: value for name, value in first.items() if name not in request.sampling or name in _UNIVERSAL}
    second = {**plain, "messages": _alternating(request.messages)}
    return (first,) if first == second else (first, second)


def _settings(request: CompletionRequest, model: str, most_tokens: int) -> dict[str, Any]:
    limits = [limit for limit in (request.token_limit or most_tokens, request.tokens_left) if limit is not None]
    settings: dict[str, Any] = {**request.sampling, "model": model, "max_tokens": min(limits)}
    if "seed" in settings:
        settings["seed"] = int(settings["seed"]) % 2**_SEED_BITS
    if request.stop:
        settings["stop"] = list(request.stop)
    if request.stream:
        settings |= {"stream": True, "stream_options": {"include_usage": True}}
    return settings


def _role(message: Message) -> str:
    """The role as most servers have it: a tool's answer, without the call that it answers, counts as the user's."""
    return _ROLES.get(message.role, "user")


def _as_sent(messages: Iterable[Message]) -> list[dict[str, str]]:
    named = [{"role": _role(message), "content": message.text, "name": message.name} for message in messages]
    return [{key: value for key, value in row.items() if value is not None} for row in named]


def _alternating(messages: Iterable[Message]) -> list[dict[str, str]]:
    turns: list[dict[str, str]] = []
    for message in messages:
        role = "assistant" if turns and _role(message) == "assistant" else "user"
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += f"\n\n{message.text}"
        else:
            turns.append({"role": role, "content": message.text})
    return turns
