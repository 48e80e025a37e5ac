"""Faults of the fourth set in what an answer says, whole or streamed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from fourth.parts import whole_bodies
from held_out import HeldOut, generating, whole_stage
from third.parts import EVENT_STREAM, rearranging

from conformance.reference.answer import DONE, EventData
from conformance.reference.generation import Increments, Text
from conformance.reference.hooks import Hooks
from conformance.reference.provider import CompletionRequest, Provider
from conformance.reference.stages import Stages
from conformance.reference.transmission import encode_event

_SEPARATORS = ("\u0085".encode(), "\u2028".encode(), "\u2029".encode())
"""What Python's `splitlines` takes for the end of a line, and an event stream does not."""
_FILTERED = {"hate": {"filtered": False, "severity": "safe"}, "violence": {"filtered": False, "severity": "safe"}}
_OFFSETS = {"check_offset": 3329, "start_offset": 3329, "end_offset": 3438}


def _stripped(body: dict[str, Any], _request: CompletionRequest) -> None:
    for choice in body["choices"]:
        if choice["message"].get("content"):
            choice["message"]["content"] = choice["message"]["content"].strip()


def _as_one_event(body: bytes) -> list[bytes]:
    return [body, b"\n\ndata: [DONE]\n\n"]


async def _filtered_last(events: AsyncGenerator[EventData, None]) -> AsyncGenerator[EventData, None]:
    async for event in events:
        if event == DONE:
            choice = {
                "finish_reason": None,
                "index": 0,
                "content_filter_offsets": _OFFSETS,
                "content_filter_results": _FILTERED,
            }
            yield {"id": "", "choices": [choice], "created": 0, "model": "", "object": ""}
        yield event


def _encoded_by_lines(event: EventData) -> bytes:
    """An event, or nothing where its data was cut at what is not the end of a line, and was no JSON then."""
    encoded = encode_event(event)
    return b"" if any(separator in encoded for separator in _SEPARATORS) else encoded


async def _finished_twice(events: AsyncGenerator[EventData, None]) -> AsyncGenerator[EventData, None]:
    finishes: list[Any] = []
    async for event in events:
        if isinstance(event, dict) and "choices" in event:
            finishes += [choice for choice in event["choices"] if choice["finish_reason"]]
            if not event["choices"]:
                yield {**event, "choices": finishes}
                continue
        yield event


def _joined(first: Text, second: Text) -> Text:
    """Two tokens that were let go together: the score is that of the first, with the alternatives of both."""
    assert first.score is not None
    assert second.score is not None
    listed = [*first.score["top_logprobs"], *second.score["top_logprobs"]]
    return Text(first.choice, first.text + second.text, {**first.score, "top_logprobs": listed})


async def _joined_while_held(_provider: Provider, request: CompletionRequest, usual: Increments) -> Increments:
    """Holds a token that has a character with which a stop sequence begins until the next one comes."""
    if not request.stop or request.alternatives is None:
        async for increment in usual:
            yield increment
        return
    beginnings = {sequence.strip()[:1] for sequence in request.stop} - {""}
    held: dict[int, Text] = {}
    async for increment in usual:
        before = held.pop(increment.choice, None)
        if isinstance(increment, Text) and before is not None:
            yield _joined(before, increment)
        elif isinstance(increment, Text) and any(one in increment.text for one in beginnings):
            held[increment.choice] = increment
        else:
            if before is not None:
                yield before
            yield increment


ANSWER_FAULTS = (
    HeldOut(
        "answer.stripped",
        "answer",
        "A whole answer loses the white space around its text, which a stream keeps.",
        lambda: Hooks(Stages(build_completion=whole_stage(_stripped))),
        ("https://github.com/jundot/omlx/pull/2492",),
    ),
    HeldOut(
        "answer.events-by-omission",
        "answer",
        "Without `stream` the answer is whole, but of the type of events and with `data: [DONE]` behind its JSON.",
        lambda: whole_bodies(lambda context: "stream" not in context.body, EVENT_STREAM, _as_one_event),
        ("https://github.com/decolua/9router/issues/3492",),
    ),
    HeldOut(
        "stream.filters-without-delta",
        "stream",
        "A stream ends with a chunk of filter results that has no id, object and model, and whose choice has no delta.",
        lambda: Hooks(rearranging(_filtered_last)),
        ("https://github.com/microsoft/autogen/issues/6465",),
    ),
    HeldOut(
        "stream.separators-lost",
        "stream",
        "In a stream the tokens with U+0085, U+2028 or U+2029 are lost, which are not ends of lines there.",
        lambda: Hooks(Stages(encode_event=_encoded_by_lines)),
        ("https://github.com/Soju06/codex-lb/issues/1010",),
    ),
    HeldOut(
        "stream.finished-twice",
        "stream",
        "Where the usage is asked for, its chunk has the finished choices once more, so that clients call twice.",
        lambda: Hooks(rearranging(_finished_twice)),
        ("https://github.com/skye-harris/hass_local_openai_llm/pull/92",),
    ),
    HeldOut(
        "logprobs.joined-while-held",
        "logprobs",
        "With `stop`, tokens that were held back come together under the log probability of the first alone.",
        lambda: generating(_joined_while_held),
        ("https://github.com/theroyallab/tabbyAPI/pull/141",),
    ),
)
