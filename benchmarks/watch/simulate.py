"""Simulates years of daily runs with the code of `watch`: false alarms a year, and days until a change is found.

    python benchmarks/watch/simulate.py --years 1000 --changes 200

Each year has its own deployment: the numbers of its exchanges are those of a recorded run of the reference (smoke tier
and, where asked for, standard), and a requirement that is broken is tried again as a run does. Nothing is sent.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from conformance.watch.change_test import Trials
from conformance.watch.drift import Drift, Kind
from conformance.watch.entry import Choice, Cost, Entry, Row
from conformance.watch.targets import RETRIES
from conformance.watch.tracker import DAYS_A_YEAR, Rules, Tracker

FIRST_DAY = date(2026, 1, 1)
JUDGED_BY = {"version of the suite": "0.1.0", "release": "none"}
FACTS = {"model": "m", "system_fingerprint": "fp"}


@dataclass(frozen=True, slots=True)
class Deployment:
    """The share in which each requirement's answers break it, by its id, and on how many exchanges each is judged."""

    exchanges: dict[str, int]
    shares: dict[str, float]


def entry(number: int, deployment: Deployment, drawn: random.Random, tier: str, cost: Cost) -> Entry:
    """The line of a day on which the deployment answers by chance."""
    rows = {name: _row(count, deployment.shares.get(name, 0.0), drawn) for name, count in deployment.exchanges.items()}
    broken = any(row.outcome == "failed" for row in rows.values())
    again = sum(row.trials.again * row.trials.failed for row in rows.values() if row.trials is not None)
    return Entry(
        day=FIRST_DAY + timedelta(days=number % 2_900_000),
        started="2026-01-01T00:00:00+00:00",
        run="runs/simulated",
        choice=Choice(tier),
        verdict="nonconformant" if broken else "conformant",
        judged_by=JUDGED_BY,
        facts=FACTS,
        rows=rows,
        cost=replace(cost, requests=cost.requests + again),
    )


_PASSED: dict[int, Row] = {}


def _row(exchanges: int, share: float, drawn: random.Random) -> Row:
    failed = sum(drawn.random() < share for _ in range(exchanges)) if share else 0
    if not failed:
        known = _PASSED.get(exchanges)
        if known is None:
            known = _PASSED[exchanges] = Row("passed", "MUST", "0", Trials(exchanges))
        return known
    # A try sends the requests of all findings again, and is broken where one of them fails.
    tries = sum(any(drawn.random() < share for _ in range(failed)) for _ in range(RETRIES))
    return Row("failed", "MUST", "0", Trials(exchanges, failed, RETRIES, tries))


@dataclass(slots=True)
class Traffic:
    """What unchanged deployments came to over the years."""

    years: float = 0.0
    false: int = 0
    """Changes that were told of requirements that stayed within the tolerance."""
    flaky: int = 0
    """Changes that were told of requirements that were broken now and then from the beginning."""
    suspected: int = 0
    requests: int = 0


