"""What a run says of deployments, and with which exit status."""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from command_line import CANARY, CLI, Judged, Run, call, judge, results
from deployments import closed_port, echo_of_key, empty_object, http_deployment, silent_deployment

from conformance.contract import load_contract
from conformance.contract.model import Tier
from conformance.targets import Limits

pytestmark = [pytest.mark.network, pytest.mark.process]

ReferenceRun = Callable[[str], tuple[Path, Judged]]


@pytest.mark.parametrize("profile", ["openai", "kodexa", "loop-health"])
def test_the_embedded_reference_is_conformant_without_a_warning(profile: str, reference_run: ReferenceRun) -> None:
    _, judged = reference_run(profile)
    unexpected = [
        (row["id"], row["outcome"], row["messages"])
        for row in judged.document["requirements"]
        if row["outcome"] not in {"passed", "skipped"}
    ]
    assert unexpected == []
    assert judged.document["verdict"] == "conformant"
    assert judged.status == 0


@pytest.mark.parametrize("profile", ["openai", "kodexa", "loop-health"])
def test_the_standard_tier_keeps_its_budget(profile: str, reference_run: ReferenceRun) -> None:
    spent = reference_run(profile)[1].document["exchanges"]
    assert 0 < spent["count"] <= (245 if profile == "openai" else 180)
    assert spent["completion_tokens"] <= (2000 if profile == "openai" else 1000)


def test_a_server_that_answers_everything_with_an_empty_object_passes_next_to_nothing(tmp_path: Path) -> None:
    with http_deployment(empty_object) as url:
        judged = judge(tmp_path, base_url=url)
    assert judged.status == 1
    assert len(judged.musts("passed")) <= 0.15 * len(judged.musts()), judged.musts("passed")


def test_a_server_that_answers_nothing_passes_nothing(tmp_path: Path) -> None:
    with silent_deployment() as url:
        judged = judge(tmp_path, base_url=url)
    assert judged.status == 3
    assert "passed" not in judged.outcomes.values()


def test_a_closed_port_is_one_sentence(run: Run, tmp_path: Path) -> None:
    with closed_port() as url:
        done = run("run", "openai", "--base-url", url, "--out", "out")
    assert done.returncode == 3
    assert done.stderr.strip().count("\n") == 0
    assert url.removeprefix("http://") in done.stderr
    assert results(tmp_path / "out")["verdict"] == "inconclusive"


def test_an_echoed_key_is_in_no_file_and_not_on_the_console(run: Run, tmp_path: Path) -> None:
    with http_deployment(echo_of_key) as url:
        done = run("run", "openai", "--base-url", url, "--no-preflight", "--out", "out", CONFORMANCE_API_KEY=CANARY)
    assert done.returncode == 1
    printed = [path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(printed) >= 5
    printed.append((done.stdout + done.stderr).encode())
    for form in _forms_of(CANARY):
        assert not any(form in text for text in printed), form
    assert Judged(1, results(tmp_path / "out")).outcomes["access.key-not-echoed"] == "warning"


def _forms_of(key: str) -> list[bytes]:
    half = len(key) // 2
    return [
        key.encode(),
        base64.b64encode(key.encode()).rstrip(b"="),
        quote(key, safe="").encode(),
        key[half:].encode(),
    ]


def test_replayed_evidence_gives_the_same_results(reference_run: ReferenceRun, tmp_path: Path) -> None:
    out, live = reference_run("kodexa")
    again = judge(tmp_path, "kodexa", replay=out)
    assert again.status == 0
    documents = [copy.deepcopy(judged.document) for judged in (live, again)]
    for document in documents:
        del document["duration_s"]
    assert documents[0] == documents[1]


def test_a_filtered_run_judges_only_that_and_is_inconclusive(tmp_path: Path) -> None:
    judged = judge(tmp_path, only=("stream.done-once",))
    assert judged.status == 3
    assert judged.musts("passed") == ["stream.done-once"]
    assert judged.document["exchanges"]["count"] < 25


def test_a_budget_that_runs_out_never_passes(tmp_path: Path) -> None:
    judged = judge(tmp_path, tier=Tier.SMOKE, limits=Limits(max_requests=3))
    assert judged.status == 3
    assert judged.document["exchanges"]["count"] <= 3
    assert judged.musts("untested")


def test_a_plan_sends_nothing(run: Run, tmp_path: Path) -> None:
    requests: list[bytes] = []

    def count(_: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        requests.append(body)
        return 200, {}, b"{}"

    with http_deployment(count) as url:
        done = run("run", "openai", "--base-url", url, "--plan")
    assert done.returncode == 0
    assert "Nothing was sent" in done.stdout
    assert f"Judged by openai {load_contract('openai').profile.version}, standard tier." in done.stdout
    scored = call((*CLI, "run", "openai", "--plan", "--release", "2026.11.0"), tmp_path)
    assert "Judged by openai, release 2026.11.0, standard tier." in scored.stdout
    assert requests == []
    assert list(tmp_path.iterdir()) == []
