"""What a recorded exchange says by our own reading, in the words that drivers use for what a client understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from conformance.clients.scenarios import Scenario
from conformance.reading import parse, read_completion, read_error, read_stream
from conformance.reading.assembly import assembled
from conformance.reading.tool_calls import calls_of
from conformance.wire.exchange import EndKind

TOKENS: Final = ("prompt_tokens", "completion_tokens", "total_tokens")


@dataclass(frozen=True, slots=True)
class Expected:
    """What a client has to make of an exchange.

    `understood` has the members that the answer decides; `error` is the message of an error, empty where it has none.
    `problem` says why there is no whole answer to be understood, None where there is one.
    """

    understood: Mapping[str, Any]
    is_error: bool = False
    status: int | None = None
    error: str = ""
    problem: str | None = None


def expected_of(scenario: Scenario) -> Expected:
    """What our readers make of the exchange of a scenario."""
    exchange = scenario.exchange
    if scenario.error_status is not None:
        return Expected({}, True, scenario.error_status, _error_message(read_error(exchange).object))
    cut = None if exchange.ending.kind is EndKind.COMPLETE else f"the answer was cut ({exchange.ending.kind.value})"
    if not scenario.is_stream:
        reading = read_completion(exchange)
        return Expected(_understood(reading.object, scenario), status=200, problem=cut or reading.problem)
    stream = read_stream(exchange)
    if stream.errors:
        return Expected({}, True, 200, _error_message({"error": stream.errors[0]}) or _error_message(stream.errors[0]))
    # Whoever has read the sentinel has the whole answer, however the connection ends after it.
    problem = None if stream.is_complete else cut or stream.problem
    problem = problem or (None if stream.chunks else "there is no chunk in the stream")
    return Expected(_understood(assembled(stream), scenario), status=200, problem=problem)


def _understood(body: Mapping[str, Any], scenario: Scenario) -> dict[str, Any]:
    listed = body.get("choices")
    choices = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    # Clients name choices by their place; an index says which comes first only where all have one.
    if all(type(one.get("index")) is int for one in choices):
        choices.sort(key=lambda one: one["index"])
    messages = [_object(one.get("message")) for one in choices]
    texts = [message.get("content") for message in messages]
    understood: dict[str, Any] = {
        "text": texts,
        "finish_reason": [one.get("finish_reason") for one in choices],
        "tool_calls": [[_call(one) for one in calls_of(message)] for message in messages],
        "usage": _usage(body.get("usage")),
    }
    if "structured" in scenario.kind and texts and isinstance(texts[0], str):
        document = parse(texts[0].encode())
        if document.readable:
            understood["parsed"] = document.value
    return understood


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _call(call: Any) -> dict[str, Any]:
    return {"id": call.id, "name": call.name, "arguments": call.input}


def _usage(usage: Any) -> dict[str, int] | None:
    if not isinstance(usage, dict):
        return None
    counts = {name: usage[name] for name in TOKENS if type(usage.get(name)) is int}
    return counts or None


def _error_message(body: Mapping[str, Any]) -> str:
    """The message of an error, in whichever of the usual places it stands; empty where there is none."""
    inner = body.get("error")
    for one in (inner, body):
        for name in ("message", "detail"):
            if isinstance(one, dict) and isinstance(one.get(name), str):
                return str(one[name])
    return inner if isinstance(inner, str) else ""
