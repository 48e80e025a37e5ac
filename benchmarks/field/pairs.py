"""Judges deployments that do not change twice each, and prints what comparing the two runs makes of it.

    python benchmarks/field/pairs.py

No pair may show a regression, and with the first run as baseline the gate of the second must be green. The pairs are
the recorded runs, each with a second run that is made of its evidence (other ids, a day later), and the reference
deployment of each profile with faults that hit one request in some, by chance: each run hits others.
"""

from __future__ import annotations

import hashlib
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent)]

from recorded_runs import RUNS, RecordedRun  # noqa: E402 - beside this file, not installed

from conformance.compare import ChangeKind, against, differences  # noqa: E402 - found by the import above
from conformance.contract import load_contract  # noqa: E402
from conformance.gate.decision import gate  # noqa: E402
from conformance.reference import EmbeddedReference  # noqa: E402
from conformance.reference.faults import composed  # noqa: E402
from conformance.report import Results  # noqa: E402
from conformance.report.results import GateStatus  # noqa: E402
from conformance.running.finish import finish  # noqa: E402
from conformance.running.opening import open_run  # noqa: E402
from conformance.running.pytest_session import judge  # noqa: E402
from conformance.running.run import RunSettings  # noqa: E402

PROFILES = ("openai", "kodexa", "loop-health")
BY_CHANCE = (
    "now-and-then.no-done",
    "chunk-head.model-changes@one-in = 3",
    "combined.usage-too-large-now-and-then",
    "chunk-head.id-differs@one-in = 3",
    "chunk-head.created-differs@one-in = 4",
    "completion.created-milliseconds@one-in = 5",
)
"""Faults that hit one request in some, in requirements that are judged by many answers."""
_ID = re.compile(r"(?:chatcmpl-|req_|cmpl-)[A-Za-z0-9-]{4,}")
_CREATED = re.compile(r'(\\?"created\\?":\s?)(\d{10})')
_CODED = '["content-encoding","gzip"]'
_STARTED = re.compile(r'("started":")([0-9-]{10})')
_DAY = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Pair:
    """Two runs of one deployment that did not change between them."""

    deployment: str
    profile: str
    first: Results
    second: Results

    def of(self, kind: ChangeKind) -> tuple[str, ...]:
        """The requirements that changed in this way from the first run to the second."""
        return tuple(change.id for change in differences(self.first, self.second).of(kind))

    @property
    def regressions(self) -> tuple[str, ...]:
        """What `diff` calls a regression."""
        return self.of(ChangeKind.REGRESSION)

    @property
    def gate(self) -> GateStatus:
        """The gate of the second run with the first as its baseline."""
        second = replace(self.second, baseline=against(self.second, self.first))
        return gate(second, date.fromisoformat(second.started[:10])).status


def recorded_pair(run: RecordedRun) -> Pair:
    """A recorded run, judged again, and the same once more as it would have come a day later."""
    with tempfile.TemporaryDirectory(prefix="chat-conformance-pair-") as scratch:
        folder = Path(scratch) / "later"
        folder.mkdir()
        text = (run.directory / "evidence" / "exchanges.jsonl").read_text(encoding="utf-8")
        (folder / "exchanges.jsonl").write_text(a_day_later(text), encoding="utf-8")
        return Pair(run.name, run.profile, _replayed(run.profile, run.directory), _replayed(run.profile, folder))


def a_day_later(evidence: str) -> str:
    """Evidence with other ids and with times of the next day; no length changes, so that all else stays as it is.

    An exchange whose answer is compressed stays on its day: its `created` cannot be changed without its length.
    """
    return "".join(line if _CODED in line else _later(line) for line in evidence.splitlines(keepends=True))


def _later(line: str) -> str:
    text = _ID.sub(lambda found: _other_id(found[0]), line)
    text = _CREATED.sub(lambda found: f"{found[1]}{int(found[2]) + _DAY}", text)
    return _STARTED.sub(lambda found: f"{found[1]}{date.fromisoformat(found[2]) + timedelta(days=1)}", text)


def _other_id(name: str) -> str:
    digits = iter(hashlib.sha512(name.encode()).hexdigest())
    kept = name.index(next(one for one in "-_" if one in name)) + 1
    return name[:kept] + "".join(one if one == "-" else next(digits) for one in name[kept:])


def _replayed(profile: str, evidence: Path) -> Results:
    return _judged(RunSettings(profile, replay=evidence))


def pair_by_chance(profile: str, fault: str) -> Pair:
    """A deployment with a fault that hits by chance, judged twice."""
    contract = load_contract(profile)
    with EmbeddedReference(profile, contract=contract, hooks=composed(contract, [fault])) as reference:
        target = asdict(reference.target)

        def once() -> Results:
            with tempfile.TemporaryDirectory(prefix="chat-conformance-pair-") as out:
                return _judged(RunSettings(profile, base_url=reference.base_url, out=Path(out)), target)

        return Pair(f"the reference with `{fault}`", profile, once(), once())


def _judged(settings: RunSettings, target: dict[str, object] | None = None) -> Results:
    with open_run(settings, {}, target) as run:
        suite_run, ended = judge(run)
        if suite_run.broken or ended.failed:
            raise RuntimeError(f"the suite broke: {suite_run.broken or ended.printed[-2000:]}")
        return finish(suite_run, interrupted=ended.interrupted, write=False).results


def pairs() -> Iterator[Pair]:
    """All pairs, one after the other."""
    yield from map(recorded_pair, RUNS)
    for profile in PROFILES:
        for fault in BY_CHANCE:
            yield pair_by_chance(profile, fault)


def main() -> int:
    """Print the table as Markdown, a row as soon as it is known; exit status 1 where a pair is not as it should be."""
    head = ("deployment", "profile", "broken, first run", "broken, second run", "regressions", "elsewhere", "gate")
    print(f"| {' | '.join(head)} |\n| {' | '.join('---' for _ in head)} |")
    count, wrong = 0, 0
    for pair in pairs():
        count += 1
        fine = not pair.regressions and pair.gate is GateStatus.PASSED
        wrong += not fine
        cells = (
            pair.deployment,
            f"`{pair.profile}`",
            str(_broken(pair.first)),
            str(_broken(pair.second)),
            ", ".join(pair.regressions) or "none",
            str(len(pair.of(ChangeKind.ELSEWHERE))),
            pair.gate.value,
        )
        print(f"| {' | '.join(cells)} |", flush=True)
    print(f"\n{count} pairs, {wrong} with a regression or without a green gate.")
    return 1 if wrong else 0


def _broken(results: Results) -> int:
    return sum(count for outcome, count in results.totals.items() if outcome.value in {"failed", "warning"})


if __name__ == "__main__":
    sys.exit(main())
