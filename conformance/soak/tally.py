"""Counts what answers came to: nothing is kept of an answer but figures and, of the first findings, their evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from conformance.contract.model import Level
from conformance.probes import Probe
from conformance.probes.model import REFUSED_FOR_LOAD
from conformance.soak.judging import JudgedAnswer
from conformance.soak.times import Measured, Times
from conformance.suite.load import header, is_retry_after
from conformance.wire import EndKind, Exchange

MOST_KEPT: Final = 20
"""Findings of each requirement whose evidence is kept."""
_CUT: Final = frozenset({EndKind.TRUNCATED, EndKind.RESET, EndKind.IDLE_TIMEOUT, EndKind.DEADLINE, EndKind.MALFORMED})
_ENDS: Final = frozenset({"stream.done-once", "stream.ends", "stream.finish-once"})
"""What is broken by a stream that lacks its end."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One finding: on which exchange, what was expected, and what came."""

    exchange: str
    expected: str
    actual: str


@dataclass(slots=True)
class OfRequirement:
    """How many answers decided a requirement, how many of them broke it, and the first findings."""

    judged: int = 0
    broken: int = 0
    findings: list[Kept] = field(default_factory=list)


@dataclass(slots=True)
class OfError:
    """How many answers had an error, and how many of them in the contract's envelope."""

    count: int = 0
    enveloped: int = 0
    retry_after: int = 0
    """Those with a Retry-After of the right form."""


@dataclass(slots=True)
class OfStreams:
    """How many requests for a stream were answered with 200, and what was wrong with how many of these streams."""

    count: int = 0
    cut: int = 0
    foreign: int = 0
    unended: int = 0
    read: int = 0
    """Those whose text could be searched for the words of others."""


@dataclass(slots=True)
class Tally:
    """What the answers of a soak, or of a share of it, came to."""

    requirements: dict[str, OfRequirement] = field(default_factory=dict)
    streams: OfStreams = field(default_factory=OfStreams)
    errors: dict[str, OfError] = field(default_factory=dict)
    """By status."""
    silent: Counter[str] = field(default_factory=Counter)
    """Requests without an answer, by how they ended."""
    sent: Counter[str] = field(default_factory=Counter)
    """Requests by the names of their probes."""
    answered: int = 0
    completion_tokens: int = 0
    received: int = 0
    sent_again: int = 0
    """Requests that a kept-alive connection lost before any byte of an answer, and another one carried."""
    times: Times = field(default_factory=Times)

    @property
    def count(self) -> int:
        """All requests."""
        return self.sent.total()

    def add(self, probe: Probe, exchange: Exchange, judged: JudgedAnswer, level: int) -> bool:
        """Count an exchange, and say whether it is evidence to keep."""
        self.sent[probe.name] += 1
        wanted = False
        for name in judged.decided:
            self.requirements.setdefault(name, OfRequirement()).judged += 1
        for row, finding in judged.broken:
            counted = self.requirements[row.id]
            counted.broken += 1
            if len(counted.findings) < MOST_KEPT:
                wanted = True
                counted.findings.append(Kept(exchange.id, finding.expected, finding.actual))
        if exchange.answer is None:
            self.silent[exchange.ending.kind.value] += 1
            return wanted
        self.answered += 1
        self.received += sum(len(read.data) for read in exchange.answer.reads)
        self._add_answer(probe, exchange, judged, level)
        return wanted

    def _add_answer(self, probe: Probe, exchange: Exchange, judged: JudgedAnswer, level: int) -> None:
        assert exchange.answer is not None
        if exchange.answer.status != 200:
            self._add_error(exchange, judged)
            return
        self.completion_tokens += judged.observations.completion_tokens
        reading = judged.observations.stream_reading(exchange) if probe.asks_for_stream else None
        self.times.add_answer(exchange, reading, level)
        if reading is None:
            return
        self.streams.count += 1
        self.streams.cut += exchange.ending.kind in _CUT
        self.streams.read += judged.foreign is not None
        self.streams.foreign += judged.foreign is True
        self.streams.unended += any(row.id in _ENDS for row, _ in judged.broken)

    def _add_error(self, exchange: Exchange, judged: JudgedAnswer) -> None:
        assert exchange.answer is not None
        status, seen = exchange.answer.status, judged.observations
        error = self.errors.setdefault(str(status), OfError())
        error.count += 1
        reading = seen.error_reading(exchange)
        if reading.is_readable and not seen.readers.envelope_deviations(status, reading.value, Level.MUST):
            error.enveloped += 1
        value = header(exchange, "retry-after")
        if status in REFUSED_FOR_LOAD and value is not None and is_retry_after(value):
            error.retry_after += 1

    def merge(self, other: Tally, times: Mapping[Measured, bytes]) -> None:
        """Add what another worker has counted; its times come apart."""
        for name, theirs in other.requirements.items():
            ours = self.requirements.setdefault(name, OfRequirement())
            ours.judged += theirs.judged
            ours.broken += theirs.broken
            ours.findings = [*ours.findings, *theirs.findings][:MOST_KEPT]
        for status, error in other.errors.items():
            known = self.errors.setdefault(status, OfError())
            known.count += error.count
            known.enveloped += error.enveloped
            known.retry_after += error.retry_after
        for name in ("count", "cut", "foreign", "unended", "read"):
            setattr(self.streams, name, getattr(self.streams, name) + getattr(other.streams, name))
        for name in ("answered", "completion_tokens", "received", "sent_again"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.silent += other.silent
        self.sent += other.sent
        self.times.add_packed(times)
