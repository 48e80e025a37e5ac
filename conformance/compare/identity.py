"""The identity of a finding across runs: whether two runs found the same thing.

A finding is known by its requirement, its probe, and what was expected. The actual answer does not count: it has words
of a model, ids and times, so the same fault would look new in every run. A fault that changes its appearance (a 500
that was a 502) is still the same broken expectation.

What was expected may quote the run, too: an id that every chunk has to repeat, a time, another exchange. Whatever is
quoted, and every word with a digit in it, is left out of the comparison.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from conformance.report.results import RequirementResult
from conformance.suite.outcome import BROKEN_OR_WAIVED, Finding

_OF_THE_RUN = re.compile(
    r'"[^"]*"'  # a text in quotation marks
    r"|(?<![A-Za-z])'[^']*'"  # the same as Python writes it, but no apostrophe
    r"|\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} [\d:]{8} GMT"
    r"|[A-Za-z0-9_./-]+(?:#\d+)?"  # words, or the id of an exchange
)
"""No part of it scans a text twice, however hostile the record is."""
_WORD = re.compile(r"[A-Za-z0-9_-]+")
_DIGIT = re.compile(r"\d")
_SEVERAL = re.compile(r"#(?:[.,/]#)+")
_LONGEST = 300
"""Characters of an expectation that are compared: a record may come from anywhere."""
_NO_FINDING = "what it depends on"


@dataclass(frozen=True, slots=True)
class FindingIdentity:
    """A finding without what is specific to one run. `probe` is empty if no exchange shows it."""

    requirement: str
    probe: str
    expected: str


def identity(finding: Finding) -> FindingIdentity:
    """The identity of a finding."""
    return FindingIdentity(finding.requirement, _probe(finding), _expectation(finding.expected[:_LONGEST]))


def identities(result: RequirementResult) -> frozenset[FindingIdentity]:
    """The identities of all findings of a broken requirement.

    One that is broken without a finding (because its prerequisites are) has an identity of its own. One that is not
    broken has none.
    """
    if result.outcome not in BROKEN_OR_WAIVED:
        return frozenset()
    found = frozenset(map(identity, result.findings))
    return found or frozenset({FindingIdentity(result.id, "", _NO_FINDING)})


def newly_broken(now: frozenset[FindingIdentity], before: frozenset[FindingIdentity]) -> bool:
    """Whether findings of a requirement show that it is broken in a way that those of an earlier run do not.

    A defect that hits requests by chance hits other probes in each run. So a requirement that was broken is newly
    broken only where a probe that showed a finding before now shows one that no probe showed.
    """
    if not before:
        return bool(now)
    probes, expectations = {one.probe for one in before}, {one.expected for one in before}
    return any(one.probe in probes and one.expected not in expectations for one in now)


def _probe(finding: Finding) -> str:
    return (finding.exchange or "").rpartition("#")[0]


@lru_cache(maxsize=10_000)
def _expectation(expected: str) -> str:
    return _SEVERAL.sub("#", _OF_THE_RUN.sub(_without_run, expected))


def _without_run(found: re.Match[str]) -> str:
    text = found[0]
    if text[0] in "\"'" or "#" in text or text.endswith(" GMT"):
        return "#"
    return _WORD.sub(lambda word: "#" if _DIGIT.search(word[0]) else word[0], text)
