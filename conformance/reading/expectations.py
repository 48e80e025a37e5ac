"""What a stream must be like by its request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from conformance.strict_json import parse

FINISH_REASONS: Final = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
"""The reasons of the OpenAI chunk object, `choices[].finish_reason`."""

_MOST_CHOICES: Final = 128
"""The largest `n` of the OpenAI reference."""


@dataclass(frozen=True, slots=True)
class Expectations:
    """What must be true of a stream by its request.

    `n` is the number of choices. `usage` says whether the request wants a usage chunk, None where that is not known.
    `max_tokens` limits the tokens of each choice, if it is 1 or more. `stop` has the stop sequences.
    `replacement_characters` says whether the answer may have a U+FFFD of its own: the prompt has one to repeat, or a
    temperature above 1 makes bytes likely that form no character. `logprobs` says whether the request wants log
    probabilities, and `alternatives` how many at most for each token.
    """

    n: int = 1
    usage: bool | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    replacement_characters: bool = False
    logprobs: bool = False
    alternatives: int | None = None
    object: str = "chat.completion.chunk"
    finish_reasons: frozenset[str] = FINISH_REASONS


def expectations_of(body: bytes | Any) -> Expectations:
    """The expectations of a request body, a JSON value or bytes; the defaults where it is not a JSON object."""
    if isinstance(body, bytes):
        body = parse(body).value
    if not isinstance(body, Mapping):
        return Expectations()
    options = body.get("stream_options")
    limit = body.get("max_completion_tokens", body.get("max_tokens"))
    n = body.get("n")
    return Expectations(
        n=n if type(n) is int and 1 <= n <= _MOST_CHOICES else 1,
        usage=isinstance(options, Mapping) and options.get("include_usage") is True,
        max_tokens=limit if type(limit) is int and limit > 0 else None,
        stop=_stop_sequences(body.get("stop")),
        replacement_characters=_has_replacement(body.get("messages")) or _is_hot(body.get("temperature")),
        logprobs=body.get("logprobs") is True,
        alternatives=alternatives if type(alternatives := body.get("top_logprobs")) is int else None,
    )


def _stop_sequences(stop: Any) -> tuple[str, ...]:
    sequences = [stop] if isinstance(stop, str) else stop if isinstance(stop, list) else []
    return tuple(one for one in sequences if isinstance(one, str) and one)


def _is_hot(temperature: Any) -> bool:
    return type(temperature) in {int, float} and temperature > 1


def _has_replacement(value: Any) -> bool:
    if isinstance(value, str):
        return "\ufffd" in value
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return any(_has_replacement(item) for item in items)
