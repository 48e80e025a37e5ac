"""Probes whose prompts are those of others and one thing more, so that their prompt tokens show what was read."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any, Final

from conformance.contract.model import Tier
from conformance.probes.conversations import named_roles
from conformance.probes.model import Probe, either_probe, worst_case_tokens
from conformance.probes.request_body import RequestBody
from conformance.probes.waves import LONG_PROMPTS

FEWER: Final = "completion/conversation"
"""The conversation that the others go on from."""
SECOND_SYSTEM: Final = "completion/second-system"
DEVELOPER: Final = "completion/developer"
INSTRUCTIONS: Final = "completion/instructions"
"""Both of these in one conversation."""
SHORT_TEXT, LONG_TEXT = "completion/words-8-kb", "completion/words-64-kb"
_SECOND: Final = {
    "role": "system",
    "content": "Answer everybody kindly, whatever language somebody chooses, without mentioning colours, painters,"
    " animals, merchants, deserts, mountains or forests unless somebody explicitly requests something else.",
}
_FIRST: Final = {
    "role": "system",
    "content": "Speak about greetings, farewells, birthdays or holidays as friends would, using plain words that"
    " children understand, never sarcasm, idioms, dialect, abbreviations or quotations.",
}
"""The first of several, as long as the others: whichever of them is lost, the count shows it."""
_DEVELOPERS: Final = {
    "role": "developer",
    "content": "Never write numerals, tables, headings or footnotes; prefer ordinary words, separated by single spaces,"
    " because answers appear on displays which show only letters and punctuation.",
}
"""Longer than the system message, which it replaces on some deployments."""
_KB: Final = 1024
LARGE_BODY: Final = 128 * _KB + 1
"""Bytes of a body that is larger than what frameworks read by default, which is 100 KB in some."""
_SYLLABLES: Final = [first + second for first in "bdfgklmnprstvz" for second in "aeiou"]


def conversation() -> list[dict[str, str]]:
    """A conversation of several turns with one instruction."""
    return [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Say hello."},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "Say it again."},
    ]


def words(size: int) -> str:
    """So many bytes of words of which no two are the same; a shorter text is the beginning of a longer one."""
    syllables = itertools.product(_SYLLABLES, repeat=3)
    each = len(_SYLLABLES[0]) * 3 + 1
    return " ".join("".join(word) for word in itertools.islice(syllables, size // each))


def prompt_relation_probes(body: RequestBody) -> Iterator[Probe]:
    """The conversation with further instructions, and long texts."""
    yield from _instructed(body)
    short, long = (body.asking(words(size * _KB), tokens=1) for size in (8, 64))
    if body.accepts(short):
        about = "a prompt of 8 KB of words"
        yield either_probe(SHORT_TEXT, about, short, wave=LONG_PROMPTS, tier=Tier.EXHAUSTIVE)
    if body.accepts(long):
        about = "a prompt of 64 KB of words, in a body that white space makes one of more than 128 KB"
        wide = padded(long, LARGE_BODY)
        yield either_probe(LONG_TEXT, about, wide, wave=LONG_PROMPTS, completion_tokens=worst_case_tokens(long))


def padded(request: dict[str, Any], size: int) -> bytes:
    """A request as a body of so many bytes at least, by white space that means nothing (RFC 8259 section 2)."""
    plain = json.dumps(request, separators=(",", ":")).encode()
    return plain[:-1] + b" " * (size - len(plain)) + b"}"


def _instructed(body: RequestBody) -> Iterator[Probe]:
    """The conversation with a further system message and a developer's; with each of them alone where refused."""
    first, *rest = conversation()
    apart = [
        either_probe(name, f"the conversation with {what} beside the system's", _of(body, [first, message, *rest]))
        for name, what, message in (
            (SECOND_SYSTEM, "a second system message", _SECOND),
            (DEVELOPER, "a developer's message", _DEVELOPERS),
        )
        if message["role"] in ("system", *named_roles(body.contract.operation.properties.get("messages", True)))
    ]
    apart = [probe for probe in apart if body.accepts(probe.body)]
    both = _of(body, [_FIRST, _SECOND, _DEVELOPERS, *rest])
    if len(apart) > 1 and body.accepts(both):
        about = "the conversation with a second system message and a developer's"
        yield either_probe(INSTRUCTIONS, about, both, instead=tuple(apart), apart_unless_served=True)
        return
    yield from apart


def _of(body: RequestBody, messages: list[dict[str, str]]) -> dict[str, Any]:
    return {**body.capped(1), "messages": body.woven(messages)}
