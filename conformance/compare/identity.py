"""When two runs found the same thing: the identity of a finding across runs.

Two findings are the same when they break the same requirement by the same probe and the same was expected. What came
instead is left out: it holds words of a model, ids and times, so that the same fault would look new in every run. A
fault that changes its face (a 500 where a 502 was) is still the same broken expectation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from conformance.report.results import RequirementResult
from conformance.suite.outcome import BROKEN_OR_WAIVED, Finding

_OF_THE_RUN = re.compile(r"[A-Za-z0-9_-]*\d[A-Za-z0-9_-]{11,}|\d+(?:[.,]\d+)*")
"""What differs between two runs although the same is expected: long ids with a digit in them, and figures."""
_NO_FINDING = "what it depends on"


@dataclass(frozen=True, slots=True)
class FindingIdentity:
    """A finding without what is peculiar to one run. `probe` is empty where no exchange shows it."""

    requirement: str
    probe: str
    expected: str


def identity(finding: Finding) -> FindingIdentity:
    """The identity of a finding."""
    probe = (finding.exchange or "").rpartition("#")[0]
    return FindingIdentity(finding.requirement, probe, _OF_THE_RUN.sub("#", finding.expected))


def identities(result: RequirementResult) -> frozenset[FindingIdentity]:
    """The identities of all findings of a broken requirement.

    One that was broken without a finding (its prerequisites were) has one of its own. One that is not broken has none.
    """
    if result.outcome not in BROKEN_OR_WAIVED:
        return frozenset()
    found = frozenset(map(identity, result.findings))
    return found or frozenset({FindingIdentity(result.id, "", _NO_FINDING)})


def all_identities(results: Iterable[RequirementResult]) -> frozenset[FindingIdentity]:
    """The identities of all findings of a run."""
    return frozenset().union(*map(identities, results))
