"""What a certifier demands of a bundle beyond that it holds, and whether it is so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from conformance.bundle.scope import LeftOut
from conformance.contract.model import Tier
from conformance.moments import day, moment
from conformance.quoting import one_line
from conformance.report import Results
from conformance.report.quantities import counted


@dataclass(frozen=True, slots=True)
class Demands:
    """What is demanded; None and False demand nothing. Days are those of the run's start, in UTC."""

    tier: Tier | None = None
    no_waivers: bool = False
    require_all: bool = False
    target: str | None = None
    not_before: date | None = None
    not_after: date | None = None

    def data(self) -> dict[str, Any]:
        """The same as plain data."""
        return {name: value.isoformat() if isinstance(value, date) else value for name, value in asdict(self).items()}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Demands:
        """What `data` gave, also after a way through JSON."""
        days = {name: day(data[name]) for name in ("not_before", "not_after") if data[name] is not None}
        return cls(**{**data, **days, "tier": None if data["tier"] is None else Tier(data["tier"])})


NOTHING_DEMANDED = Demands()


def unmet(demands: Demands, results: Results, left_out: Iterable[LeftOut]) -> str | None:
    """Why a bundle does not meet the demands, in one sentence; None where it does."""
    return next(_unmet(demands, results, list(left_out)), None)


def _unmet(demands: Demands, results: Results, left_out: list[LeftOut]) -> Iterator[str]:
    started = moment(results.started)
    assert started is not None
    if demands.tier is not None and not results.tier.includes(demands.tier):
        wanted, shown = demands.tier.value, results.tier.value
        yield f"it does not meet --require-tier {wanted}: it shows a run of the {shown} tier only."
    fewer = [one.what for one in left_out if one.is_generated]
    if demands.tier is Tier.EXHAUSTIVE and fewer:
        yield f"it does not meet --require-tier {demands.tier.value}: it leaves out {fewer[0]}."
    if demands.no_waivers and results.waivers:
        yield f"it does not meet --no-waivers: it was judged with {counted(len(results.waivers), 'waiver')}."
    declared = [one.what for one in left_out if not one.by_refusal]
    if demands.require_all and declared:
        yield f"it does not meet --require-all: it leaves out {one_line(', '.join(declared), 300)}."
    if demands.target is not None and _address(demands.target) != _address(results.target.base_url):
        wanted, shown = (one_line(one, 200) for one in (demands.target, results.target.base_url))
        yield f"it does not meet --target {wanted}: it shows a run against {shown}."
    if demands.not_before is not None and started.date() < demands.not_before:
        yield f"it does not meet --not-before {demands.not_before}: the run started at {results.started}."
    if demands.not_after is not None and started.date() > demands.not_after:
        yield f"it does not meet --not-after {demands.not_after}: the run started at {results.started}."


def _address(url: str) -> str:
    return url.rstrip("/")
