"""What a test can say: what it expected of which exchange, or why it cannot judge.

A test passes only when it judged something and nothing was wrong: a test that found no evidence never passes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from conformance.contract.model import Level, Requirement
from conformance.reading.deviation import Deviation
from conformance.suite.outcome import Finding, Outcome, Waiver

SERVED = "completion.served"
"""The requirement that blocks what needs a completion, where no answer of the run says more."""
STREAM_SERVED = "stream.status"
"""The same for what needs a stream."""
HEALTHY = "robustness.healthy-afterwards"
"""The same for what is sent after a target stopped serving plain requests."""


class NotTestable(Exception):
    """The target broke what the test depends on, so what the requirement is about cannot be seen.

    `exchanges` are the ids of those that show it; what is broken on one of them blocks the requirement. `because` is
    the requirement that blocks it where nothing is known to be broken on them.
    """

    def __init__(self, why: str, *exchanges: str, because: str = SERVED) -> None:
        super().__init__(why)
        self.exchanges = exchanges
        self.because = because


class CannotTell(Exception):
    """The target was unreachable or refused for load, so the requirement cannot be decided."""


class NotSent(Exception):
    """Nothing was sent that could decide the requirement."""


class DoesNotApply(Exception):
    """The requirement is about something that the target does not have.

    `lacks` is the capability that it is known to lack, if that is why: by its own clear refusal or by declaration.
    """

    def __init__(self, why: str, *, lacks: str | None = None) -> None:
        super().__init__(why)
        self.lacks = lacks


_NAMED = 8
"""How many exchanges a message names."""

CANNOT_JUDGE = (NotTestable, CannotTell, NotSent, DoesNotApply)
"""What a test may raise to say why it cannot judge; anything else that it raises is a defect of the suite."""


@dataclass(slots=True)
class Expect:
    """Collects what a test expected of each exchange, so that one test reports everything that is wrong."""

    requirement: Requirement
    judged: int = 0
    findings: list[Finding] = field(default_factory=list)
    exchanges: dict[str, None] = field(default_factory=dict)
    """Ids of the exchanges that were looked at, in order."""
    notes: list[str] = field(default_factory=list)
    lacking: DoesNotApply | None = None
    """What the target lacks, of what some of the requests ask for."""

    def __call__(
        self,
        holds: bool,
        exchange: str | None,
        *,
        expected: str,
        actual: str,
        offset: int | None = None,
        at: float | None = None,
        event: int | None = None,
    ) -> bool:
        """Judge one thing about one exchange (its id); returns whether it holds."""
        self.judged += 1
        if exchange is not None:
            self.exchanges[exchange] = None
        if not holds:
            self.findings.append(Finding(self.requirement.id, exchange, expected, actual, offset, at, event))
        return holds

    def deviations(self, exchange: str, deviations: Iterable[Deviation]) -> None:
        """Report what a reader found in an exchange."""
        for one in deviations:
            self(
                False,
                exchange,
                expected=one.expected,
                actual=one.actual,
                offset=one.offset,
                at=one.at,
                event=one.event,
            )

    def missing_answers(self, expected: str, obstacles: Iterable[Exception]) -> None:
        """Report each missing answer that is the target's fault, and note the others."""
        for obstacle in obstacles:
            if isinstance(obstacle, NotTestable):
                exchange = next(iter(obstacle.exchanges), None)
                self(False, exchange, expected=expected, actual=str(obstacle))
            else:
                self.note(obstacle)

    def note(self, obstacle: Exception) -> None:
        """Note why a request has no answer to judge; what the target lacks is no gap."""
        if isinstance(obstacle, DoesNotApply):
            self.lacking = self.lacking or obstacle
        else:
            self.notes.append(str(obstacle))

    def looked_at(self, exchange: str) -> None:
        """Record an exchange that the outcome rests on, although nothing in it is wrong."""
        self.judged += 1
        self.exchanges[exchange] = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was decided about one requirement, and by which exchanges (ids).

    `blocked_by` is the requirement that blocks it, if it is blocked; `lacks` the capability that the target lacks, if
    that is why it was skipped. `leniency` says that it is broken only by serving what the schema forbids.
    """

    requirement: Requirement
    outcome: Outcome
    messages: tuple[str, ...] = ()
    exchanges: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    waiver: Waiver | None = None
    blocked_by: str | None = None
    lacks: str | None = None
    leniency: bool = False


def conclude(expect: Expect, stopped: BaseException | None) -> Judgement:
    """The judgement of a test that ran to its end, or was stopped by one of this module's exceptions."""
    row = expect.requirement
    broken = Outcome.FAILED if row.level is Level.MUST else Outcome.WARNING
    messages = _summary(expect.findings) + expect.notes
    if expect.findings:
        outcome = broken
    elif isinstance(stopped, NotTestable):
        looked_at = tuple(dict.fromkeys((*expect.exchanges, *stopped.exchanges)))
        return Judgement(row, Outcome.BLOCKED, (str(stopped),), looked_at, blocked_by=stopped.because)
    elif isinstance(stopped, CannotTell):
        outcome, messages = Outcome.INCONCLUSIVE, [str(stopped)]
    elif isinstance(stopped, NotSent):
        outcome, messages = Outcome.UNTESTED, [str(stopped)]
    elif isinstance(stopped, DoesNotApply):
        return Judgement(row, Outcome.SKIPPED, (str(stopped),), tuple(expect.exchanges), lacks=stopped.lacks)
    elif not expect.judged and expect.lacking is not None and not expect.notes:
        return conclude(expect, expect.lacking)
    elif not expect.judged:
        outcome, messages = Outcome.INCONCLUSIVE, expect.notes or ["no answer decides this requirement"]
    else:
        outcome = Outcome.PASSED
    return Judgement(row, outcome, tuple(messages), tuple(expect.exchanges), tuple(expect.findings))


def _summary(findings: list[Finding]) -> list[str]:
    """The first finding as a sentence, and how many findings each exchange has."""
    if not findings:
        return []
    if len(findings) == 1:
        return [_sentence(findings[0])]
    counts = Counter(finding.exchange or "the run" for finding in findings)
    places = [f"{exchange} ({count})" if count > 1 else exchange for exchange, count in counts.items()]
    more = f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""
    return [_sentence(findings[0]), f"{len(findings)} findings in all: {', '.join(places[:_NAMED])}{more}"]


def _sentence(finding: Finding) -> str:
    place = [
        text
        for known, text in (
            (finding.event, f"event {finding.event}"),
            (finding.offset, f"byte {finding.offset}"),
            (finding.at, f"{1000 * (finding.at or 0):.0f} ms"),
        )
        if known is not None
    ]
    where = ", ".join([finding.exchange or "the run", *place])
    return f"{where}: expected {finding.expected}; got {finding.actual}"
