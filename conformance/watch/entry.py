"""One line of a history: what a day's run found, in so many words as telling a change takes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from conformance.report import RequirementResult, Results
from conformance.suite.outcome import BROKEN_OR_WAIVED, Outcome
from conformance.watch.change_test import Trials

FORMAT: Final = 1
ABSENT: Final = "not given"
"""The value of a fact that a target does not give."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is judged on a day: a whole tier, or one of several parts of it, and why."""

    tier: str
    only: tuple[str, ...] = ()
    """The requirements of a part; empty for the whole tier."""
    part: int = 1
    parts: int = 1
    requests: int = 0
    """At most, as planned; so are the tokens."""
    tokens: int = 0
    why: str = ""

    @property
    def name(self) -> str:
        """The choice in words: `smoke tier`, `part 2 of 5 of the standard tier`."""
        return f"{self.tier} tier" if self.parts == 1 else f"part {self.part} of {self.parts} of the {self.tier} tier"


@dataclass(frozen=True, slots=True)
class Row:
    """What a run says of one requirement."""

    outcome: str
    level: str
    digest: str
    """The beginning of the digest of the requirement itself: its statement, and what it rests on."""
    trials: Trials | None = None
    """None where nothing was decided."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run cost."""

    requests: int = 0
    tokens: int = 0
    """Completion tokens that the target reported."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One run of a history."""

    day: date
    started: str
    run: str
    """The folder of the run, from that of the history."""
    choice: Choice
    verdict: str
    judged_by: Mapping[str, str]
    """What judged: the versions of suite and contract, their digests, and the release that is scored by."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What tells the deployment apart; empty where it answered nothing."""
    rows: Mapping[str, Row] = field(default_factory=dict)
    cost: Cost = Cost()
    rules: Mapping[str, float] = field(default_factory=dict)
    """How sure a change had to be: the years between two false alarms, and the tolerance."""
    told: tuple[str, ...] = ()
    """The sentences on what had changed that this run told."""


def entry_of(results: Results, day: date, run: str, choice: Choice, program: str) -> Entry:
    """The line about a run, from its record."""
    release = results.release
    return Entry(
        day=day,
        started=results.started,
        run=run,
        choice=choice,
        verdict=results.verdict.value,
        judged_by={
            "version of the suite": results.suite_version,
            "digest of the program": program[:16],
            "version of the contract": f"{results.profile.name} {results.profile.version}",
            "digest of the contract": results.profile.sha256[:16],
            "release": "none" if release is None else f"{release.version} ({release.sha256[:16]})",
        },
        facts=dict(_facts(results)),
        rows={row.id: _row(row) for row in results.requirements if row.outcome is not Outcome.UNTESTED},
        cost=Cost(results.exchanges.count, results.exchanges.completion_tokens, round(results.duration_s, 3)),
    )


def _facts(results: Results) -> Iterator[tuple[str, str]]:
    traits, preflight = results.fingerprint, results.preflight
    if traits is None or not traits.start:
        return
    for name in sorted({*traits.start, *traits.end}):
        values = dict.fromkeys((traits.start.get(name, ABSENT), traits.end.get(name, ABSENT)))
        yield name, ", then ".join(values)
    if "server" not in traits.start and results.target.server:
        yield "server", results.target.server
    if preflight is not None:
        yield "field that limits tokens", preflight.limit_field or ABSENT
        yield "least limit of tokens", str(preflight.least_limit)
        yield "tokens for thinking", str(preflight.thinking)
        yield "refused fields", ", ".join(sorted(preflight.refused)) or "none"
    if results.selection is None:
        yield f"left out in the {results.tier.value} tier", ", ".join(sorted(results.scope.without)) or "nothing"


def _row(row: RequirementResult) -> Row:
    return Row(row.outcome.value, row.level.value, row.digest[:16], _trials(row))


def _trials(row: RequirementResult) -> Trials | None:
    broken = row.outcome in BROKEN_OR_WAIVED
    if not broken and row.outcome is not Outcome.PASSED:
        return None
    tried = row.tries is not None
    shown = len({one.exchange for one in row.findings if one.exchange is not None})
    failed = max(shown, 1) if broken else 0
    own = len({one for one in row.exchanges if not _is_repeated(one, row)}) if tried else len(set(row.exchanges))
    exchanges = max(own, failed, 1)
    if row.tries is None:
        return Trials(exchanges, failed)
    return Trials(exchanges, failed, row.tries.of - 1, row.tries.broken - 1)


def _is_repeated(exchange: str, row: RequirementResult) -> bool:
    """Whether an exchange belongs to a further try: its number is above that of a finding of the same probe."""
    probe, _, number = exchange.rpartition("#")
    first = [one.exchange for one in row.findings if one.exchange and one.exchange.rpartition("#")[0] == probe]
    numbers = [int(one.rpartition("#")[2]) for one in first if one.rpartition("#")[2].isdecimal()]
    return bool(numbers) and number.isdecimal() and int(number) > max(numbers)


def line_of(entry: Entry) -> str:
    """The entry as one line of JSON, as specs/watch-history.schema.json describes it."""
    choice, cost = entry.choice, entry.cost
    data = {
        "format": FORMAT,
        "day": entry.day.isoformat(),
        "started": entry.started,
        "run": entry.run,
        "choice": {
            "tier": choice.tier,
            "part": choice.part,
            "parts": choice.parts,
            "only": list(choice.only),
            "requests": choice.requests,
            "tokens": choice.tokens,
            "why": choice.why,
        },
        "verdict": entry.verdict,
        "judged_by": dict(entry.judged_by),
        "facts": dict(entry.facts),
        "requirements": {name: _row_data(row) for name, row in entry.rows.items()},
        "cost": {"requests": cost.requests, "completion_tokens": cost.tokens, "seconds": cost.seconds},
        "rules": dict(entry.rules),
        "told": list(entry.told),
    }
    return json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def _row_data(row: Row) -> dict[str, Any]:
    data: dict[str, Any] = {"outcome": row.outcome, "level": row.level, "digest": row.digest}
    if row.trials is not None:
        data |= {"exchanges": row.trials.exchanges, "failed": row.trials.failed}
        if row.trials.again:
            data |= {"again": row.trials.again, "broken_again": row.trials.broken_again}
    return data


def entry_from(data: Mapping[str, Any]) -> Entry:
    """The entry that a line has, which fits the schema.

    Raises:
        ValueError: its day is none.
    """
    choice, cost = data["choice"], data["cost"]
    return Entry(
        day=date.fromisoformat(data["day"]),
        started=data["started"],
        run=data["run"],
        choice=choice_from(choice),
        verdict=data["verdict"],
        judged_by=data["judged_by"],
        facts=data["facts"],
        rows={name: _row_from(row) for name, row in data["requirements"].items()},
        cost=Cost(cost["requests"], cost["completion_tokens"], cost["seconds"]),
        rules=data["rules"],
        told=tuple(data["told"]),
    )


def choice_from(data: Mapping[str, Any]) -> Choice:
    """The choice that a line has."""
    return Choice(**{**data, "only": tuple(data["only"])})


def _row_from(data: Mapping[str, Any]) -> Row:
    trials = None
    if "exchanges" in data:
        trials = Trials(data["exchanges"], data["failed"], data.get("again", 0), data.get("broken_again", 0))
    return Row(data["outcome"], data["level"], data["digest"], trials)
