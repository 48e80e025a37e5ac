"""`run --baseline`: only new findings fail, and the rest is reported as known or fixed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from command_line import CLI, call, judge
from deployments import empty_object, http_deployment

from conformance.contract.model import Tier

pytestmark = [pytest.mark.network, pytest.mark.process]


@pytest.fixture(scope="module")
def broken() -> Iterator[str]:
    """The URL of a deployment that breaks nearly everything."""
    with http_deployment(empty_object) as url:
        yield url


@pytest.fixture(scope="module")
def baseline(broken: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("baseline")
    judge(out, base_url=broken, tier=Tier.SMOKE)
    return out / "results.json"


def test_what_is_known_passes_and_is_shown(
    broken: str, baseline: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = judge(tmp_path, base_url=broken, tier=Tier.SMOKE, baseline=baseline)
    assert run.status == 0
    assert run.document["verdict"] == "nonconformant"
    assert run.document["gate"]["status"] == "passed"
    assert set(run.musts("failed")) <= set(run.document["baseline"]["known"])
    printed = capsys.readouterr().out
    assert "Nonconformant: openai, smoke tier; the gate passed" in printed.splitlines()
    assert "FAILED   completion.served (MUST, in the baseline): " in printed
    junit = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert junit.get("failures") == "0"
    skipped = [one.get("message", "") for one in junit.iter("skipped")]
    assert [message for message in skipped if message.startswith("known from the baseline: ")]
    ctrf = json.loads((tmp_path / "ctrf.json").read_text())
    assert ctrf["results"]["summary"]["failed"] == 0
    sarif = json.loads((tmp_path / "results.sarif").read_text())
    assert {one["baselineState"] for one in sarif["runs"][0]["results"]} == {"unchanged"}


def test_what_is_new_fails(broken: str, baseline: Path, tmp_path: Path) -> None:
    document = json.loads(baseline.read_text())
    row = next(one for one in document["requirements"] if one["id"] == "completion.served")
    row["findings"], row["outcome"], row["messages"] = [], "passed", []
    for counts in (
        document["counts"]["total"],
        document["counts"]["levels"]["MUST"],
        document["counts"]["sections"]["completion"],
    ):
        counts["failed"] -= 1
        counts["passed"] = counts.get("passed", 0) + 1
        if not counts["failed"]:
            del counts["failed"]
    edited = tmp_path / "edited.json"
    edited.write_text(json.dumps(document))
    run = judge(tmp_path / "out", base_url=broken, tier=Tier.SMOKE, baseline=edited)
    assert run.status == 1
    assert run.document["baseline"]["new"] == ["completion.served"]


def test_what_is_fixed_is_reported(baseline: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = judge(tmp_path, tier=Tier.SMOKE, baseline=baseline)
    assert run.status == 0
    assert "completion.served" in run.document["baseline"]["fixed"]
    assert "have lost findings of the baseline" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("kodexa", "--baseline"),
            "the baseline is a run of the profile openai, not kodexa; give one of this profile.",
        ),
        (("openai", "--baseline", "nowhere.json"), "nowhere.json: cannot be read (No such file or directory)."),
    ],
)
def test_a_baseline_that_does_not_fit_costs_nothing(
    baseline: Path, tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    given = arguments if len(arguments) == 3 else (*arguments, str(baseline))
    done = call((*CLI, "run", *given, "--out", "out"), tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"chat-conformance: {sentence}\n"
    assert not (tmp_path / "out").exists()
