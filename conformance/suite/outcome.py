"""The outcome of a requirement or of a keyword, and the findings that led to it."""

from __future__ import annotations

import datetime
import fnmatch
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """The outcome of one requirement, worst first."""

    FAILED = "failed"
    """A MUST is broken."""
    WARNING = "warning"
    """A SHOULD is broken."""
    WAIVED = "waived"
    """Broken, and a waiver accepts it."""
    BLOCKED = "blocked"
    """It cannot be seen, because another requirement is broken."""
    INCONCLUSIVE = "inconclusive"
    """It could not be decided: the target was unreachable, refused for load, or showed too little."""
    UNTESTED = "untested"
    """Nothing was sent that could decide it (filter, budget, interruption)."""
    SKIPPED = "skipped"
    """It does not apply: the target lacks the capability."""
    PASSED = "passed"


BROKEN = frozenset({Outcome.FAILED, Outcome.WARNING})
"""The requirement is broken, and no waiver accepts it."""
BROKEN_OR_WAIVED = BROKEN | {Outcome.WAIVED}
UNDECIDED = frozenset({Outcome.BLOCKED, Outcome.INCONCLUSIVE, Outcome.UNTESTED})
"""The run shows neither that the requirement is kept nor that it is broken."""


class Verdict(StrEnum):
    """The verdict on a run."""

    CONFORMANT = "conformant"
    NONCONFORMANT = "nonconformant"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation: which requirement, on which exchange, what was expected, and what came instead.

    `offset` (bytes into the body), `at` (seconds after the request began) and `event` (number of the event in the
    stream, from 0) say where in the answer it is, if that is known.
    """

    requirement: str
    exchange: str | None
    expected: str
    actual: str
    offset: int | None = None
    at: float | None = None
    event: int | None = None


@dataclass(frozen=True, slots=True)
class AspectOutcome:
    """What was decided about one aspect of a keyword, and by which exchanges; `reason` says why nothing was."""

    outcome: Outcome
    reason: str | None = None
    exchanges: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeywordCoverage:
    """One keyword of the request, by its requirement: is it honoured, and is it enforced?

    `location` is `request` or `path.NAME`, `pointer` the keyword's place in that schema, `keyword` its name.
    """

    requirement: str
    location: str
    pointer: str
    keyword: str
    honoured: AspectOutcome
    enforced: AspectOutcome


class FieldState(StrEnum):
    """What a target makes of an optional field of a request."""

    HONOURED = "honoured"
    """Its effect was seen."""
    REFUSED = "refused"
    """It is refused by its name, or declared not to be supported."""
    IGNORED = "ignored"
    """It is accepted, and was seen to have no effect, or not always."""
    UNDECIDED = "undecided"
    """It is accepted, and nothing shows from outside whether it has an effect; or it was not sent."""


@dataclass(frozen=True, slots=True)
class RequestField:
    """One optional field of a request, with the requirement and the exchanges that show its state, where one does."""

    field: str
    state: FieldState
    why: str | None = None
    requirement: str | None = None
    exchanges: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiver:
    """One accepted violation.

    `requirement` is an id or a glob; `expires` is the last day on which it holds. With `probe` (a name or a glob), only
    findings on exchanges of these probes are accepted.
    """

    requirement: str
    reason: str
    owner: str
    expires: datetime.date
    probe: str | None = None

    def expired(self, today: datetime.date) -> bool:
        """Whether its last day has passed."""
        return today > self.expires

    def names(self, requirement_id: str) -> bool:
        """Whether it covers a requirement."""
        return fnmatch.fnmatchcase(requirement_id, self.requirement)

    def fits(self, exchange: str | None) -> bool:
        """Whether it covers an exchange (its id, `stream/plain#1`); a waiver for all probes covers None as well."""
        if self.probe is None:
            return True
        return exchange is not None and fnmatch.fnmatchcase(exchange.rpartition("#")[0], self.probe)

    @property
    def about(self) -> str:
        """What it accepts, in words."""
        return self.requirement if self.probe is None else f"{self.requirement} on {self.probe}"
