"""Faults in what is answered: kinds C (streams), D (usage), H (no limit), I (log probabilities), K (reasoning)."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from held_out import HeldOut, Increasing, PrefacingProvider, generating
from second.parts import contents, editing

from conformance.reference.generation import Finish, Increments, Text
from conformance.reference.hooks import Hooks
from conformance.reference.provider import CompletionRequest, Provider
from conformance.reference.request_context import current

_RECONNECTED = 48
"""Deltas after which a gateway has lost its upstream, and goes on with what that sends from a little before."""
_OVERLAP = 3
_SLOT = 20
"""Tokens beyond which the end of a text at its limit is counted, too."""
_SHARED = 96
_DEFAULT_LIMIT = 16
_LONG = 1_500
"""Characters from which a prompt is long enough to be thought about."""
_UNSHIFTED = 2
"""Tokens of a stream that have as many alternatives as were asked for."""


# --- C: a stream that says more, or otherwise ---


async def _resumed_with_overlap(_: Provider, request: CompletionRequest, increments: Increments) -> Increments:
    counts: dict[int, int] = {}
    last: dict[int, deque[Text]] = {}
    async for increment in increments:
        yield increment
        if not request.stream or not isinstance(increment, Text):
            continue
        choice = increment.choice
        counts[choice] = counts.get(choice, 0) + 1
        last.setdefault(choice, deque(maxlen=_OVERLAP)).append(increment)
        if counts[choice] == _RECONNECTED:
            for text in last[choice]:
                yield text


def _streaming(change: Callable[[str], str]) -> Increasing:
    """Changes each delta of a stream by itself."""

    async def changed(_: Provider, request: CompletionRequest, increments: Increments) -> Increments:
        async for increment in increments:
            if request.stream and isinstance(increment, Text):
                yield replace(increment, text=change(increment.text))
            else:
                yield increment

    return changed


def _without_blank_lines(text: str) -> str:
    return re.sub(r"\n{2,}", "\n", text)


def _halves_of_characters(text: str) -> str:
    return "".join("\ufffd\ufffd" if ord(character) > 0xFFFF else character for character in text)


async def _held_text_lost(_: Provider, request: CompletionRequest, increments: Increments) -> Increments:
    """What was held back because a stop sequence might begin in it is not sent where none did."""
    shown: dict[int, str] = {}
    async for increment in increments:
        if not (request.stream and request.stop and isinstance(increment, Text)):
            yield increment
            continue
        whole = shown[increment.choice] = shown.get(increment.choice, "") + increment.text
        held = min(_beginning(whole, request.stop), len(increment.text))
        if held < len(increment.text):
            yield replace(increment, text=increment.text[: len(increment.text) - held])


def _beginning(text: str, sequences: tuple[str, ...]) -> int:
    """How many characters at the end of a text are the beginning of a stop sequence."""
    lengths = [length for one in sequences for length in range(1, len(one)) if text.endswith(one[:length])]
    return max(lengths, default=0)


# --- D: usage against the suite's own limits ---


def _cached_subtracted() -> Hooks:
    """The prompt tokens of messages that came before are only those that no cache had."""
    known: set[str] = set()

    def edit(answer: dict[str, Any], _: CompletionRequest) -> None:
        usage = answer.get("usage")
        if not usage:
            return
        messages = contents(current.get().body["messages"])
        if messages in known:
            cached = usage["prompt_tokens"] // 2
            usage["prompt_tokens"] -= cached
            usage["total_tokens"] -= cached
            usage["prompt_tokens_details"] = {"cached_tokens": cached}
        known.add(messages)

    return editing(edit, lambda: edit, needs_context=True)


def _ends_of_earlier_counted() -> Hooks:
    """A counter of the connection that is not set back."""

    def edit(chunk: dict[str, Any], _: CompletionRequest) -> None:
        usage = chunk.get("usage")
        if usage:
            earlier = current.get().on_connection - 1
            usage["completion_tokens"] += earlier
            usage["total_tokens"] += earlier

    return editing(lambda answer, request: None, lambda: edit, needs_context=True)


async def _end_counted(_: Provider, request: CompletionRequest, increments: Increments) -> Increments:
    del request
    async for increment in increments:
        cut = isinstance(increment, Finish) and increment.reason == "length"
        if cut and isinstance(increment, Finish) and increment.completion_tokens > _SLOT:
            yield replace(increment, completion_tokens=increment.completion_tokens + 1)
        else:
            yield increment


# --- H: no limit asked ---


def _capped(cap_of: Callable[[CompletionRequest], int | None]) -> Hooks:
    """Cuts each choice silently where no limit was asked for."""

    async def cut(_: Provider, request: CompletionRequest, increments: Increments) -> Increments:
        cap = cap_of(request) if request.token_limit is None else None
        shown: dict[int, int] = {}
        async for increment in increments:
            if cap is not None and isinstance(increment, Text):
                shown[increment.choice] = shown.get(increment.choice, 0) + 1
                if shown[increment.choice] > cap:
                    continue
            if cap is not None and isinstance(increment, Finish) and shown.get(increment.choice, 0) > cap:
                yield replace(increment, reason="stop", completion_tokens=cap)
                continue
            yield increment

    return generating(cut)


def _share(request: CompletionRequest) -> int | None:
    return max(1, _SHARED // request.choices) if request.choices > 1 else None


# --- I: log probabilities against themselves ---


def _rescored(change: Callable[[dict[str, Any], CompletionRequest, int], dict[str, Any]]) -> Hooks:
    """Changes the score of each token; the function gets how many of its choice precede it, too."""

    async def scored(_: Provider, request: CompletionRequest, increments: Increments) -> Increments:
        counts: dict[int, int] = {}
        async for increment in increments:
            if isinstance(increment, Text) and increment.score is not None:
                position = counts.get(increment.choice, 0)
                counts[increment.choice] = position + 1
                yield replace(increment, score=change(increment.score, request, position))
            else:
                yield increment

    return generating(scored)


def _in_all(score: dict[str, Any], change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """A score with the token and each of its alternatives changed."""
    return {**change(score), "top_logprobs": [change(one) for one in score["top_logprobs"]]}


def _code_points(score: dict[str, Any], _: CompletionRequest, __: int) -> dict[str, Any]:
    return _in_all(score, lambda one: {**one, "bytes": [ord(character) for character in one["token"]]})


def _vocabulary_form(score: dict[str, Any], request: CompletionRequest, _: int) -> dict[str, Any]:
    if request.stream:
        return score
    return _in_all(score, lambda one: {**one, "token": one["token"].replace(" ", "\N{LOWER ONE EIGHTH BLOCK}")})


def _one_alternative_more(score: dict[str, Any], request: CompletionRequest, position: int) -> dict[str, Any]:
    alternatives = score["top_logprobs"]
    if not request.stream or position < _UNSHIFTED or not alternatives:
        return score
    token = f"{score['token']}?"
    logprob = round(alternatives[-1]["logprob"] - 1, 4)
    return {**score, "top_logprobs": [*alternatives, {"token": token, "logprob": logprob, "bytes": [*token.encode()]}]}


# --- K: reasoning in the text ---


def _thought_over(request: CompletionRequest, _: int) -> str:
    long = sum(len(message.text) for message in request.messages) > _LONG
    return "<thought>\nA long one. Echo it.\n</thought>\n" if long and request.stream else ""


def _thinks_of_turns(request: CompletionRequest, _: int) -> str:
    answered = any(message.role == "assistant" for message in request.messages)
    return "\u25c1think\u25b7Echo the last turn.\u25c1/think\u25b7" if answered else ""


ANSWER_FAULTS: tuple[HeldOut, ...] = (
    HeldOut(
        "c2.resumed-with-overlap",
        "C",
        "Behind the 48th delta of a choice a stream says its last three deltas once more, as after a reconnect.",
        lambda: generating(_resumed_with_overlap),
        seen=("nanobot#4038",),
    ),
    HeldOut(
        "c2.blank-lines-lost",
        "C",
        "In streams several line feeds in a row become one, so that paragraphs run together.",
        lambda: generating(_streaming(_without_blank_lines)),
        seen=("vllm#10802",),
    ),
    HeldOut(
        "c2.held-text-lost",
        "C",
        "In streams a text that looked like the beginning of a stop sequence, and was none, is lost.",
        lambda: generating(_held_text_lost),
        seen=("bifrost#6427",),
    ),
    HeldOut(
        "c2.halves-of-characters",
        "C",
        "In streams a character beyond U+FFFF comes as two replacement characters.",
        lambda: generating(_streaming(_halves_of_characters)),
        seen=("Luce-Org/lucebox#641",),
    ),
    HeldOut(
        "d2.cached-subtracted",
        "D",
        "Where the same messages come again, `prompt_tokens` leaves out those that are cached.",
        _cached_subtracted,
    ),
    HeldOut(
        "d2.ends-of-earlier",
        "D",
        "On a used connection the usage of a stream counts one token more for each request before it.",
        _ends_of_earlier_counted,
    ),
    HeldOut(
        "d2.one-over-the-limit",
        "D",
        "An answer that ends at a limit above 20 tokens counts one token more than the limit.",
        lambda: generating(_end_counted),
        seen=("llama.cpp#27318",),
    ),
    HeldOut(
        "h2.sixteen-by-default",
        "H",
        "Where no limit is asked for, an answer is cut behind 16 tokens and says `stop`.",
        lambda: _capped(lambda request: _DEFAULT_LIMIT),
        seen=("hermes-agent#108558",),
    ),
    HeldOut(
        "h2.shared-among-choices",
        "H",
        "With `n` above 1 and no limit, the choices share 96 tokens; each is cut at its share and says `stop`.",
        lambda: _capped(_share),
        seen=("foundry-local#243",),
    ),
    HeldOut(
        "i2.code-points",
        "I",
        "The `bytes` of a token are the code points of its characters, which differ beyond ASCII.",
        lambda: _rescored(_code_points),
        seen=("ollama#13497",),
    ),
    HeldOut(
        "i2.vocabulary-form",
        "I",
        "In whole answers the tokens of log probabilities have a block for each space, as in a model's vocabulary.",
        lambda: _rescored(_vocabulary_form),
    ),
    HeldOut(
        "i2.one-alternative-more",
        "I",
        "In streams each token from the third on has one alternative more than were asked for.",
        lambda: _rescored(_one_alternative_more),
        seen=("vllm#34875",),
    ),
    HeldOut(
        "k2.thought-over",
        "K",
        "Where the prompt has more than 1,500 characters, the text of a stream begins with `<thought>`.",
        Hooks,
        seen=("sglang#36285",),
        provider=lambda: PrefacingProvider(_thought_over),
    ),
    HeldOut(
        "k2.thinks-of-turns",
        "K",
        "Behind an assistant's turn the text begins with a thought between triangular marks.",
        Hooks,
        seen=("omlx#2649",),
        provider=lambda: PrefacingProvider(_thinks_of_turns),
    ),
)
