"""Probes with long answers and long prompts, and those that leave the length of the answer to the model.

What a buffer, a gateway or a default cuts shows only where there is much of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from conformance.contract.model import Tier
from conformance.probes.completions import whole_answer
from conformance.probes.model import LIMIT_FIELDS, Probe, either_probe, served_probe
from conformance.probes.request_body import RequestBody
from conformance.probes.waves import LONG_ANSWERS, REPEATED

_UNITS: Final = (
    *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen"),
    *("fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
LONGER_TOKENS: Final = 400
"""Tokens of a longer one: more than 64 KB of events."""
LONG_STREAM, LONG_WHOLE, LONG_AGAIN = "stream/long", "completion/long", "completion/long-again"
NO_LIMIT, WITHIN_LIMIT = "completion/no-limit", "completion/within-limit"
LARGE_LIMIT: Final = "completion/large-limit"
"""A request with a limit beyond what most models can write, and a short answer."""
_LARGE: Final = 100_000
LONG_TOKENS: Final = 120
"""Tokens of a long answer: more than 80 events, and as a rule more than 16 KB of them."""
SAME_TEXT: Final = "the long answer has the same text with and without streaming"
"""Why it is not sent again: nothing is to be told apart."""
_SEVERAL: Final = 30
"""Words of an answer that is longer than the smallest usual defaults, which are 16 and 20 tokens."""
_ENOUGH: Final = 200
"""A limit that so many words do not reach."""
_GENEROUS: Final = 600
"""A limit that the count to a hundred does not reach."""
_LONG_PREFACE: Final = "Think of nothing. " * 1500
SHORT_QUESTION: Final = "Say hello."
"""A question whose answer is short by itself."""


def long_answer_probes(body: RequestBody) -> Iterator[Probe]:
    """Long answers with and without streaming, and a short one to a long prompt."""
    yield whole_answer(body)
    if body.has("stream"):
        usage: dict[str, Any] = {"stream_options": {"include_usage": True}} if body.has("stream_options") else {}
        long = body.asking(repeating(100), tokens=LONG_TOKENS, stream=True, **usage)
        yield served_probe(LONG_STREAM, "a stream of a long answer", long, wave=LONG_ANSWERS)
        whole = body.asking(repeating(100), tokens=LONG_TOKENS)
        yield served_probe(LONG_WHOLE, "the long answer without streaming", whole, wave=LONG_ANSWERS)
        about = "the same once more, if the stream of it has another text"
        yield served_probe(LONG_AGAIN, about, whole, wave=REPEATED)
        longer = body.asking(repeating(200), tokens=LONGER_TOKENS, stream=True)
        for name, about in (("longer", "a stream of a longer answer"), ("longer-again", "the same stream again")):
            yield served_probe(f"stream/{name}", about, longer, wave=LONG_ANSWERS, tier=Tier.EXHAUSTIVE)
        whole = body.asking(repeating(200), tokens=LONGER_TOKENS)
        about = "the longer answer without streaming"
        yield served_probe("completion/longer", about, whole, wave=LONG_ANSWERS, tier=Tier.EXHAUSTIVE)
        long_prompt = body.asking(_LONG_PREFACE + SHORT_QUESTION, tokens=8, stream=True)
        about = "a stream that answers a prompt of some thousand words"
        yield served_probe("stream/long-prompt", about, long_prompt, tier=Tier.EXHAUSTIVE)


def unlimited_probes(body: RequestBody) -> Iterator[Probe]:
    """Requests that set no limit of tokens, and one that sets a limit which its answer does not reach."""
    if body.limit_field is None:
        return
    short = _unlimited(body, SHORT_QUESTION)
    list_of_words = repeating(_SEVERAL)
    about = f"a list of {_SEVERAL} words to repeat, without a limit of tokens"
    yield served_probe(NO_LIMIT, about, _unlimited(body, list_of_words))
    about = "the same list with a limit that it does not reach"
    yield _generous(body, served_probe(WITHIN_LIMIT, about, body.asking(list_of_words, tokens=_ENOUGH)))
    if body.has("stream"):
        about = "a stream without a limit of tokens"
        yield served_probe("stream/no-limit", about, {**short, "stream": True}, tier=Tier.EXHAUSTIVE)
    without = {**short, body.limit_field: None}
    if body.accepts(without):
        about = f"a short question with `{body.limit_field}` null"
        yield either_probe("completion/limit-null", about, without, tier=Tier.EXHAUSTIVE)
    count = _unlimited(body, repeating(100))
    for name, about in (("uncapped", "a long answer without a limit of tokens"), ("uncapped-again", "the same again")):
        yield served_probe(
            f"completion/{name}", about, count, completion_tokens=_GENEROUS, wave=LONG_ANSWERS, tier=Tier.EXHAUSTIVE
        )
    generous = body.asking(repeating(100), tokens=_GENEROUS)
    about = "the same long answer with a limit that it does not reach"
    yield served_probe("completion/generous", about, generous, wave=LONG_ANSWERS, tier=Tier.EXHAUSTIVE)


def _generous(body: RequestBody, within: Probe) -> Probe:
    """The request with a limit beyond most models in the place of that within the limit, which is sent where needed.

    Its answer is as short, so that it costs no more; a target may refuse the limit.
    """
    large = {**within.body, body.limit_field: _LARGE}
    if not body.accepts(large):
        return within
    about = f"the same list with a limit of {_LARGE:,} tokens"
    return either_probe(
        LARGE_LIMIT, about, large, completion_tokens=_ENOUGH, instead=(within,), apart_unless_served=True
    )


def _unlimited(body: RequestBody, text: str) -> dict[str, Any]:
    asking = body.asking(text, tokens=1)
    return {name: value for name, value in asking.items() if name not in LIMIT_FIELDS}


def repeating(last: int) -> str:
    """A prompt whose answer is long for a model as well as for an echo, with blank lines that may be lost."""
    rows = (" ".join(map(_in_words, range(first, min(first + 10, last + 1)))) for first in range(1, last + 1, 10))
    return "Repeat this list in full, without any other text:\n\n" + "\n\n".join(rows)


def _in_words(number: int) -> str:
    """A number from 1 to 200 in words."""
    if number >= 100:
        hundreds, rest = divmod(number, 100)
        return f"{_UNITS[hundreds - 1]} hundred{f' {_in_words(rest)}' if rest else ''}"
    if number < 20:
        return _UNITS[number - 1]
    tens, rest = divmod(number, 10)
    return f"{_TENS[tens - 2]}{f'-{_UNITS[rest - 1]}' if rest else ''}"
