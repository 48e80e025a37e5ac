"""Faults of the third set that change what an answer says, whole or streamed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from held_out import Body, EventEdit, HeldOut, crashing_when, events_stage, generating, reading, reading_stage
from second.parts import editing, texts_of
from third.parts import leaving_out, rearranging, replaced

from conformance.contract.dialect import Dialect
from conformance.reference.answer import EventData, Outline, build_events
from conformance.reference.generation import Finish, Increments, Text, generate
from conformance.reference.hooks import Hooks
from conformance.reference.provider import CompletionRequest, Provider
from conformance.reference.stages import Stages
from conformance.reference.transmission import encode_event

_KEPT = 8
"""Turns that a deployment which forgets nothing still knows."""
_INT32 = 2**31 - 1
_PING = "ping"


def _escaped_halves(text: str) -> str:
    """A text in which each half of an escaped surrogate pair was decoded by itself."""
    return "".join("\ufffd\ufffd" if ord(character) > 0xFFFF else character for character in text)


def _halving() -> Hooks:
    def edit(body: dict[str, Any], _request: CompletionRequest) -> None:
        body["choices"] = replaced(body["choices"], _escaped_halves)

    return editing(edit, lambda: edit)


def _one_system_message(body: Body) -> Body:
    first = next((row for row in body["messages"] if row["role"] == "system"), None)
    rows = [row for row in body["messages"] if row["role"] != "system" or row is first]
    return {**body, "messages": rows}


def _server_chat() -> Hooks:
    """Puts what was said in earlier requests, whosever they were, in front of each conversation."""
    chat: list[Mapping[str, str]] = []

    def remembering(body: Body) -> Body:
        earlier = list(chat)
        last = body["messages"][-1]
        if last["role"] == "user":
            chat.append({"role": "user", "content": "".join(texts_of(last))})
        return {**body, "messages": [*earlier, *body["messages"]]}

    async def answering(provider: Provider, request: CompletionRequest) -> Increments:
        said = ""
        async with aclosing(generate(provider, request)) as usual:
            async for increment in usual:
                if isinstance(increment, Text) and increment.choice == 0:
                    said += increment.text
                yield increment
        chat.append({"role": "assistant", "content": said})
        del chat[:-_KEPT]

    return Hooks(Stages(interpret=reading_stage(remembering), generate=answering))


def _null_is_none(body: Body) -> Body:
    silent = body.get("logprobs") is True and "top_logprobs" in body and body["top_logprobs"] is None
    return leaving_out(body, "logprobs", "top_logprobs") if silent else body


def _milliseconds() -> EventEdit:
    def edit(event: dict[str, Any], _request: CompletionRequest) -> None:
        event["created"] = event["created"] * 1000 + 417

    return edit


async def _with_ping(events: AsyncGenerator[EventData, None]) -> AsyncGenerator[EventData, None]:
    pinged = False
    async for event in events:
        yield event
        if not pinged:
            pinged = True
            yield _PING


def _pinging() -> Hooks:
    def encode(event: EventData) -> bytes:
        return b'event: ping\ndata: {"type": "ping"}\n\n' if event == _PING else encode_event(event)

    return Hooks(replace(rearranging(_with_ping), encode_event=encode))


async def _stops_late(provider: Provider, request: CompletionRequest, usual: Increments) -> Increments:
    """Looks for the stop sequences of a stream in each token by itself, once that is sent."""
    if not request.stream or not request.stop:
        async for increment in usual:
            yield increment
        return
    counts: dict[int, int] = {}
    ended: set[int] = set()
    async with aclosing(generate(provider, replace(request, stop=()))) as increments:
        async for increment in increments:
            choice = increment.choice
            if choice in ended:
                continue
            yield increment
            if isinstance(increment, Text):
                counts[choice] = counts.get(choice, 0) + 1
                if any(sequence in increment.text for sequence in request.stop):
                    ended.add(choice)
                    yield Finish(choice, "stop", counts[choice])


async def _usage_anyway(
    dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Increments
) -> AsyncGenerator[EventData, None]:
    asked = replace(request, include_usage=True)
    async with aclosing(build_events(dialect, outline, asked, increments)) as events:
        async for event in events:
            yield event


def _too_large_seed(body: Body) -> bool:
    return isinstance(body.get("seed"), int) and abs(body["seed"]) > _INT32


ANSWER_FAULTS = (
    HeldOut(
        "text.surrogate-pairs-lost",
        "text",
        "Each character beyond the basic plane comes back as two replacement characters, whole or streamed.",
        _halving,
        ("higress-group/higress#4027",),
    ),
    HeldOut(
        "text.later-system-messages",
        "text",
        "Of several system messages only the first reaches the model, and only it is counted.",
        lambda: reading(_one_system_message),
        ("Arthur-Ficial/apfel#390",),
    ),
    HeldOut(
        "text.server-chat",
        "text",
        "The model sees, and the prompt counts, the turns of the requests before, whoever sent them.",
        _server_chat,
        ("nomic-ai/gpt4all#3267",),
    ),
    HeldOut(
        "text.seed-beyond-32-bits",
        "text",
        "A seed that needs more than 32 bits is answered 500.",
        lambda: crashing_when(_too_large_seed),
        ("pollinations/pollinations#12338", "vllm-project/vllm#57018"),
    ),
    HeldOut(
        "text.null-top-logprobs",
        "text",
        "With `top_logprobs` null beside `logprobs` true, an answer has no log probabilities at all.",
        lambda: reading(_null_is_none),
        ("vllm-project/vllm#47838",),
    ),
    HeldOut(
        "stream.created-in-milliseconds",
        "stream",
        "`created` is in seconds in whole answers, and in milliseconds in the chunks of streams.",
        lambda: Hooks(Stages(build_events=events_stage(_milliseconds))),
        ("EricLBuehler/mistral.rs#1805", "mlc-ai/web-llm#829"),
    ),
    HeldOut(
        "stream.ping-frames",
        "stream",
        "Behind the first chunk of each stream comes the keep-alive event of another API, `ping`, with its own JSON.",
        _pinging,
        ("Wei-Shaw/sub2api#7097",),
    ),
    HeldOut(
        "stream.stops-a-token-late",
        "stream",
        "In a stream a stop sequence counts only within one token, and that token has been sent when the text ends.",
        lambda: generating(_stops_late),
        ("mzau/mlx-knife#68",),
    ),
    HeldOut(
        "usage.unasked",
        "usage",
        "A stream ends with a chunk of usage and no choices, though nobody asked for it.",
        lambda: Hooks(Stages(build_events=_usage_anyway)),
        ("volcano-sh/kthena#202",),
    ),
)
