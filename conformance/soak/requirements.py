"""Which requirements one answer alone decides, and which are about several and are left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from conformance.contract.model import Section

SECTIONS: Final = frozenset({Section.TRANSPORT, Section.COMPLETION, Section.STREAM})
"""The sections whose requirements are about answers."""
OF_OTHER_SECTIONS: Final = frozenset(
    {
        "access.key-masked",
        "access.key-not-echoed",
        "access.not-shared",
        "error.load-envelope",
        "error.no-secrets",
        "error.retry-after",
        "error.retry-after-exposed",
        "error.success-is-no-error",
        "request.no-server-error",
    }
)
"""Requirements of other sections that the answer to a valid request may break."""
OWN_ANSWER: Final = "stream.own-answer"
"""Judged here by the words of all requests of the soak, and not by its test, which knows three."""

BY_TIME: Final = frozenset({"stream.ends"})
"""Requirements that are decided by times: not where the sender itself was late."""

_TWICE = "needs two answers to compare"
_ORDER = "needs answers in their order"
_BOTH = "needs the same answer streamed and not"
RELATIONS: Final[Mapping[str, str]] = {
    "completion.created-clock": "is about most answers, not about each",
    "completion.created-forward": _ORDER,
    "completion.id-unique": _TWICE,
    "completion.usage-counts-each-message": _TWICE,
    "completion.usage-counts-instructions": _TWICE,
    "completion.usage-counts-long-prompt": _TWICE,
    "completion.usage-counts-turns": _TWICE,
    "completion.usage-grows": _TWICE,
    "completion.usage-prompt-once": _TWICE,
    "stream.connection-reuse": _ORDER,
    "stream.delivered": _TWICE,
    "stream.delivered-coded": _TWICE,
    "stream.equivalent": _BOTH,
    "stream.id-unique": _TWICE,
    "stream.nothing-added": _BOTH,
    "stream.nothing-lost": _BOTH,
    "stream.same-form": _BOTH,
    "stream.stop-exact": _BOTH,
    "stream.whitespace": _BOTH,
    "transport.close-announced": _ORDER,
}
"""Requirements that these answers are about, and no answer decides alone: a run judges them."""


def is_judged_alone(requirement_id: str, section: Section) -> bool:
    """Whether one answer alone decides a requirement."""
    if requirement_id in RELATIONS or requirement_id == OWN_ANSWER:
        return False
    return section in SECTIONS or requirement_id in OF_OTHER_SECTIONS
