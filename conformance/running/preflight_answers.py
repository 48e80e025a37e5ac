"""What the answers to the first requests of a run show: failures, thoughts without words, and a call."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from conformance.probes.call_histories import kept_message
from conformance.reading import read_completion
from conformance.suite.broken_answers import is_broken_answer
from conformance.wire import Exchange

_LONGEST_CALL: Final = 8 * 1024
"""Characters of a message with a call that is handed back."""


def target_failed(exchange: Exchange) -> bool:
    """Whether the target answered with an error of its own, or with what is no HTTP: once may be an accident."""
    if exchange.answer is None:
        return is_broken_answer(exchange)
    return exchange.answer.status >= 500 and exchange.answer.status != 503


def _choices(exchange: Exchange) -> Iterable[tuple[str, str | None]]:
    """The text and the finish_reason of each choice of a completion."""
    if exchange.answer is None or exchange.answer.status != 200:
        return
    choices = read_completion(exchange).object.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        message = choice.get("message") if isinstance(choice, dict) else None
        if isinstance(message, dict):
            content = message.get("content")
            yield content if isinstance(content, str) else "", choice.get("finish_reason")


def thought_only(exchange: Exchange) -> bool:
    """Whether an answer has no words, because a limit ended it before the first."""
    found = list(_choices(exchange))
    return bool(found) and all(not text.strip() and reason == "length" for text, reason in found)


def has_text(exchange: Exchange) -> bool:
    """Whether an answer has words."""
    return any(text.strip() for text, _ in _choices(exchange))


def call_message(exchange: Exchange) -> str | None:
    """The message with its calls that an answer has, as JSON, where it can be handed back as it came; else None."""
    if exchange.answer is None or exchange.answer.status != 200:
        return None
    choices = read_completion(exchange).object.get("choices")
    message = _object(_object(choices[0]).get("message")) if isinstance(choices, list) and choices else {}
    if not _has_calls(message):
        return None
    text = json.dumps(kept_message(message))
    return text if len(text) <= _LONGEST_CALL else None


def _has_calls(message: dict[str, Any]) -> bool:
    """Whether each call of a message has what a call must have."""
    calls = message.get("tool_calls")
    if not isinstance(calls, list) or not calls:
        return False
    return all(_is_call(call) for call in calls)


def _is_call(call: Any) -> bool:
    held = _object(call)
    function = _object(held.get("function"))
    texts = (held.get("id"), function.get("name"), function.get("arguments"))
    return bool(held.get("id")) and all(isinstance(text, str) for text in texts)


def _object(value: Any) -> dict[str, Any]:
    """A value where it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}
