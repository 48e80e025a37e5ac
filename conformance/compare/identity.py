"""The identity of a finding across runs: whether two runs found the same thing.

Two findings are the same if they break the same requirement by the same probe, and the same was expected. The actual
answer does not count: it has words of a model, ids and times, so the same fault would look new in every run. A fault
that changes its appearance (a 500 that was a 502) is still the same broken expectation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from conformance.report.results import RequirementResult
from conformance.suite.outcome import BROKEN_OR_WAIVED, Finding

_OF_THE_RUN = re.compile(r"[A-Za-z0-9_-]*\d[A-Za-z0-9_-]{11,}|\d+(?:[.,]\d+)*")
"""What differs between two runs even if the same is expected: long ids with a digit, and figures."""
_NO_FINDING = "what it depends on"


@dataclass(frozen=True, slots=True)
class FindingIdentity:
    """A finding without what is specific to one run. `probe` is empty if no exchange shows it."""

    requirement: str
    probe: str
    expected: str


def identity(finding: Finding) -> FindingIdentity:
    """The identity of a finding."""
    probe = (finding.exchange or "").rpartition("#")[0]
    return FindingIdentity(finding.requirement, probe, _OF_THE_RUN.sub("#", finding.expected))


def identities(result: RequirementResult) -> frozenset[FindingIdentity]:
    """The identities of all findings of a broken requirement.

    One that is broken without a finding (because its prerequisites are) has an identity of its own. One that is not
    broken has none.
    """
    if result.outcome not in BROKEN_OR_WAIVED:
        return frozenset()
    found = frozenset(map(identity, result.findings))
    return found or frozenset({FindingIdentity(result.id, "", _NO_FINDING)})


def all_identities(results: Iterable[RequirementResult]) -> frozenset[FindingIdentity]:
    """The identities of all findings of a run."""
    return frozenset().union(*map(identities, results))
