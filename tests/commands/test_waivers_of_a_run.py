"""Waivers of a run: what they accept, until when, and what is said of those that do nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Judged, judge
from deployments import empty_object, http_deployment

from conformance.contract.model import Tier


@pytest.fixture(scope="module")
def broken() -> Iterator[str]:
    """The URL of a deployment that breaks nearly everything."""
    with http_deployment(empty_object) as url:
        yield url


def judged(folder: Path, url: str | None, requirement: str, expires: str) -> Judged:
    waivers = folder / "waivers.yaml"
    waivers.write_text(f"- {{requirement: '{requirement}', reason: known, owner: the platform, expires: {expires}}}\n")
    return judge(folder / "out", base_url=url, tier=Tier.SMOKE, waivers=waivers)


def test_a_waiver_accepts_violations_until_its_last_day(broken: str, tmp_path: Path) -> None:
    run = judged(tmp_path, broken, "*", "2999-12-31")
    assert not run.musts("failed")
    assert run.musts("waived")
    assert run.row(run.musts("waived")[0])["waiver"]["owner"] == "the platform"


def test_a_waiver_accepts_nothing_else(broken: str, tmp_path: Path) -> None:
    run = judged(tmp_path, broken, "completion.served", "2999-12-31")
    assert run.status == 1
    assert run.musts("waived") == ["completion.served"]
    assert run.musts("failed")


def test_an_expired_waiver_accepts_nothing_and_is_named(
    broken: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = judged(tmp_path, broken, "completion.served", "2020-01-31")
    assert run.status == 1
    assert run.outcomes["completion.served"] == "failed"
    sentence = "The waiver of completion.served (the platform) expired on 2020-01-31 and accepts nothing any more."
    assert sentence in run.document["reasons"]
    assert sentence in capsys.readouterr().out


def test_a_waiver_that_no_violation_needs_is_named_on_the_console(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = judged(tmp_path, None, "completion.served", "2999-12-31")
    assert run.status == 0
    told = capsys.readouterr().out
    assert "The waiver of completion.served (the platform) matches no violation; remove it." in told
    assert not any("waiver" in reason for reason in run.document["reasons"])


def test_a_waiver_in_use_is_not_called_idle(broken: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    judged(tmp_path, broken, "completion.served", "2999-12-31")
    assert "matches no violation" not in capsys.readouterr().out
