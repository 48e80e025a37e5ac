"""`run --retry-findings`: a finding is tried again, reported as n of m, and never taken back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import judge
from deployments import Answer, http_deployment

from conformance.contract.model import Tier
from conformance.evidence import read_evidence
from conformance.targets import Limits

pytestmark = pytest.mark.network

ONLY = ("error.media-type", "error.envelope", "error.malformed-json", "error.never-success")
ENVELOPE = {"error": {"message": "no", "type": "invalid_request_error", "param": None, "code": None}}


class Moody:
    """Refuses everything: some with an error that is none, and the first request with NaN as `text/plain`."""

    def __init__(self) -> None:
        self.asked: Counter[bytes] = Counter()

    def __call__(self, _: dict[str, str], body: bytes) -> Answer:
        self.asked[body] += 1
        moody = b"NaN" in body and self.asked[body] == 1
        content = ENVELOPE if b"[" in body else {"error": "no"}
        return 400, {"Content-Type": "text/plain" if moody else "application/json"}, json.dumps(content).encode()


@pytest.fixture
def moody() -> Iterator[tuple[Moody, str]]:
    deployment = Moody()
    with http_deployment(deployment) as url:
        yield deployment, url


def without_times(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in {"started", "duration_s"}}


def test_a_flaky_finding_is_reported_as_n_of_m_and_is_no_pass(moody: tuple[Moody, str], tmp_path: Path) -> None:
    run = judge(tmp_path, base_url=moody[1], only=ONLY, retry_findings=2)
    flaky, constant = run.row("error.media-type"), run.row("error.envelope")
    assert flaky["outcome"] == "failed"
    assert flaky["tries"] == {"broken": 1, "of": 3}
    assert flaky["messages"][-1] == "flaky: broken in 1 of 3 tries"
    assert constant["tries"] == {"broken": 3, "of": 3}
    assert constant["messages"][-1] == "broken in 3 of 3 tries"
    assert run.row("error.malformed-json")["tries"] is None
    assert run.document["verdict"] == "nonconformant"
    assert any(
        reason.startswith("1 flaky requirement, broken in some tries only") for reason in run.document["reasons"]
    )


def test_only_the_requests_of_findings_are_sent_again(moody: tuple[Moody, str], tmp_path: Path) -> None:
    deployment, url = moody
    run = judge(tmp_path, base_url=url, only=ONLY, retry_findings=1)
    evidence = read_evidence(tmp_path / "evidence")
    again = [exchange for exchange in evidence.exchanges if exchange.round]
    found = {
        finding["exchange"].rpartition("#")[0] for row in run.document["requirements"] for finding in row["findings"]
    }
    assert {exchange.probe for exchange in again} == found
    assert all(exchange.attempt == 2 and exchange.id.endswith("#2") for exchange in again)
    assert evidence.complete
    assert run.document["exchanges"]["count"] == len(evidence.exchanges) == deployment.asked.total()


def test_without_the_option_nothing_is_sent_twice(moody: tuple[Moody, str], tmp_path: Path) -> None:
    run = judge(tmp_path, base_url=moody[1], only=ONLY)
    assert not [exchange for exchange in read_evidence(tmp_path / "evidence").exchanges if exchange.round]
    assert run.row("error.media-type")["tries"] is None


def test_judging_the_evidence_again_shows_the_same(moody: tuple[Moody, str], tmp_path: Path) -> None:
    run = judge(tmp_path / "run", base_url=moody[1], only=ONLY, retry_findings=2)
    again = judge(tmp_path / "again", replay=tmp_path / "run")
    assert without_times(again.document) == without_times(run.document)


def test_further_tries_stay_within_the_budget(moody: tuple[Moody, str], tmp_path: Path) -> None:
    first = judge(tmp_path / "first", base_url=moody[1], only=ONLY).document["exchanges"]["count"]
    run = judge(
        tmp_path / "run",
        base_url=moody[1],
        only=ONLY,
        retry_findings=20,
        limits=Limits(max_requests=first + 3, concurrency=1),
    )
    assert run.document["exchanges"]["count"] == first + 3


def test_a_run_that_was_stopped_between_tries_is_gone_on_with(moody: tuple[Moody, str], tmp_path: Path) -> None:
    judge(tmp_path, base_url=moody[1], only=ONLY, retry_findings=2)
    path = tmp_path / "evidence" / "exchanges.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    last = next(number for number, line in enumerate(lines) if b'"round":2' in line)
    path.write_bytes(b"".join(lines[: last + 1]))
    moody[0].asked.clear()
    run = judge(tmp_path, base_url=moody[1], resume=True, retry_findings=2)
    missing = len(lines) - last - 2  # but for the last line of the file
    assert moody[0].asked.total() == missing
    assert run.row("error.envelope")["tries"] == {"broken": 3, "of": 3}


def test_a_target_that_passes_is_asked_nothing_more(tmp_path: Path) -> None:
    run = judge(tmp_path, tier=Tier.SMOKE, retry_findings=5)
    assert run.status == 0
    assert not [exchange for exchange in read_evidence(tmp_path / "evidence").exchanges if exchange.round]
