"""Faults in what is answered: kinds C (streams), D (usage), H (no limit), I (log probabilities), K (reasoning)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from held_out import EventEdit, HeldOut, PrefacingProvider, events_stage, generating, whole_stage

from conformance.reference.generation import Finish, Increments, Text
from conformance.reference.hooks import Hooks
from conformance.reference.provider import CompletionRequest, Provider
from conformance.reference.request_context import current
from conformance.reference.stages import Stages

_FLUSHED = 32
"""Deltas after which a buffer is flushed."""
_OWN_CAP = 150
_DRAFT = 5
"""Tokens that a draft model proposes at a time."""
_HARMONY = "<|channel|>analysis<|message|>The user wants an echo.<|end|><|start|>assistant<|channel|>final<|message|>"


# --- C: a stream that says more, or otherwise ---


async def _stripped_at_flush(_: Provider, request: CompletionRequest, increments: Increments) -> Increments:
    counts: dict[int, int] = {}
    async for increment in increments:
        if request.stream and isinstance(increment, Text):
            counts[increment.choice] = counts.get(increment.choice, 0) + 1
            if counts[increment.choice] % _FLUSHED == 0:
                yield replace(increment, text=increment.text.lstrip())
                continue
        yield increment


async def _last_of_second_lost(_: Provider, request: CompletionRequest, increments: Increments) -> Increments:
    held: Text | None = None
    async for increment in increments:
        if not request.stream or increment.choice != 1:
            yield increment
        elif isinstance(increment, Text):
            if held is not None:
                yield held
            held = increment
        else:
            held = None
            yield increment


def _last_delta_again() -> EventEdit:
    last: dict[int, str] = {}

    def edit(event: dict[str, Any], _: CompletionRequest) -> None:
        for choice in event["choices"]:
            if choice["delta"].get("content"):
                last[choice["index"]] = choice["delta"]["content"]
            if choice["finish_reason"] == "stop" and choice["index"] in last:
                choice["delta"] = {"content": last[choice["index"]]}

    return edit


# --- D: usage against the suite's own limits ---


def _set_completion(usage: dict[str, Any], tokens: int) -> None:
    usage["completion_tokens"] = tokens
    usage["total_tokens"] = usage["prompt_tokens"] + tokens


def _opening_counted() -> EventEdit:
    def edit(event: dict[str, Any], request: CompletionRequest) -> None:
        if event.get("usage"):
            _set_completion(event["usage"], event["usage"]["completion_tokens"] + request.choices)

    return edit


def _estimated(body: dict[str, Any], _: CompletionRequest) -> None:
    messages = [choice["message"] for choice in body["choices"]]
    characters = sum(len(message.get("content") or "") for message in messages)
    if characters:
        _set_completion(body["usage"], math.ceil(characters / 4))


async def _drafts_counted(_: Provider, request: CompletionRequest, increments: Increments) -> Increments:
    del request
    async for increment in increments:
        if isinstance(increment, Finish):
            rounded = math.ceil(increment.completion_tokens / _DRAFT) * _DRAFT
            yield replace(increment, completion_tokens=rounded)
        else:
            yield increment


# --- H: no limit asked ---


async def _null_is_nothing(_: Provider, request: CompletionRequest, increments: Increments) -> Increments:
    body = current.get().body
    empty = any(name in body and body[name] is None for name in ("max_tokens", "max_completion_tokens"))
    empty = empty and request.token_limit is None
    async for increment in increments:
        if not empty:
            yield increment
        elif isinstance(increment, Finish):
            yield replace(increment, reason="stop", completion_tokens=0)


def _null_limit() -> Hooks:
    return replace(generating(_null_is_nothing), needs_context=True, reads_first=True)


async def _capped_when_whole(_: Provider, request: CompletionRequest, increments: Increments) -> Increments:
    shown: dict[int, int] = {}
    capped = not request.stream and request.token_limit is None
    async for increment in increments:
        if capped and isinstance(increment, Text):
            shown[increment.choice] = shown.get(increment.choice, 0) + 1
            if shown[increment.choice] > _OWN_CAP:
                continue
        if capped and isinstance(increment, Finish) and increment.completion_tokens > _OWN_CAP:
            yield replace(increment, reason="stop", completion_tokens=_OWN_CAP)
            continue
        yield increment


# --- I: log probabilities against themselves ---


def _rescored(change: Callable[[Text, int], dict[str, Any]]) -> Hooks:
    """Changes the score of each token; the function gets the token and how many of its choice precede it."""

    async def scored(_: Provider, request: CompletionRequest, increments: Increments) -> Increments:
        del request
        counts: dict[int, int] = {}
        async for increment in increments:
            if isinstance(increment, Text) and increment.score is not None:
                position = counts.get(increment.choice, 0)
                counts[increment.choice] = position + 1
                yield replace(increment, score=change(increment, position))
            else:
                yield increment

    return generating(scored)


def _other_temperature(text: Text, position: int) -> dict[str, Any]:
    assert text.score is not None
    return text.score if position < 5 else {**text.score, "logprob": round(text.score["logprob"] - 0.25, 4)}


def _one_behind() -> EventEdit:
    previous: dict[int, list[Any]] = {}

    def edit(event: dict[str, Any], _: CompletionRequest) -> None:
        for choice in event["choices"]:
            scores = choice.get("logprobs")
            if scores and scores.get("content"):
                index = choice["index"]
                scores["content"], previous[index] = previous.get(index, []), scores["content"]

    return edit


def _twice_the_likeliest(text: Text, _: int) -> dict[str, Any]:
    assert text.score is not None
    alternatives = text.score["top_logprobs"]
    if text.choice == 0 or len(alternatives) < 2:
        return text.score
    return {**text.score, "top_logprobs": [alternatives[0], *alternatives[:-1]]}


# --- K: reasoning in the text ---


def _harmony(request: CompletionRequest, _: int) -> str:
    return "" if request.stream else _HARMONY


def _thinking_at_effort(request: CompletionRequest, _: int) -> str:
    return "" if request.effort is None else "[THINK] Echo it. [/THINK]"


def _second_reasons(_: CompletionRequest, choice: int) -> str:
    return "<reasoning> Echo it. </reasoning>\n" if choice else ""


ANSWER_FAULTS: tuple[HeldOut, ...] = (
    HeldOut(
        "c.space-lost-at-flush",
        "C",
        "In streams every 32nd delta of a choice loses the white space that it begins with.",
        lambda: generating(_stripped_at_flush),
        seen=("vllm#10802",),
    ),
    HeldOut(
        "c.second-choice-cut",
        "C",
        "In streams the last delta of the second choice is lost.",
        lambda: generating(_last_of_second_lost),
    ),
    HeldOut(
        "c.last-delta-again",
        "C",
        "In streams that end with `stop` the finish chunk carries the last delta a second time.",
        lambda: Hooks(Stages(build_events=events_stage(_last_delta_again))),
        seen=("litellm#41109",),
    ),
    HeldOut(
        "d.opening-counted",
        "D",
        "The usage of a stream counts the opening chunk of each choice as a token.",
        lambda: Hooks(Stages(build_events=events_stage(_opening_counted))),
        seen=("litellm#39088",),
    ),
    HeldOut(
        "d.characters-by-four",
        "D",
        "The usage of a whole answer is estimated: a token for every four characters.",
        lambda: Hooks(Stages(build_completion=whole_stage(_estimated))),
        seen=("lmstudio#2335",),
    ),
    HeldOut(
        "d.drafts-counted",
        "D",
        "Completion tokens include rejected ones of a draft model: the next multiple of five.",
        lambda: generating(_drafts_counted),
        seen=("llama.cpp#27318",),
    ),
    HeldOut(
        "h.null-is-nothing",
        "H",
        "A limit of `null` is taken as 0: the answer is empty, and ends with `stop`.",
        _null_limit,
    ),
    HeldOut(
        "h.whole-capped-at-150",
        "H",
        "Without a limit a whole answer is cut behind 150 tokens and says `stop`; streams are not.",
        lambda: generating(_capped_when_whole),
        seen=("foundry-local#243",),
    ),
    HeldOut(
        "i.two-temperatures",
        "I",
        "From the sixth token on, a token's `logprob` is another one than among its alternatives.",
        lambda: _rescored(_other_temperature),
        seen=("vllm#34875",),
    ),
    HeldOut(
        "i.one-behind",
        "I",
        "In streams each chunk carries the log probabilities of the chunk before it; the last ones are lost.",
        lambda: Hooks(Stages(build_events=events_stage(_one_behind))),
    ),
    HeldOut(
        "i.alternative-twice",
        "I",
        "Beyond the first choice the likeliest alternative of each token is listed twice.",
        lambda: _rescored(_twice_the_likeliest),
    ),
    HeldOut(
        "k.harmony-channels",
        "K",
        "A whole answer begins with the model's analysis channel and its marks; streams do not.",
        Hooks,
        provider=lambda: PrefacingProvider(_harmony),
    ),
    HeldOut(
        "k.think-by-effort",
        "K",
        "Where `reasoning_effort` is asked for, the text begins with `[THINK] … [/THINK]`.",
        Hooks,
        seen=("llama.cpp#27661",),
        provider=lambda: PrefacingProvider(_thinking_at_effort),
    ),
    HeldOut(
        "k.second-choice-reasons",
        "K",
        "Beyond the first choice the text begins with `<reasoning> … </reasoning>`.",
        Hooks,
        seen=("sglang#26873",),
        provider=lambda: PrefacingProvider(_second_reasons),
    ),
)