def unchanged(
    years: int, span: int, judged: tuple[dict[str, int], Cost, str], shares: dict[str, float], seed: int
) -> Traffic:
    """Years of traffic in which nothing changes, in histories of `span` years each."""
    found = Traffic()
    exchanges, cost, tier = judged
    for number in range(max(1, years // span)):
        drawn, tracker = random.Random(seed + number), Tracker(Rules())
        deployment = Deployment(exchanges, shares)
        for day in range(int(span * DAYS_A_YEAR)):
            line = entry(day, deployment, drawn, tier, cost)
            told = tracker.step(line)
            found.requests += line.cost.requests
            changes = [one for one in told if one.kind in {Kind.REQUIREMENT, Kind.RATE}]
            flaky = sum(shares.get(one.subject, 0.0) > tracker.rules.tolerance for one in changes)
            found.flaky += flaky
            found.false += len(changes) - flaky
            found.suspected += bool(tracker.suspected)
        found.years += span
    return found


@dataclass(frozen=True, slots=True)
class Detection:
    """Days from a change until it is told, for each of many deployments; None where it took more than the horizon."""

    days: tuple[int | None, ...]

    @property
    def words(self) -> str:
        """Median and 95th percentile."""
        ordered = sorted(10**9 if day is None else day for day in self.days)
        median, late = ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
        missed = sum(day is None for day in self.days)
        return f"median {_shown(median)}, 95 % within {_shown(late)}" + (f", {missed} not found" if missed else "")


def _shown(days: int) -> str:
    return "-" if days >= 10**9 else f"{days} d"


def detection(
    share: float, hit: Sequence[str], exchanges: dict[str, int], tier: str, changes: int, horizon: int, seed: int
) -> Detection:
    """How long it takes to tell that a share of the answers breaks these requirements, from a day on."""
    before, after = 60, dict.fromkeys(hit, share)
    days: list[int | None] = []
    for number in range(changes):
        drawn, tracker = random.Random(seed + number), Tracker(Rules())
        for day in range(before):
            tracker.step(entry(day, Deployment(exchanges, {}), drawn, tier, Cost()))
        days.append(_found(tracker, before, horizon, Deployment(exchanges, after), drawn, tier))
    return Detection(tuple(days))


def _found(
    tracker: Tracker, before: int, horizon: int, deployment: Deployment, drawn: random.Random, tier: str
) -> int | None:
    for day in range(horizon):
        told = tracker.step(entry(before + day, deployment, drawn, tier, Cost()))
        if _of_rows(told, deployment.shares):
            return day + 1
    return None


def _of_rows(told: Sequence[Drift], shares: dict[str, float]) -> bool:
    return any(one.subject in shares for one in told)


def recorded(path: Path) -> tuple[dict[str, int], Cost, str]:
    """By how many exchanges a run judged each requirement, what it cost, and its tier."""
    record = json.loads(path.read_text(encoding="utf-8"))
    counts = {row["id"]: max(len(row["exchanges"]), 1) for row in record["requirements"] if row["outcome"] == "passed"}
    cost = record["exchanges"]
    return counts, Cost(cost["count"], cost["completion_tokens"]), record["tier"]


def lines(options: argparse.Namespace) -> Iterator[str]:
    """The figures, as they are found out."""
    exchanges, cost, tier = recorded(options.run)
    names = sorted(exchanges, key=lambda name: exchanges[name])
    yield f"{tier} tier: {len(exchanges)} requirements, {cost.requests} requests and {cost.tokens} tokens a day"
    began = time.monotonic()
    for title, shares in _shares(names):
        found = unchanged(options.years, options.span, (exchanges, cost, tier), shares, seed=1)
        yield (
            f"{title}: {found.years:g} years, {found.false} false alarms ({found.false / found.years:.4f} a year);"
            f" {found.flaky} told of requirements that are flaky from the beginning;"
            f" suspected on {100 * found.suspected / (found.years * DAYS_A_YEAR):.2f} % of days;"
            f" {found.requests / (found.years * DAYS_A_YEAR):.2f} requests a day"
            f" [{time.monotonic() - began:.0f} s]"
        )
    for share in (0.05, 0.5, 1.0):
        for title, hit in _hits(names, exchanges):
            result = detection(share, hit, exchanges, tier, options.changes, options.horizon, seed=9)
            yield f"a change that hits {100 * share:g} % of answers, {title}: {result.words}"
    yield f"took {time.monotonic() - began:.0f} s"


def _shares(names: Sequence[str]) -> Iterator[tuple[str, dict[str, float]]]:
    """Deployments that do not change: without a mistake, with one at the tolerance, and with some that are flaky."""
    yield "every answer right", {}
    yield "every requirement broken in 0.1 % of its answers", dict.fromkeys(names, Rules().tolerance)
    yield "three requirements flaky (1 %, 10 %, 50 %)", dict(zip(names[:3], (0.01, 0.1, 0.5), strict=True))


def _hits(names: Sequence[str], exchanges: dict[str, int]) -> Iterator[tuple[str, Sequence[str]]]:
    """What a change hits: the requirement of fewest and of most exchanges, that of the usual number, or all."""
    counts = Counter(exchanges.values())
    usual = statistics.median_low([exchanges[name] for name in names])
    middle = next(name for name in names if exchanges[name] == usual)
    yield (
        f"one requirement that {counts[exchanges[names[0]]]} share, with {exchanges[names[0]]} exchange a day",
        names[:1],
    )
    yield f"one requirement of the usual {usual} exchanges a day", [middle]
    yield f"one requirement of {exchanges[names[-1]]} exchanges a day", names[-1:]
    yield "all requirements", list(names)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path(__file__).parent / "smoke.json", help="results.json of a run")
    parser.add_argument("--years", type=int, default=1000)
    parser.add_argument("--span", type=int, default=10, help="years of one history")
    parser.add_argument("--changes", type=int, default=200, help="simulated changes of each kind")
    parser.add_argument("--horizon", type=int, default=2000, help="days after which a change counts as not found")
    for line in lines(parser.parse_args()):
        print(line, flush=True)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
