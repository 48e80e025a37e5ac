"""Probes for plain, non-streamed completions."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.contract.model import Tier
from conformance.probes.model import Probe, served_probe
from conformance.probes.prompt_relations import FEWER, conversation
from conformance.probes.request_body import RequestBody
from conformance.probes.waves import LONG_ANSWERS

SMALLEST, SHORTEST = "completion/plain", "completion/one-token"
"""The smallest valid request, which decides whether there is anything to judge; and the least limit of tokens."""
ONE_CONNECTION = "kept-alive"
"""The connection of several streams and plain completions, where each kind follows the other and itself."""
LONG_ANSWER = "Count from one to fifty in words, separated by single spaces, without any other text."
STOP_LAST, STOP_AMID = "completion/stop-last", "completion/stop-amid"
STOP_OF_CHOICES, TWO_CHOICES = "completion/stop-of-choices", "completion/two-choices"
_AT_THE_ENDS = 2
IN_NO_TEXT = ("\u241f1", "\u241f2", "\u241f3")
"""Stop sequences that no answer has."""
_NOT_ASCII = "h\u00e9llo w\u00f6rld \u4f60\u597d"
MULTIBYTE = (
    "Repeat this line and the next, without any other text:\n"
    "\u4f60\u597d\uff0c\u4e16\u754c 6666 \u0645\u0631\u062d\u0628\u0627\n"
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 e\u0301 \u00f1 \u2713"
)
"""CJK, right-to-left text, an emoji with joiners, a combining mark: text that a server breaks that cuts bytes. Besides,
a token that comes twice and line breaks, which are dropped where deltas are compared or trimmed."""
MULTIBYTE_TOKENS = 32
OF_CHOICES = 8
"""Completion tokens of each of several choices: so many that a usage which counts one of them is seen."""
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
    yield served_probe(
        FEWER,
        "a conversation of several turns",
        body.naming_caller({**body.capped(4), "messages": body.woven(conversation())}),
    )
    long_answer = body.asking(LONG_ANSWER, tokens=32)
    yield served_probe("completion/long-answer", "a long answer without streaming", long_answer)
    if body.has("stream"):
        about = "the smallest valid request again, with a stream that is declined"
        declined = {**body.capped(16), "stream": False}
        yield served_probe("completion/stream-false", about, declined, connection=ONE_CONNECTION)
    else:
        yield served_probe("completion/again", "the same request again, which is another completion", body.capped(16))
    if body.limit_field:
        yield from _limited(body)
    if body.has("stop"):
        stopped = body.asking(LONG_ANSWER, tokens=24, stop=[" "])
        yield served_probe("completion/stop", "a long answer that stops at its first space", stopped)
        yield from _stopped_by_one_of_many(body)
        if body.has("n"):
            several = body.asking(LONG_ANSWER, tokens=24, stop=[" "], n=2)
            yield served_probe(STOP_OF_CHOICES, "two choices that stop at their first space", several)
    if body.has("n"):
        request = body.asking(LONG_ANSWER, tokens=OF_CHOICES, n=2)
        yield served_probe(TWO_CHOICES, "two choices for one prompt", request)
    if body.has("logprobs"):
        request = body.asking(f"Say: {_NOT_ASCII}", tokens=8, logprobs=True, top_logprobs=2)
        yield served_probe("completion/logprobs", "the log probabilities of each token", request)
        if body.has("n"):
            request = body.asking("Say hello.", tokens=2, logprobs=True, top_logprobs=1, n=2)
            about = "the log probabilities of each token of two choices"
            yield served_probe("completion/logprobs-of-choices", about, request, tier=Tier.EXHAUSTIVE)
    if body.has("model") and not _model_is_required(body):
        without = {name: value for name, value in body.capped(4).items() if name != "model"}
        yield served_probe("completion/default-model", "a request that leaves the model to its default", without)


def _stopped_by_one_of_many(body: RequestBody) -> Iterator[Probe]:
    """The long answer with as many stop sequences as the contract allows, of which only the last, or another, is in it.

    One in the middle shows engines that look at the ends of the list alone.
    """
    for number in range(len(IN_NO_TEXT), 0, -1):
        stops = [*IN_NO_TEXT[:number], " "]
        request = body.asking(LONG_ANSWER, tokens=24, stop=stops)
        if body.accepts(request):
            about = f"a long answer with {len(stops)} stop sequences, of which the last is a space"
            yield served_probe(STOP_LAST, about, request)
            if len(stops) > _AT_THE_ENDS:
                amid = body.asking(LONG_ANSWER, tokens=24, stop=[stops[0], " ", *stops[1:-1]])
                about = f"a long answer with {len(stops)} stop sequences, of which the second is a space"
                yield served_probe(STOP_AMID, about, amid)
            return


def _limited(body: RequestBody) -> Iterator[Probe]:
    """The long answer under other limits of its tokens."""
    yield shortest(body)
    field, limit = body.limit_fields[-1], body.limit(1) - 1 + OTHER_LIMIT
    request = {**body.base, "messages": body.woven([{"role": "user", "content": LONG_ANSWER}]), field: limit}
    about = f"the long answer again, limited to {limit} tokens by `{field}`"
    yield served_probe("completion/other-limit", about, request, wave=LONG_ANSWERS)


def _model_is_required(body: RequestBody) -> bool:
    schema = body.contract.operation.request_schema
    return not isinstance(schema, bool) and "model" in schema.get("required", ())
