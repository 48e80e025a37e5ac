"""`--deadline`: a run that has no time left is inconclusive, says so, and is taken up again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from command_line import judge
from deployments import Answer, http_deployment

from conformance.cli.main import commands
from conformance.contract.model import Tier
from conformance.evidence import read_evidence
from conformance.probes.model import Intent, Probe
from conformance.running.run_time import longest
from conformance.targets import Limits

pytestmark = pytest.mark.network
REFUSAL = 400, {"Content-Type": "application/json"}, b'{"error": {"message": "no"}}'


@pytest.fixture
def stuck() -> Iterator[tuple[str, threading.Event]]:
    """A deployment that refuses its first requests, and answers no more until the event is set."""
    go_on, asked = threading.Event(), []

    def answer(_: dict[str, str], __: bytes) -> Answer:
        asked.append(1)
        if len(asked) > 6:
            go_on.wait(30)
        return REFUSAL

    with http_deployment(answer) as url:
        yield url, go_on
        go_on.set()


def test_a_run_without_time_is_inconclusive_and_taken_up_again(
    stuck: tuple[str, threading.Event], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url, go_on = stuck
    limits = Limits(concurrency=2, run_deadline=5.0)
    cut = judge(tmp_path, base_url=url, tier=Tier.SMOKE, limits=limits)
    why = "the time of the run is over (its deadline of 5 s passed)"
    assert cut.document["verdict"] == "nonconformant"  # what was refused before is a finding
    assert f"The run did not finish: {why}." in cut.document["reasons"]
    unsent = read_evidence(tmp_path / "evidence").unsent
    assert set(unsent.values()) == {why}
    waiting = [row["outcome"] for row in cut.document["requirements"] if why in (row["messages"] or [""])[0]]
    assert set(waiting) - {"passed"} == {"inconclusive"}  # some passed by what was answered before
    assert "Ends      within 5.0 s" in capsys.readouterr().out
    again = judge(tmp_path / "again", replay=tmp_path)
    assert again.outcomes == cut.outcomes
    assert again.document["reasons"] == cut.document["reasons"]

    go_on.set()
    whole = judge(tmp_path, base_url=url, resume=True, limits=replace(limits, run_deadline=None))
    assert not whole.document["interrupted"]
    assert not read_evidence(tmp_path / "evidence").unsent


def test_the_plan_says_when_a_run_ends() -> None:
    shown = CliRunner().invoke(commands, ["run", "openai", "--plan", "--tier", "smoke"])
    assert "or when 1 min 30 s are lost to answers that do not come to their end." in " ".join(shown.output.split())
    shown = CliRunner().invoke(commands, ["run", "openai", "--plan", "--tier", "smoke", "--deadline", "1h30m"])
    assert "It ends within 90 min 00 s." in " ".join(shown.output.split())


@pytest.mark.parametrize("given", ["soon", "0", "-1", "", "90x", "1e9", "8d", "nan", "1000h"])
def test_what_is_no_time_span_is_refused(given: str) -> None:
    shown = CliRunner().invoke(commands, ["run", "openai", "--plan", "--deadline", given])
    assert shown.exit_code == 2
    assert "is not a time span of at most a week; give seconds, or a span such as 90s, 15m or 1h30m." in shown.output


def test_no_target_is_cut_that_uses_the_whole_time_limit_of_each_request() -> None:
    def probes(count: int, wave: int = 0, connection: str | None = None) -> list[Probe]:
        names = (f"{wave}/{connection}/{number}" for number in range(count))
        return [Probe(name=n, about="", intent=Intent.SERVED, wave=wave, connection=connection) for n in names]

    limits = Limits(concurrency=4, deadline=60)
    preflight = 6
    assert longest(probes(8), limits) == (preflight + 2) * 60
    assert longest([*probes(8), *probes(1, wave=1)], limits) == (preflight + 3) * 60
    assert longest([*probes(4), *probes(3, connection="a")], limits) == (preflight + 3) * 60
    assert longest(probes(8), replace(limits, rate=0.1)) == (preflight + 2) * 60 + 120  # 80 s, in whole minutes
