"""Groups what is broken by its cause, so that a reader sees how many things there are to fix, and not how many rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from conformance.contract.explanations import explanation
from conformance.contract.model import Section
from conformance.quoting import one_line
from conformance.report.results import RequirementResult, Results
from conformance.suite.outcome import BROKEN, Finding, Outcome

_LONGEST_TITLE = 160
_OF_ERRORS = ("error.envelope", "error.media-type", "error.default")
"""What the beginnings of the ids are that say how an error has to look."""
_TWICE = (Section.COMPLETION, Section.STREAM)
"""Sections that demand the same of a whole answer and of a stream, by ids that differ in the section's name only."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What several requirements are broken by.

    `title` says what the target does, as the end of "21 requirements: …"; None where one requirement stands alone, and
    its own words say it. `rows` are the broken requirements, the worst first; `blocked` those that cannot be seen
    because of them. `leniency` says that the target only serves what it should refuse.
    """

    title: str | None
    rows: tuple[RequirementResult, ...]
    blocked: tuple[RequirementResult, ...] = ()
    leniency: bool = False

    @property
    def fixed_by(self) -> RequirementResult:
        """The requirement whose fix comes first."""
        return self.rows[0]

    @property
    def fix(self) -> str:
        """How to fix it; empty for a user's own requirement that does not say."""
        said = explanation(self.fixed_by.id, self.fixed_by.pointer)
        return "" if said is None else said.fix


def causes(results: Results) -> tuple[Cause, ...]:
    """What is broken, by cause: first what breaks clients, then what only gets recommendations wrong, then leniency.

    Each broken requirement is in one cause, each blocked one in the cause of what blocks it. Requirements of one cause
    are broken in the same way: by invalid values that are served, by valid values that are refused, by errors of the
    server, by errors of another form, by missing checks of access, by the same part of an answer, or in the same way in
    whole answers and in streams.
    """
    broken = [row for row in results.requirements if row.outcome in BROKEN]
    owners = _owners(broken)
    groups: dict[str, list[RequirementResult]] = {}
    for row in broken:
        groups.setdefault(_key(_victim_of(row, owners) or row), []).append(row)
    blocked: dict[str | None, list[RequirementResult]] = {}
    for row in results.with_outcome(Outcome.BLOCKED):
        blocked.setdefault(row.blocked_by, []).append(row)
    made = [_cause(key, rows, blocked) for key, rows in groups.items()]
    return tuple(sorted(made, key=_weight))


def _cause(
    key: str, rows: Sequence[RequirementResult], blocked: Mapping[str | None, Sequence[RequirementResult]]
) -> Cause:
    outcomes = list(Outcome)
    ordered = sorted(rows, key=lambda row: (outcomes.index(row.outcome), row.section is Section.REQUEST))
    behind = tuple(one for row in ordered for one in blocked.get(row.id, ()))
    title = _TITLES.get(key) or one_line(ordered[0].statement, _LONGEST_TITLE).rstrip(".")
    return Cause(title if len(ordered) > 1 else None, tuple(ordered), behind, leniency=key == _LENIENCY)


def _key(row: RequirementResult) -> str:
    """What rows of one cause have in common."""
    if row.leniency:
        return _LENIENCY
    if not row.findings:
        return row.id
    return _key_of_status(row) or _key_of_place(row)


def _key_of_status(row: RequirementResult) -> str | None:
    """The key of a row that is broken by the status of answers, if it is."""
    statuses = {_status(finding) for finding in row.findings}
    first = row.findings[0]
    if row.section is Section.ACCESS:
        return _OPEN if statuses <= {2} else _ACCESS if "401" in first.expected else None
    valid = first.expected.startswith("a completion")
    if statuses <= {5}:
        return _VALID_BREAKS if valid else _INVALID_BREAKS
    if valid and statuses <= {4}:
        return _REFUSED
    return None


def _key_of_place(row: RequirementResult) -> str:
    if row.section is Section.ERROR and row.id.startswith(_OF_ERRORS):
        return _FORM
    if row.section in _TWICE and row.pointer is None:
        return row.id.partition(".")[2]
    first = row.findings[0]
    return f"{first.exchange} {first.event} {first.actual}"


def _status(finding: Finding) -> int | None:
    """The class of the status that a finding is about: 2, 4 or 5; None where it is about something else."""
    word, _, rest = finding.actual.partition(" ")
    return int(rest[0]) if word == "status" and rest[:1].isdigit() else None


def _owners(broken: Sequence[RequirementResult]) -> Mapping[str, RequirementResult]:
    """For each exchange, the row on answers that is broken there, and on most exchanges; the first of several."""
    found: dict[str, RequirementResult] = {}
    answers = [row for row in broken if row.section not in {Section.REQUEST, Section.ERROR, Section.ACCESS}]
    for row in sorted(answers, key=lambda row: -len({finding.exchange for finding in row.findings})):
        for finding in row.findings:
            if finding.exchange is not None:
                found.setdefault(finding.exchange, row)
    return found


def _victim_of(row: RequirementResult, owners: Mapping[str, RequirementResult]) -> RequirementResult | None:
    """The row that a valid request was served wrong by, where the request itself was taken."""
    if row.section is not Section.REQUEST or row.leniency:
        return None
    if not row.findings or any(_status(finding) != 2 for finding in row.findings):
        return None
    return owners.get(row.findings[0].exchange or "")


def _weight(cause: Cause) -> tuple[bool, int, int]:
    return cause.leniency, list(Outcome).index(cause.rows[0].outcome), -len(cause.rows) - len(cause.blocked)


_LENIENCY, _REFUSED, _FORM = "leniency", "refused", "form of errors"
_INVALID_BREAKS, _VALID_BREAKS = "invalid breaks", "valid breaks"
_OPEN, _ACCESS = "open", "access"
_TITLES = {
    _LENIENCY: "values that the schema forbids are served",
    _REFUSED: "values that the schema allows are refused",
    _INVALID_BREAKS: "requests that must be refused are answered with an error of the server (5xx)",
    _VALID_BREAKS: "valid requests are answered with an error of the server (5xx)",
    _FORM: "errors do not have the contract's form",
    _OPEN: "requests without a valid key are served",
    _ACCESS: "requests without a valid key are not refused with 401",
}
