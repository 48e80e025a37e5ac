"""Canaries: words that each stand in one prompt only, and a header field that no answer may have.

A word in the wrong answer shows whose text leaked; the field shows that a line break got into the answer's header.
"""

from __future__ import annotations

import re
from typing import Any, Final

from conformance.probes.request_body import RequestBody

WORDS: Final = ("canary-quorvex", "canary-blimtar", "canary-zanshuo")
"""One for each of several streams at once."""
WORDS_OF_TENANTS: Final = ("canary-trestlo", "canary-vibrune", "canary-kwelpha", "canary-mosdint")
"""Those of the first and the second tenant, in turn."""
WORD_OF_CLIENT_THAT_LEFT: Final = "canary-drovenil"
"""That of the client that hangs up: the rest of its answer must not reach anyone else."""
_CANARY: Final = re.compile(r"canary-[a-z]+")
_SYLLABLES: Final = ["ba", "ce", "di", "fo", "gu", "ha", "ki", "lo", "mu", "ne", "pa", "ri", "so", "tu", "ve", "wi"]
INJECTED_FIELD: Final = "X-Chat-Conformance-Injected"
"""No answer may have this field: only a line break that was let through creates it."""
LINE_BREAKS: Final = f"chat-conformance\r\n{INJECTED_FIELD}: yes\n{INJECTED_FIELD}: yes"
"""A value with line breaks of both kinds, each followed by a header field."""
_CALLER: Final = "user"
"""The field of the OpenAI API that names a request's caller, as deployments like to write into logs and headers."""


def canaries_in(text: str) -> frozenset[str]:
    """The canaries that stand in a text."""
    return frozenset(_CANARY.findall(text))


def word_of(number: int) -> str:
    """The canary with a number from 0 to 4095. All have one length, so that none is the beginning of another."""
    return f"canary-{''.join(_SYLLABLES[number >> shift & 15] for shift in (8, 4, 0))}"


def repeating(word: str) -> str:
    """A prompt whose answer shows a canary."""
    return f"Repeat this word three times: {word}"


def with_line_breaks(body: RequestBody, request: dict[str, Any]) -> dict[str, Any]:
    """The request with line breaks in the field that names its caller, where the contract has one."""
    names = (_CALLER, *(one.name for one in body.contract.parameters if one.names_caller))
    field = next((name for name in names if body.has(name)), None)
    return request if field is None else {**request, field: LINE_BREAKS}
