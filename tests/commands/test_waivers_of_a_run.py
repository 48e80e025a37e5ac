"""Waivers of a run: what they accept, until when, and what is said of those that do nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import Judged, judge
from deployments import empty_object, http_deployment

from conformance.contract.model import Tier
from conformance.targets import Limits

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def broken() -> Iterator[str]:
    """The URL of a deployment that breaks nearly everything."""
    with http_deployment(empty_object) as url:
        yield url


def judged(
    folder: Path, url: str | None, requirement: str, expires: str = "2999-12-31", probe: str = "", **more: Any
) -> Judged:
    waivers = folder / "waivers.yaml"
    condition = f"probe: '{probe}', " if probe else ""
    waivers.write_text(
        f"- {{requirement: '{requirement}', {condition}reason: known, owner: the platform, expires: {expires}}}\n"
    )
    return judge(folder / "out", base_url=url, waivers=waivers, **{"tier": Tier.SMOKE, **more})


def test_a_waiver_accepts_violations_until_its_last_day(broken: str, tmp_path: Path) -> None:
    run = judged(tmp_path, broken, "*")
    assert not run.musts("failed")
    assert run.musts("waived")
    assert run.row(run.musts("waived")[0])["waiver"]["owner"] == "the platform"


def test_a_waiver_accepts_nothing_else_and_is_shown(
    broken: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = judged(tmp_path, broken, "completion.served")
    assert "completion.served  waived until 2999-12-31 by the platform: known" in capsys.readouterr().out
    assert run.status == 1
    assert run.musts("waived") == ["completion.served"]
    assert run.musts("failed")


def test_a_waiver_for_some_probes_accepts_no_finding_elsewhere(broken: str, tmp_path: Path) -> None:
    findings = judged(tmp_path, broken, "error.never-success", probe="error/*").row("error.never-success")["findings"]
    probes = {finding["exchange"].rpartition("#")[0] for finding in findings}
    assert len(probes) > 1
    one = sorted(probes)[0]
    for probe, outcome in ((one, "failed"), ("error/*", "waived"), ("access/*", "failed")):
        folder = tmp_path / probe.replace("/", "-").replace("*", "x")
        folder.mkdir()
        run = judged(folder, broken, "error.never-success", probe=probe)
        assert run.outcomes["error.never-success"] == outcome, probe


def test_an_expired_waiver_accepts_nothing_and_fails_the_run(
    broken: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = judged(tmp_path, broken, "completion.served", "2020-01-31")
    assert run.status == 1
    assert run.outcomes["completion.served"] == "failed"
    sentence = "The waiver of completion.served (the platform) expired on 2020-01-31; renew it, or remove it."
    assert sentence in run.document["gate"]["reasons"]
    assert sentence in capsys.readouterr().out


@pytest.mark.parametrize(
    ("expires", "sentence"),
    [
        ("2020-01-31", "The waiver of completion.served (the platform) expired on 2020-01-31; renew it, or remove it."),
        ("2999-12-31", "The waiver of completion.served (the platform) no longer matches any violation; remove it."),
    ],
)
def test_a_waiver_that_does_nothing_fails_a_run_whose_target_is_conformant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], expires: str, sentence: str
) -> None:
    run = judged(tmp_path, None, "completion.served", expires)
    assert run.status == 1
    assert run.document["verdict"] == "conformant"
    assert run.document["gate"] == {"status": "failed", "reasons": [sentence]}
    printed = capsys.readouterr().out
    assert sentence in printed
    assert printed.splitlines()[-2] == "Conformant: openai, smoke tier; the gate failed"


@pytest.mark.parametrize(
    ("waiver", "more"),
    [
        ({"requirement": "stream.*"}, {}),
        ({"requirement": "completion.served"}, {"only": ("transport.*",)}),
        ({"requirement": "error.envelope"}, {"limits": Limits(max_requests=1)}),
        ({"requirement": "error.never-success", "probe": "robustness/*"}, {}),
    ],
)
def test_a_waiver_is_not_stale_where_the_run_left_it_open(
    tmp_path: Path, waiver: dict[str, str], more: dict[str, Any]
) -> None:
    run = judged(tmp_path, None, **waiver, **more)
    assert run.document["gate"]["reasons"] == []


def test_a_waiver_in_use_is_not_called_stale(broken: str, tmp_path: Path) -> None:
    assert judged(tmp_path, broken, "completion.served").document["gate"]["reasons"] == []
