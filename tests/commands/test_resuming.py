"""A killed run is resumed: nothing is lost or sent again, and its record is like that of any other run."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import CLI, call, judge, results, start, wait_for_lines
from deployments import Answer, http_deployment

from conformance.contract.model import Tier
from conformance.evidence import read_evidence
from conformance.probes.streams import STREAM_AGAIN
from conformance.reference import EmbeddedReference
from conformance.running.ownership import owned
from conformance.targets import Limits

pytestmark = [pytest.mark.network, pytest.mark.process]

ONLY = ("--only", "completion.*", "--only", "error.*", "--only", "robustness.connection-reuse")


class Killed:
    """A run against a slow reference deployment that was killed in the middle, and the deployment."""

    def __init__(self, folder: Path, reference: EmbeddedReference) -> None:
        self.folder = folder
        self.reference = reference
        self.environ = {"CONFORMANCE_API_KEY": reference.api_key, "CONFORMANCE_MODEL": reference.model}

    @property
    def command(self) -> tuple[str, ...]:
        return (*CLI, "run", "openai", "--base-url", self.reference.base_url, "--concurrency", "2")

    def resume(self, folder: Path, *more: str) -> tuple[int, str]:
        done = call((*self.command, "--resume", "out", *more), folder, **self.environ)
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killed]:
    folder = tmp_path_factory.mktemp("killed")
    with EmbeddedReference("openai", latency=0.1) as reference:
        run = Killed(folder, reference)
        with start((*run.command, "--out", "out", *ONLY), folder, **run.environ) as running:
            wait_for_lines(folder / "out" / "evidence" / "exchanges.jsonl", 6)
            running.kill()
            running.communicate(timeout=30)
        yield run


@pytest.fixture
def copied(killed: Killed, tmp_path: Path) -> Path:
    """A folder with a copy of the killed run, to be resumed."""
    shutil.copytree(killed.folder / "out", tmp_path / "out")
    return tmp_path


def without_times(out: Path) -> dict[str, Any]:
    """The record of a run without what times decide: its own, and whether the first stream is sent again."""
    document = {name: value for name, value in results(out).items() if name not in {"started", "duration_s"}}
    sent = [exchange.probe for exchange in read_evidence(out / "evidence").exchanges]
    totals = document.pop("exchanges")
    assert (totals["count"], totals["probes"]) == (len(sent), len(set(sent)))
    rows = [
        {**row, "exchanges": [one for one in row["exchanges"] if one != f"{STREAM_AGAIN}#1"]}
        for row in document["requirements"]
    ]
    return {
        **document,
        "requirements": rows,
        "sent": {*sent} - {STREAM_AGAIN},
        "completion_tokens": totals["completion_tokens"],  # a stream that is sent again reports none
    }


def test_a_killed_run_comes_out_as_one_that_was_not(killed: Killed, copied: Path) -> None:
    before = read_evidence(copied / "out" / "evidence")
    assert not before.complete

    status, printed = killed.resume(copied)
    whole = call((*killed.command, "--out", "whole", *ONLY), copied, **killed.environ)

    assert (status, whole.returncode) == (3, 3), printed  # a restricted run leaves MUSTs untested
    resumed, at_once = (without_times(copied / name) for name in ("out", "whole"))
    rows = [{row["id"]: row for row in document.pop("requirements")} for document in (resumed, at_once)]
    assert [pair for pair in zip(rows[0].values(), rows[1].values(), strict=True) if pair[0] != pair[1]] == []
    assert resumed == at_once
    after = read_evidence(copied / "out" / "evidence")
    assert after.complete
    assert after.exchanges[: len(before.exchanges)] == before.exchanges
    assert max(Counter(exchange.probe for exchange in after.exchanges).values()) == 1


def test_what_was_killed_can_be_judged_as_it_stands(killed: Killed, copied: Path) -> None:
    done = call((*CLI, "run", "openai", "--replay", "out", "--out", "judged"), copied)
    assert done.returncode == 3
    document = results(copied / "judged")
    assert document["verdict"] == "inconclusive"
    assert "The run did not finish: its evidence is incomplete." in document["reasons"]


def test_a_run_that_is_complete_sends_nothing_more(killed: Killed, copied: Path) -> None:
    killed.resume(copied)
    evidence = copied / "out" / "evidence" / "exchanges.jsonl"
    first = evidence.read_bytes()
    killed.resume(copied)
    assert evidence.read_bytes() == first


def test_only_one_process_resumes_a_run(killed: Killed, copied: Path) -> None:
    evidence = copied / "out" / "evidence" / "exchanges.jsonl"
    before = evidence.read_bytes().count(b"\n")
    with start((*killed.command, "--resume", "out"), copied, **killed.environ) as first:
        wait_for_lines(evidence, before + 1)
        status, printed = killed.resume(copied)
        first.communicate(timeout=60)
    assert (status, printed) == (
        2,
        "chat-conformance: another run is writing to out; wait until it has ended, or choose another directory.\n",
    )
    assert first.returncode == 3
    after = read_evidence(copied / "out" / "evidence")
    assert after.complete
    assert max(Counter(exchange.probe for exchange in after.exchanges).values()) == 1


@pytest.mark.parametrize("arguments", [("--out", "out", "--force"), ("--replay", "out", "--out", "out")])
def test_nothing_else_writes_where_a_run_does(killed: Killed, copied: Path, arguments: tuple[str, ...]) -> None:
    before = (copied / "out" / "evidence" / "exchanges.jsonl").read_bytes()
    with owned(copied / "out"):
        done = call((*killed.command, *arguments), copied, **killed.environ)
    assert done.returncode == 2
    assert "another run is writing to out" in done.stderr
    assert (copied / "out" / "evidence" / "exchanges.jsonl").read_bytes() == before


def test_no_request_that_was_answered_reaches_the_target_again(tmp_path: Path) -> None:
    asked: Counter[bytes] = Counter()

    def refuse(headers: dict[str, str], body: bytes) -> Answer:
        asked[json.dumps(sorted(headers.items())).encode() + body] += 1
        return 400, {"Content-Type": "application/json"}, b'{"error": {}}'

    with http_deployment(refuse) as url:
        judge(tmp_path / "out", base_url=url, tier=Tier.SMOKE)
        once = Counter(asked)
        path = tmp_path / "out" / "evidence" / "exchanges.jsonl"
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[:-3]) + lines[-3][:40])  # as a kill leaves it: three are missing
        asked.clear()
        judge(tmp_path / "out", base_url=url, resume=True)
    assert asked.total() == 2
    assert asked <= once


def test_a_run_that_was_gone_on_with_can_be_certified(tmp_path: Path) -> None:
    with EmbeddedReference("loop-health") as reference:
        environ = {"CONFORMANCE_API_KEY": reference.api_key}
        command = (*CLI, "run", "loop-health", "--base-url", reference.base_url)
        call((*command, "--tier", "smoke", "--out", "out"), tmp_path, **environ)
        path = tmp_path / "out" / "evidence" / "exchanges.jsonl"
        path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-4]))
        done = call((*command, "--resume", "out", "--bundle", "run.zip"), tmp_path, **environ)
    assert done.returncode == 0, done.stdout + done.stderr
    verified = call((*CLI, "verify", "run.zip"), tmp_path)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_a_run_whose_budget_ran_out_is_gone_on_with_by_a_larger_one(tmp_path: Path) -> None:
    with EmbeddedReference("openai") as reference, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONFORMANCE_API_KEY", reference.api_key)
        patch.setenv("CONFORMANCE_MODEL", str(reference.model))
        first = judge(tmp_path, base_url=reference.base_url, tier=Tier.SMOKE, limits=Limits(max_requests=4))
        second = judge(tmp_path, base_url=reference.base_url, resume=True)
    assert (first.status, second.status) == (3, 0)
    assert first.document["exchanges"]["count"] == 4
    probes = Counter(exchange.probe for exchange in read_evidence(tmp_path / "evidence").exchanges)
    assert set(probes.values()) == {1}


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("--base-url", "http://127.0.0.1:9/v1"), "its base_url was"),
        (("--tier", "smoke"), "leave --tier out"),
        (("--only", "error.*"), "leave --only out"),
        (("--replay", "out"), "leave --replay out"),
    ],
)
def test_another_run_is_not_mixed_into_it(killed: Killed, copied: Path, more: tuple[str, ...], sentence: str) -> None:
    status, printed = killed.resume(copied, *more)
    assert status == 2
    assert sentence in printed
    assert printed.count("\n") == 1
    assert not read_evidence(copied / "out" / "evidence").complete


def test_another_model_or_profile_is_not_mixed_into_it(killed: Killed, copied: Path) -> None:
    other = call((*killed.command, "--resume", "out"), copied, **{**killed.environ, "CONFORMANCE_MODEL": "another"})
    assert other.returncode == 2
    assert "its model was" in other.stderr
    other = call((*CLI, "run", "loop-health", "--base-url", killed.reference.base_url, "--resume", "out"), copied)
    assert other.returncode == 2
    assert "holds a run of the profile openai, not loop-health" in other.stderr


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        ({"suite": {"name": "chat-conformance", "version": "0.0.1"}}, "resume it with the version that started it"),
        ({"probes": []}, "holds a run with other probes than would be sent now"),
        (
            {"profile": {"name": "openai", "version": "1", "sha256": "0" * 64}},
            "another version of the document of openai",
        ),
    ],
)
def test_another_suite_does_not_resume_it(killed: Killed, copied: Path, edit: dict[str, Any], sentence: str) -> None:
    path = copied / "out" / "evidence" / "exchanges.jsonl"
    header, *rest = path.read_text().splitlines(keepends=True)
    path.write_text("".join([json.dumps({**json.loads(header), **edit}) + "\n", *rest]))
    status, printed = killed.resume(copied)
    assert (status, sentence in printed) == (2, True), printed


def test_the_embedded_reference_is_not_there_any_more(tmp_path: Path) -> None:
    judge(tmp_path / "out", only=("transport.*",))
    done = call((*CLI, "run", "--base-url", "http://127.0.0.1:9", "--resume", "out"), tmp_path)
    assert done.returncode == 2
    assert "which ended with it; start a new run" in done.stderr


def test_a_target_that_went_away_costs_nothing_that_was_seen(killed: Killed, copied: Path) -> None:
    path = copied / "out" / "evidence" / "exchanges.jsonl"
    header, *rest = path.read_text().splitlines(keepends=True)
    fields = json.loads(header)
    fields["target"]["base_url"] = "http://127.0.0.1:9/v1"
    path.write_text("".join([json.dumps(fields) + "\n", *rest]))
    command = (*CLI, "run", "openai", "--base-url", "http://127.0.0.1:9/v1", "--resume", "out")
    done = call(command, copied, **killed.environ)
    assert done.returncode == 3
    kept = read_evidence(copied / "out" / "evidence").exchanges
    assert len(kept) == len(read_evidence(killed.folder / "out" / "evidence").exchanges)
