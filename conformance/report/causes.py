"""Groups what is broken by its cause, so that a reader sees how many things there are to fix, and not how many rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from conformance.quoting import one_line
from conformance.report.results import RequirementResult, Results
from conformance.suite.outcome import BROKEN, Outcome

_HONOURED, _ENFORCED = "/honoured/", "/enforced/"
_LONGEST_TITLE = 120


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


def causes(results: Results) -> tuple[Cause, ...]:
    """What is broken, by cause: first what breaks clients, then what only gets recommendations wrong, then leniency.

    Each broken requirement is in one cause, each blocked one in the cause of what blocks it. Requirements of one cause
    are broken in the same way: by invalid values that are served, by valid values that are refused, by errors of the
    server, or by the same answer.
    """
    broken = [row for row in results.requirements if row.outcome in BROKEN]
    groups: dict[str, list[RequirementResult]] = {}
    for row in broken:
        groups.setdefault(_key(row), []).append(row)
    blocked: dict[str | None, list[RequirementResult]] = {}
    for row in results.with_outcome(Outcome.BLOCKED):
        blocked.setdefault(row.blocked_by, []).append(row)
    made = [_cause(key, rows, blocked) for key, rows in groups.items()]
    return tuple(sorted(made, key=_weight))


def _cause(
    key: str, rows: Sequence[RequirementResult], blocked: Mapping[str | None, Sequence[RequirementResult]]
) -> Cause:
    ordered = sorted(rows, key=lambda row: list(Outcome).index(row.outcome))
    behind = tuple(one for row in ordered for one in blocked.get(row.id, ()))
    title = _TITLES[key](ordered[0]) if key in _TITLES else _same_answer(ordered)
    return Cause(title if len(ordered) > 1 else None, tuple(ordered), behind, leniency=key == _LENIENCY)


def _key(row: RequirementResult) -> str:
    if row.leniency:
        return _LENIENCY
    if not row.findings:
        return row.id
    exchanges = [finding.exchange or "" for finding in row.findings]
    if all(finding.actual.startswith("status 5") for finding in row.findings):
        return _SERVER_ERROR if _all(exchanges, _ENFORCED) else f"{row.section.value} {_status(row)}"
    if _all(exchanges, _HONOURED):
        return _REFUSED
    first = row.findings[0]
    # The same answer, judged by the same words, is the same cause; a place in it says more than the requirement's id.
    return f"{first.exchange} {first.event} {first.actual}" if first.actual.startswith("status ") else row.id


def _all(exchanges: Iterable[str], part: str) -> bool:
    return all(part in exchange for exchange in exchanges)


def _status(row: RequirementResult) -> str:
    return row.findings[0].actual[: len("status 500")]


def _same_answer(rows: Sequence[RequirementResult]) -> str:
    finding = rows[0].findings[0] if rows[0].findings else None
    return one_line(finding.actual, _LONGEST_TITLE) if finding is not None else rows[0].id


def _weight(cause: Cause) -> tuple[bool, int, int]:
    return cause.leniency, list(Outcome).index(cause.rows[0].outcome), -len(cause.rows) - len(cause.blocked)


_LENIENCY, _REFUSED, _SERVER_ERROR = "leniency", "refused", "server error"
_TITLES: Mapping[str, Callable[[RequirementResult], str]] = {
    _LENIENCY: lambda _: "values that the schema forbids are served",
    _REFUSED: lambda _: "values that the schema allows are refused",
    _SERVER_ERROR: lambda row: f"invalid values are answered with an error of the server ({_status(row)})",
}
