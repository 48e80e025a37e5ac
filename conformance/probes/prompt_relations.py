"""Probes whose prompts are those of others and one thing more, so that their prompt tokens show what was read."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, Final

from conformance.probes.conversations import named_roles
from conformance.probes.model import Probe, either_probe
from conformance.probes.request_body import RequestBody
from conformance.probes.waves import LONG_PROMPTS

FEWER: Final = "completion/conversation"
"""The conversation that the others go on from."""
SECOND_SYSTEM: Final = "completion/second-system"
DEVELOPER: Final = "completion/developer"
SHORT_TEXT, LONG_TEXT = "completion/words-8-kb", "completion/words-64-kb"
_KB: Final = 1024
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
    """The conversation with a further instruction, and a text with its own beginning."""
    first, *rest = conversation()
    system = _of(body, [first, {"role": "system", "content": "Be kind."}, *rest])
    if body.accepts(system):
        yield either_probe(SECOND_SYSTEM, "the conversation with a second system message", system)
    # Longer than the system message, which it replaces on some deployments.
    further = {"role": "developer", "content": "Be kind, and never use more than ten words."}
    developer = _of(body, [first, further, *rest])
    if "developer" in named_roles(body.contract.operation.properties.get("messages", True)) and body.accepts(developer):
        yield either_probe(DEVELOPER, "the conversation with a developer's message beside the system's", developer)
    for name, size in ((SHORT_TEXT, 8), (LONG_TEXT, 64)):
        request = body.asking(words(size * _KB), tokens=1)
        if body.accepts(request):
            yield either_probe(name, f"a prompt of {size} KB of words", request, wave=LONG_PROMPTS)


def _of(body: RequestBody, messages: list[dict[str, str]]) -> dict[str, Any]:
    return {**body.capped(1), "messages": body.woven(messages)}
