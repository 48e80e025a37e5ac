"""Makes soak.json, the one record of a soak, of what its shares counted; specs/soak.schema.json describes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import conformance
from conformance.contract.model import Level, Requirement
from conformance.running.recorded_target import recorded_target
from conformance.running.run import Run
from conformance.soak.mixture import Mixture
from conformance.soak.rates import CONFIDENCE, Rate, rarest_found, rate_of
from conformance.soak.requirements import RELATIONS
from conformance.soak.settings import SoakSettings
from conformance.soak.sharing import ShareResult
from conformance.soak.tally import OfRequirement, Tally
from conformance.soak.times import QUANTILES, Distribution, Times
from conformance.suite.selection import wanted
from conformance.terminal.exits import INCONCLUSIVE

FORMAT: Final = 1
RECORD: Final = "soak.json"
NONE_FOUND, BROKEN = 0, 1


@dataclass(frozen=True, slots=True)
class Soaked:
    """All that came of a soak, put together."""

    run: Run
    settings: SoakSettings
    mixture: Mixture
    shares: tuple[ShareResult, ...]
    tally: Tally
    late: Times

    @property
    def ended(self) -> str | None:
        """Why it ended early, or None."""
        return next((one for share in self.shares if (one := share.problem or share.ended) is not None), None)

    @property
    def seconds(self) -> float:
        """How long requests were sent."""
        return max((share.seconds for share in self.shares), default=0.0)

    @property
    def rows(self) -> tuple[Requirement, ...]:
        """The requirements that were to be judged, in the contract's order."""
        ids = {one for share in self.shares for one in share.judged_ids}
        return tuple(row for row in self.run.contract.requirements if row.id in ids)

    def of(self, row: Requirement) -> OfRequirement:
        """What was counted of a requirement."""
        return self.tally.requirements.get(row.id, OfRequirement())

    @property
    def broken(self) -> tuple[Requirement, ...]:
        """The requirements that an answer broke, a MUST first."""
        found = [row for row in self.rows if self.of(row).broken]
        return tuple(sorted(found, key=lambda row: (row.level is not Level.MUST, -self.of(row).broken)))

    @property
    def status(self) -> int:
        """The exit status: 1 for a broken MUST, 3 where it ended early or nothing was decided, else 0."""
        if any(row.level is Level.MUST and row.scored for row in self.broken):
            return BROKEN
        decided = any(one.judged for one in self.tally.requirements.values()) and self.tally.answered
        return NONE_FOUND if decided and self.ended is None else INCONCLUSIVE


def put_together(run: Run, settings: SoakSettings, mixture: Mixture, shares: Sequence[ShareResult]) -> Soaked:
    """Add up what the shares counted."""
    tally, late = Tally(), Times()
    for share in shares:
        tally.merge(share.tally, share.times)
        late.add_packed(share.late)
    return Soaked(run, settings, mixture, tuple(shares), tally, late)


def record_of(soaked: Soaked) -> dict[str, Any]:
    """The record as plain data, still with whatever secrets a target sent."""
    run, settings, tally = soaked.run, soaked.settings, soaked.tally
    profile, streams = run.contract.profile, tally.streams
    return {
        "format": FORMAT,
        "suite": {"name": "chat-conformance", "version": conformance.__version__},
        "profile": {"name": profile.name, "version": profile.version, "sha256": profile.sha256},
        "target": recorded_target(run.target, run.contract),
        "started": run.started,
        "seconds": round(soaked.seconds, 3),
        "ended": soaked.ended,
        "status": soaked.status,
        "confidence": CONFIDENCE,
        "load": {
            "users": settings.users,
            "seconds": settings.seconds,
            "requests": settings.requests,
            "ramp": settings.ramp,
            "rate": run.settings.limits.rate,
            "seed": settings.seed,
            "mixture": soaked.mixture.weights,
        },
        "requests": {
            "sent": tally.count,
            "by_probe": dict(sorted(tally.sent.items())),
            "answered": tally.answered,
            "sent_again": tally.sent_again,
            "completion_tokens": tally.completion_tokens,
            "received": tally.received,
            "without_answer": dict(sorted(tally.silent.items())),
        },
        "streams": {
            "count": streams.count,
            "cut": rate_data(rate_of(streams.cut, streams.count)),
            "unended": rate_data(rate_of(streams.unended, streams.count)),
            "foreign": rate_data(rate_of(streams.foreign, streams.read)),
            "rarest_found": rarest_found(streams.count),
        },
        "errors": [{"status": int(status), **asdict(one)} for status, one in sorted(tally.errors.items())],
        "requirements": [_row(row, soaked.of(row)) for row in soaked.rows],
        "left_out": dict(_left_out(soaked)),
        "times": [distribution_data(one) for one in tally.times.distributions()],
        "sender": sender_data(soaked),
    }


def rate_data(rate: Rate) -> dict[str, Any]:
    """A rate as plain data."""
    return {"broken": rate.broken, "judged": rate.judged, "low": rate.low, "high": rate.high}


def distribution_data(one: Distribution) -> dict[str, Any]:
    """A distribution as plain data, in seconds."""
    named = {f"p{quantile:g}": value for quantile, value in zip(QUANTILES, one.quantiles, strict=True)}
    return {
        "kind": one.measured.kind,
        "what": one.measured.what,
        "level": one.measured.level,
        "count": one.count,
        "least": one.least,
        **named,
        "most": one.most,
    }


def sender_data(soaked: Soaked) -> dict[str, Any]:
    """What the soak itself cost: how late it was, its processor time and its memory, of each worker."""
    late = [distribution_data(one) for one in soaked.late.distributions()]
    return {
        "late": {name: value for name, value in late[0].items() if name.startswith(("p", "most"))} if late else None,
        "workers": [
            {
                "requests": share.tally.count,
                "seconds": round(share.seconds, 3),
                "cpu": round(share.cpu, 3),
                "held": round(share.held, 4),
                "most_under_way": share.most_under_way,
                "problem": share.problem,
                "memory": [asdict(one) for one in share.samples],
            }
            for share in soaked.shares
        ],
    }


def _row(row: Requirement, counted: OfRequirement) -> dict[str, Any]:
    return {
        "id": row.id,
        "level": row.level.value,
        "section": row.section.value,
        "statement": row.statement,
        **rate_data(rate_of(counted.broken, counted.judged)),
        "findings": [asdict(one) for one in counted.findings],
    }


def _left_out(soaked: Soaked) -> Iterator[tuple[str, str]]:
    """The requirements that these answers are about and no answer decides alone, each with the reason."""
    known: Mapping[str, Requirement] = {row.id: row for row in soaked.run.contract.requirements}
    for name, why in RELATIONS.items():
        if name in known and wanted(known[name], soaked.run.tier):
            yield name, why
