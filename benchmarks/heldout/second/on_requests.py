"""Faults in how requests are read: kinds A (combinations), B (not read), F (sizes), J (further fields), L (of many)."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import Any

from held_out import Body, HeldOut, crashing_when, reading, whole_stage
from second.parts import texts_of, with_texts

from conformance.reference.generation import Increments, generate
from conformance.reference.hooks import Hooks
from conformance.reference.provider import CompletionRequest, Provider
from conformance.reference.stages import Stages
from conformance.reference.tokens import count_tokens, split_tokens

_WINDOW = 8_192
"""Tokens into which a gateway presses the messages of a prompt."""
_LONGEST_STOP = 16
_LONGEST_WORD = 2_048
_MOST_CHOICES = 4
_HONOURED = 2
"""Choices in which stop sequences are looked for."""


# --- A: a combination breaks ---


def _name_with_parts(body: Body) -> bool:
    return any(isinstance(message.get("content"), list) and message.get("name") for message in body["messages"])


def _greedy_choices(body: Body) -> bool:
    return body.get("temperature") == 0 and (body.get("n") or 1) > 1


def _usage_of_choices(body: Body) -> bool:
    options = body.get("stream_options") or {}
    return body.get("stream") is True and (body.get("n") or 1) > 1 and options.get("include_usage") is True


# --- B: served, but not read ---


def _assistant_parts_lost(body: Body) -> Body:
    def read(message: Body) -> Body:
        told_in_parts = message["role"] == "assistant" and isinstance(message.get("content"), list)
        return {**message, "content": ""} if told_in_parts else message

    return {**body, "messages": [read(message) for message in body["messages"]]}


def _middle_out(body: Body) -> Body:
    messages = list(body["messages"])
    lengths = [sum(map(count_tokens, texts_of(message))) for message in messages]
    over = sum(lengths) - _WINDOW
    longest = lengths.index(max(lengths))
    content = messages[longest].get("content")
    if over <= 0 or not isinstance(content, str):
        return body
    tokens = split_tokens(content)
    kept = max(2, len(tokens) - over)
    ends = tokens[: kept // 2] + tokens[len(tokens) - (kept - kept // 2) :]
    messages[longest] = {**messages[longest], "content": "".join(ends)}
    return {**body, "messages": messages}


def _until_nul(body: Body) -> Body:
    messages = [with_texts(message, lambda text: text.partition("\0")[0]) for message in body["messages"]]
    return {**body, "messages": messages}


# --- F: everything is small ---


def _short_stops_only(body: Body) -> Body:
    stop = body.get("stop")
    sequences = [stop] if isinstance(stop, str) else stop or []
    short = [sequence for sequence in sequences if len(sequence) <= _LONGEST_STOP]
    return {**body, "stop": short or None}


def _four_choices_at_most(body: Body) -> Body:
    return {**body, "n": min(body.get("n") or 1, _MOST_CHOICES)}


def _has_long_word(body: Body) -> bool:
    words = [word for message in body["messages"] for text in texts_of(message) for word in text.split()]
    return any(len(word) > _LONGEST_WORD for word in words)


# --- J: official fields outside the subset ---


def _text_modality(body: Body) -> bool:
    return body.get("modalities") == ["text"]


def _biased(body: Body) -> bool:
    return bool(body.get("logit_bias"))


# --- L: the last of many ---


def _always_stopped(body: dict[str, Any], _: CompletionRequest) -> None:
    for choice in body["choices"][1:]:
        if choice["finish_reason"] == "length":
            choice["finish_reason"] = "stop"


async def _stops_of_first_two(provider: Provider, request: CompletionRequest) -> Increments:
    async with aclosing(generate(provider, request)) as stopping:
        async for increment in stopping:
            if increment.choice < _HONOURED:
                yield increment
    if request.choices <= _HONOURED:
        return
    async with aclosing(generate(provider, replace(request, stop=()))) as endless:
        async for increment in endless:
            if increment.choice >= _HONOURED:
                yield increment


REQUEST_FAULTS: tuple[HeldOut, ...] = (
    HeldOut(
        "a2.name-with-parts",
        "A",
        "A message with a `name` whose content is a list of parts is answered 500; each alone is served.",
        lambda: crashing_when(_name_with_parts),
    ),
    HeldOut(
        "a2.greedy-choices",
        "A",
        "`temperature: 0` together with `n` above 1 is answered 500; each alone is served.",
        lambda: crashing_when(_greedy_choices),
        seen=("xorbitsai/inference#1317",),
    ),
    HeldOut(
        "a2.usage-of-choices",
        "A",
        "A stream with `n` above 1 and `include_usage` is answered 500; any two of the three are served.",
        lambda: crashing_when(_usage_of_choices),
    ),
    HeldOut(
        "b2.assistant-parts-lost",
        "B",
        "An assistant's message whose content is a list of parts reaches the model empty.",
        lambda: reading(_assistant_parts_lost),
        seen=("command-code#806",),
    ),
    HeldOut(
        "b2.middle-out",
        "B",
        "Of a prompt of more than 8,192 tokens the middle of the longest message is taken out without a word.",
        lambda: reading(_middle_out),
        seen=("ollama#17889",),
    ),
    HeldOut(
        "b2.ends-at-nul",
        "B",
        "What follows a NUL character in a text does not reach the model, as where strings end with one.",
        lambda: reading(_until_nul),
        seen=("mlx-vlm#1137",),
    ),
    HeldOut(
        "f2.long-stop-ignored",
        "F",
        "A stop sequence of more than 16 characters is not looked for.",
        lambda: reading(_short_stops_only),
        seen=("ollama#4797",),
    ),
    HeldOut(
        "f2.four-choices-at-most",
        "F",
        "`n` above 4 is served with four choices, without a word.",
        lambda: reading(_four_choices_at_most),
    ),
    HeldOut(
        "f2.long-word",
        "F",
        "A prompt with a word of more than 2,048 characters is answered 500, as by a tokenizer with a bound.",
        lambda: crashing_when(_has_long_word),
    ),
    HeldOut(
        "j2.text-modality",
        "J",
        '`modalities: ["text"]`, which is the default written out, is answered 500.',
        lambda: crashing_when(_text_modality),
        seen=("Qwen3#822",),
    ),
    HeldOut(
        "j2.logit-bias",
        "J",
        "A `logit_bias` that is not empty is answered 500.",
        lambda: crashing_when(_biased),
    ),
    HeldOut(
        "l2.length-of-first-choice",
        "L",
        "In whole answers a choice beyond the first says `stop` where it was cut at the limit.",
        lambda: Hooks(Stages(build_completion=whole_stage(_always_stopped))),
    ),
    HeldOut(
        "l2.stops-of-two-choices",
        "L",
        "Stop sequences are looked for in the first two choices only; a third runs past them.",
        lambda: Hooks(Stages(generate=_stops_of_first_two)),
        seen=("TensorRT-LLM#829",),
    ),
)
