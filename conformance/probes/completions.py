"""Probes for plain, non-streamed completions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from conformance.contract.model import Tier
from conformance.probes.model import Probe, served_probe
from conformance.probes.prompt_relations import FEWER, conversation
from conformance.probes.request_body import RequestBody
from conformance.probes.waves import LONG_ANSWERS, REPEATED, SIDE_BY_SIDE

SMALLEST, SHORTEST = "completion/plain", "completion/one-token"
"""The smallest valid request, which decides whether there is anything to judge; and the least limit of tokens."""
STREAM_FALSE = "completion/stream-false"
ONE_CONNECTION = "kept-alive"
"""The connection of several streams and plain completions, where each kind follows the other and itself."""
LONG_ANSWER = "Count from one to fifty in words, separated by single spaces, without any other text."
STOP = "completion/stop"
STOP_LAST, STOP_AMID = "completion/stop-last", "completion/stop-amid"
STOP_OF_CHOICES, TWO_CHOICES = "completion/stop-of-choices", "completion/two-choices"
ONE_STOP_OF_CHOICES = f"{STOP_OF_CHOICES}/one"
"""The same with one stop sequence, for targets that take no more."""
_AT_THE_ENDS = 2
IN_NO_TEXT = ("\u241f1", "\u241f2", "\u241f3")
"""Stop sequences that no answer has."""
BEGINS_OFTEN = "o\u241f"
"""A stop sequence that begins in each of these texts, and that none of them has."""
LOGPROBS = "completion/logprobs"
_NOT_ASCII = "h\u00e9llo w\u00f6rld \u4f60\u597d"
MULTIBYTE = (
    "Repeat this line and the next, without any other text:\n"
    "\u4f60\u597d\uff0c\u4e16\u754c 6666 \u0645\u0631\u062d\u0628\u0627\n"
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 e\u0301 \u00f1\u2028\u2713\u0085\u2192"
)
"""CJK, right-to-left text, an emoji with joiners, a combining mark: text that a server breaks that cuts bytes. Besides,
a token that comes twice and line breaks, which are dropped where deltas are compared or trimmed; and the line separator
and the next-line character, at which some languages split lines and the event-stream format does not (WHATWG HTML,
section 9.2.6)."""
MULTIBYTE_TOKENS = 32
OF_CHOICES = 8
"""Completion tokens of each of several choices: so many that a usage which counts one of them is seen."""
WHOLE = "completion/long-answer"
"""The long answer without streaming, and with room for it."""
OTHER_LIMIT = 3
"""Completion tokens of the long answer when it is requested again."""


def smallest(body: RequestBody) -> Probe:
    """The smallest valid request, which every other depends on."""
    return served_probe(SMALLEST, "the smallest valid request", body.capped(16), tier=Tier.SMOKE)


def shortest(body: RequestBody) -> Probe:
    """A long answer with the least limit of its tokens that the target takes."""
    least = body.limit(1)
    about = f"a long answer that is limited to {'one token' if least == 1 else f'{least} tokens'}"
    return served_probe(SHORTEST, about, body.asking(LONG_ANSWER, tokens=1), tier=Tier.SMOKE)


def whole_answer(body: RequestBody) -> Probe:
    """The long answer without streaming; where there are streams, as the last on their connection."""
    request = body.asking(LONG_ANSWER, tokens=32)
    connection = ONE_CONNECTION if body.has("stream") else None
    return served_probe(WHOLE, "a long answer without streaming", request, connection=connection)


def completion_probes(body: RequestBody) -> Iterator[Probe]:
    """Completions that show the response contract."""
    yield smallest(body)
    yield served_probe(
        "completion/long-prompt",
        "the same question after a long preface, which costs more prompt tokens",
        body.asking("Think of nothing. " * 30 + "Say hello.", tokens=8),
        # Where there are streams, the long answer has a longer prompt.
        tier=Tier.EXHAUSTIVE if body.has("stream") else Tier.STANDARD,
    )
    yield served_probe(
        "completion/multibyte", "text outside of ASCII in a message", body.asking(MULTIBYTE, tokens=MULTIBYTE_TOKENS)
    )
    yield from _conversation(body)
    if body.limit_field:
        yield from _limited(body)
    if body.has("stop"):
        yield from _stopped(body)
    if body.has("n"):
        request = body.asking(LONG_ANSWER, tokens=OF_CHOICES, n=2)
        yield served_probe(TWO_CHOICES, "two choices for one prompt", request)
    if body.has("logprobs"):
        request = body.asking(f"Say: {_NOT_ASCII}", tokens=8, logprobs=True, top_logprobs=2)
        yield beside_a_stop(served_probe(LOGPROBS, "the log probabilities of each token", request), body)
        if body.has("n"):
            request = body.asking("Say hello.", tokens=2, logprobs=True, top_logprobs=1, n=2)
            about = "the log probabilities of each token of two choices"
            yield served_probe("completion/logprobs-of-choices", about, request, tier=Tier.EXHAUSTIVE)
    if body.has("model") and not _model_is_required(body):
        without = {name: value for name, value in body.capped(4).items() if name != "model"}
        yield served_probe("completion/default-model", "a request that leaves the model to its default", without)


def _conversation(body: RequestBody) -> Iterator[Probe]:
    """A conversation, and a stream that is declined; both in one request, and apart only where that is not served."""
    request = body.naming_caller({**body.capped(4), "messages": body.woven(conversation())})
    talk = served_probe(FEWER, "a conversation of several turns", request)
    if not body.has("stream"):
        yield talk
        yield served_probe("completion/again", "the same request again, which is another completion", body.capped(16))
        return
    about = "the smallest valid request again, with a stream that is declined"
    declined = served_probe(STREAM_FALSE, about, {**body.capped(16), "stream": False}, connection=ONE_CONNECTION)
    yield replace(
        talk,
        name=f"{FEWER}-without-stream",
        about="a conversation of several turns, with a stream that is declined",
        body={**request, "stream": False},
        connection=ONE_CONNECTION,
        instead=(talk, declined),
        apart_unless_served=True,
    )


def _stopped(body: RequestBody) -> Iterator[Probe]:
    """A long answer that stops at its first space, alone and as one of two choices."""
    stopped = body.asking(LONG_ANSWER, tokens=24, stop=[" "])
    wave = REPEATED if body.has("n") else SIDE_BY_SIDE
    yield served_probe(STOP, "a long answer that stops at its first space", stopped, wave=wave)
    many = many_stops(body)
    choices: dict[str, Any] = {"n": 2, "stop": many or [" "]}
    is_joined = body.has("n") and body.is_spoken({**stopped, **choices})
    if body.has("n"):
        about = "two choices that stop at their first space"
        request = {**stopped, "n": 2}
        if is_joined:
            alone = served_probe(ONE_STOP_OF_CHOICES, about, request)
            about = f"{about}, the last of {len(choices['stop'])} stop sequences"
            yield served_probe(STOP_OF_CHOICES, about, {**stopped, **choices}, instead=(alone,))
        else:
            yield served_probe(STOP_OF_CHOICES, about, request)
    if many:
        about = f"a long answer with {len(many)} stop sequences, of which the last is a space"
        request = body.asking(LONG_ANSWER, tokens=24, stop=many)
        yield served_probe(STOP_LAST, about, request, wave=REPEATED if is_joined else SIDE_BY_SIDE)
    amid = stops_amid(body)
    if amid:
        about = f"a long answer with {len(amid)} stop sequences, of which the second is a space"
        request = body.asking(LONG_ANSWER, tokens=24, stop=amid)
        yield served_probe(STOP_AMID, about, request, wave=REPEATED if body.has("stream") else SIDE_BY_SIDE)


def beside_a_stop(alone: Probe, body: RequestBody) -> Probe:
    """The same with a stop sequence that begins often and never ends, so that tokens are held back; or else alone.

    No text ends at it, so that the listed tokens are those of the text, whatever a target lists of a stop sequence.
    """
    stop: dict[str, Any] = {"stop": [BEGINS_OFTEN]}
    request = {**alone.body, **stop}
    if not body.has("stop") or not body.is_spoken(request):
        return alone
    about = f"{alone.about}, beside a stop sequence that only begins in the text"
    return replace(alone, about=about, body=request, instead=(replace(alone, name=f"{alone.name}/alone"),))


def many_stops(body: RequestBody) -> list[str]:
    """As many stop sequences as the contract allows, of which only the last is in a text; none where it allows one."""
    for number in range(len(IN_NO_TEXT), 0, -1):
        stops = [*IN_NO_TEXT[:number], " "]
        if body.accepts(body.asking(LONG_ANSWER, tokens=24, stop=stops)):
            return stops
    return []


def stops_amid(body: RequestBody) -> list[str]:
    """The same with the one that is in a text in their midst, where engines that look at the ends do not see it."""
    stops = many_stops(body)
    return [stops[0], " ", *stops[1:-1]] if len(stops) > _AT_THE_ENDS else []


def _limited(body: RequestBody) -> Iterator[Probe]:
    """The long answer under other limits of its tokens."""
    yield shortest(body)
    field, limit = body.limit_fields[-1], body.limit(1) - 1 + OTHER_LIMIT
    request = {**body.base, "messages": body.woven([{"role": "user", "content": LONG_ANSWER}]), field: limit}
    about = f"the long answer again, limited to {limit} tokens by `{field}`"
    # Where there is one field for limits, requests with others of its values show the same.
    tier = Tier.STANDARD if len(body.limit_fields) > 1 else Tier.EXHAUSTIVE
    yield served_probe("completion/other-limit", about, request, wave=LONG_ANSWERS, tier=tier)


def _model_is_required(body: RequestBody) -> bool:
    schema = body.contract.operation.request_schema
    return not isinstance(schema, bool) and "model" in schema.get("required", ())
