"""What a bundle shows under two judgements, as plain values: the recorded one, and that of the newest release."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from conformance.contract.model import Level, Tier
from conformance.quoting import one_line
from conformance.report import Results
from conformance.report.results import RequirementResult
from conformance.suite.outcome import BROKEN, BROKEN_OR_WAIVED, UNDECIDED, Outcome, Verdict

_MOST_ROWS, _MOST_FINDINGS, _MOST_REASONS, _MOST_WORDS = 5000, 3, 8, 20
_LONGEST, _LONGEST_ID = 400, 200
_DIGEST = 16


@dataclass(frozen=True, slots=True)
class Row:
    """A requirement in one judgement; `digest` is the beginning of that of what it rests on."""

    outcome: Outcome
    level: Level
    scored: bool
    digest: str

    @property
    def binds(self) -> bool:
        """Whether the verdict depends on it."""
        return self.scored and self.level is Level.MUST

    @property
    def is_broken(self) -> bool:
        """Whether it is seen to be broken, waived or not."""
        return self.outcome in BROKEN_OR_WAIVED


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """A violation in a few words."""

    exchange: str
    expected: str
    actual: str


@dataclass(frozen=True, slots=True)
class Judged:
    """One judgement of a run: its verdict, its scope in words, and the rows by the ids of their requirements."""

    release: str | None
    verdict: Verdict
    about: str
    reasons: tuple[str, ...]
    rows: Mapping[str, Row] = field(hash=False)

    @property
    def broken(self) -> tuple[str, ...]:
        """The MUST requirements that count and are broken."""
        return tuple(name for name, row in self.rows.items() if row.binds and row.outcome in BROKEN)

    @property
    def warnings(self) -> tuple[str, ...]:
        """The recommendations that count and are broken."""
        return tuple(name for name, row in self.rows.items() if row.scored and not row.binds and row.outcome in BROKEN)

    @property
    def undecided(self) -> tuple[str, ...]:
        """The MUST requirements that count and are not decided."""
        return tuple(name for name, row in self.rows.items() if row.binds and row.outcome in UNDECIDED)


@dataclass(frozen=True, slots=True)
class Reexamined:
    """A run as its bundle shows it that holds.

    `recorded` is what the bundle says; it was derived again unless `made_elsewhere` says which other state of the suite
    made it. `incomplete` says why its evidence is not that of a whole run as it is made today, where it is not.
    """

    profile: str
    tier: Tier
    started: str
    duration_s: float
    requests: int
    base_url: str
    model: str | None
    server: str | None
    embedded: bool
    suite_version: str
    without: tuple[str, ...]
    remarks: tuple[str, ...]
    waived: tuple[str, ...]
    signed_by: str | None
    evidence_sha256: str
    made_elsewhere: str | None
    incomplete: str | None
    recorded: Judged
    newest: Judged
    findings: Mapping[str, tuple[ShownFinding, ...]] = field(hash=False)
    """What is found by the newest release, for each broken requirement the first few."""
    why: Mapping[str, str] = field(hash=False)
    """By the newest release, why a MUST requirement is not decided."""

    def data(self) -> dict[str, Any]:
        """The same as plain data; rows are lists, since there are many."""
        plain = asdict(self)
        for name in ("recorded", "newest"):
            rows = getattr(self, name).rows
            plain[name]["rows"] = {
                row_id: [row.outcome, row.level, row.scored, row.digest] for row_id, row in rows.items()
            }
        return plain

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Reexamined:
        """What `data` gave, also after a way through JSON."""
        values: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in data.items()}
        values["tier"] = Tier(data["tier"])
        values["recorded"], values["newest"] = _judged_from(data["recorded"]), _judged_from(data["newest"])
        values["findings"] = {
            name: tuple(ShownFinding(**one) for one in found) for name, found in data["findings"].items()
        }
        return cls(**values)


def judged_of(results: Results, incomplete: str | None = None) -> Judged:
    """The judgement in a record; where the evidence is not whole, nothing is conformant by it."""
    verdict, reasons = results.verdict, list(results.reasons[:_MOST_REASONS])
    if incomplete is not None and verdict is Verdict.CONFORMANT:
        verdict, reasons = (
            Verdict.INCONCLUSIVE,
            [f"The evidence is not that of a whole run as it is made today: {incomplete}"],
        )
    return Judged(
        release=None if results.release is None else one_line(results.release.version, 80),
        verdict=verdict,
        about=one_line(results.about, _LONGEST),
        reasons=tuple(one_line(one, _LONGEST) for one in reasons),
        rows={
            one_line(row.id, _LONGEST_ID): Row(row.outcome, row.level, row.scored, row.digest[:_DIGEST])
            for row in results.requirements[:_MOST_ROWS]
        },
    )


def findings_of(results: Results) -> dict[str, tuple[ShownFinding, ...]]:
    """The first findings of each broken requirement, cut so that a page can show them."""
    return {row.id: tuple(_findings(row)) for row in results.requirements if row.outcome in BROKEN_OR_WAIVED}


def undecided_of(results: Results) -> dict[str, str]:
    """Why each MUST requirement that counts is not decided, where a reason is known."""
    return {
        row.id: one_line(row.messages[0], _LONGEST)
        for row in results.requirements
        if row.outcome in UNDECIDED and row.scored and row.level is Level.MUST and row.messages
    }


def words_of(words: tuple[str, ...]) -> tuple[str, ...]:
    """Words of a scope, as few and as short as can be shown."""
    return tuple(one_line(one, _LONGEST_ID) for one in words[:_MOST_WORDS])


def _findings(row: RequirementResult) -> Iterator[ShownFinding]:
    for one in row.findings[:_MOST_FINDINGS]:
        yield ShownFinding(
            one_line(one.exchange or "", _LONGEST_ID),
            one_line(one.expected, _LONGEST),
            one_line(one.actual, _LONGEST),
        )


def _judged_from(data: Mapping[str, Any]) -> Judged:
    return Judged(
        data["release"],
        Verdict(data["verdict"]),
        data["about"],
        tuple(data["reasons"]),
        {
            row_id: Row(Outcome(outcome), Level(level), scored, digest)
            for row_id, (outcome, level, scored, digest) in data["rows"].items()
        },
    )
