"""A fleet that was stopped goes on with what is missing, and repeats what its settings or the user ask for."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from fleet_samples import CONFORMANT, StubWorkers

from conformance.commands import fleet as command
from conformance.commands.fleet import FleetOptions, run_fleet
from conformance.fleet.task import Outcome
from conformance.fleet.workers import Ended
from conformance.terminal.exits import UsageFailure

NAMES = ("a", "b", "c", "d")
INCONCLUSIVE = Outcome(3, "inconclusive", problem="Nobody answers.")


@dataclass
class Answering(StubWorkers):
    """Workers that give the outcome of a target's name, and that somebody stops after so many."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    stop_after: int | None = None
    given: int = 0

    def ended(self, wait: float) -> Sequence[Ended]:
        if self.given == self.stop_after:
            raise KeyboardInterrupt
        self.given += 1
        return [replace(one, outcome=self.outcomes.get(one.task.target, CONFORMANT)) for one in super().ended(wait)]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "FLEET.toml"
    path.write_text(fleet_of(*NAMES))
    return path


def fleet_of(*names: str, more: str = "") -> str:
    targets = (f'[targets.{name}]\nbase_url = "http://{name}.example/v1"\n{more}' for name in names)
    return '[fleet]\ntiers = ["smoke"]\n' + "".join(targets)


def judged(
    monkeypatch: pytest.MonkeyPatch, file: Path, workers: Answering, *, again: bool = False
) -> tuple[int, list[str]]:
    """The exit status of the command with these workers, and the targets that they have judged."""

    @contextlib.contextmanager
    def given(_: object, __: int) -> Iterator[Answering]:
        yield workers

    monkeypatch.setattr(command, "_workers", given)
    return run_fleet(file, FleetOptions(again=again)), sorted(workers.begun)


def test_a_fleet_that_was_stopped_goes_on_with_what_is_missing(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    status, first = judged(monkeypatch, file, Answering(1, stop_after=2))
    assert status == 3
    assert json.loads((file.parent / "reports/FLEET/fleet.json").read_text())["complete"] is False
    status, then = judged(monkeypatch, file, Answering(1))
    assert status == 0
    assert first[:2] + then == list(NAMES)
    assert judged(monkeypatch, file, Answering(1)) == (0, [])


def test_other_settings_are_another_run_and_a_further_target_is_the_only_one_that_is_missing(
    monkeypatch: pytest.MonkeyPatch, file: Path
) -> None:
    judged(monkeypatch, file, Answering(2))
    file.write_text(fleet_of(*NAMES, "e"))
    assert judged(monkeypatch, file, Answering(2)) == (0, ["e"])
    file.write_text(fleet_of("a", more="rate = 1\n") + fleet_of("b").partition('["smoke"]\n')[2])
    assert judged(monkeypatch, file, Answering(2)) == (0, ["a"])


def test_what_is_inconclusive_is_repeated_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    unreachable = {"b": INCONCLUSIVE}
    assert judged(monkeypatch, file, Answering(2, outcomes=unreachable))[0] == 3
    assert judged(monkeypatch, file, Answering(2, outcomes=unreachable)) == (3, [])
    assert judged(monkeypatch, file, Answering(2), again=True) == (0, ["b"])


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [((0, 0), 0), ((0, 3), 3), ((1, 3), 1), ((4, 3), 4), ((4, 1), 1), ((2, 0), 3), ((2, 2), 2)],
)
def test_the_exit_status_is_that_of_the_worst_run(
    monkeypatch: pytest.MonkeyPatch, file: Path, statuses: tuple[int, int], expected: int
) -> None:
    file.write_text(fleet_of("a", "b"))
    verdicts = {0: "conformant", 1: "nonconformant", 3: "inconclusive"}
    outcomes = {
        name: Outcome(status, verdicts.get(status), problem="why") for name, status in zip("ab", statuses, strict=True)
    }
    assert judged(monkeypatch, file, Answering(2, outcomes=outcomes))[0] == expected


def test_workers_are_those_of_a_cluster_or_of_this_machine_but_not_both(file: Path) -> None:
    with pytest.raises(UsageFailure, match="--workers is about processes of this machine"):
        run_fleet(file, FleetOptions(scheduler="tcp://127.0.0.1:9", workers=2))
