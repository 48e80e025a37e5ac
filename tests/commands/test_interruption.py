"""Ctrl-C: what was seen is judged and kept, and the verdict is inconclusive."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest
from command_line import CLI, results, start, wait_for_lines
from deployments import Answer, http_deployment

from conformance.evidence import read_evidence
from conformance.reference import EmbeddedReference

pytestmark = [pytest.mark.network, pytest.mark.process]


def test_ctrl_c_judges_what_was_seen(tmp_path: Path) -> None:
    with EmbeddedReference("openai", latency=0.5) as reference:
        environ = {"CONFORMANCE_API_KEY": reference.api_key, "CONFORMANCE_MODEL": reference.model}
        target = ("--base-url", reference.base_url, "--concurrency", "2", "--out", "out")
        only = ("--only", "completion.*", "--only", "error.*")
        with start((*CLI, "run", "openai", *target, *only), tmp_path, **environ) as running:
            wait_for_lines(tmp_path / "out" / "evidence" / "exchanges.jsonl", 4)
            os.kill(running.pid, signal.SIGINT)
            out, err = running.communicate(timeout=30)
    assert running.returncode == 3, out + err
    assert "Traceback" not in out + err
    assert "Inconclusive: openai, standard tier" in out
    assert "take the run up again with --resume" in out
    assert "can be reached" not in out
    evidence = read_evidence(tmp_path / "out" / "evidence")
    assert evidence.interrupted
    assert len(evidence.exchanges) >= 3
    document = results(tmp_path / "out")
    assert document["verdict"] == "inconclusive"
    assert any("interrupted" in reason for reason in document["reasons"])
    outcomes = [row["outcome"] for row in document["requirements"]]
    assert "passed" in outcomes
    assert "untested" in outcomes
    assert "failed" not in outcomes


def test_ctrl_c_before_the_first_answer_judges_nothing_as_passed(tmp_path: Path) -> None:
    asked, leave = threading.Event(), threading.Event()

    def never(_: dict[str, str], __: bytes) -> Answer:
        asked.set()
        leave.wait(30)
        return 200, {}, b"{}"

    with http_deployment(never) as url:
        with start((*CLI, "run", "openai", "--base-url", url, "--out", "out"), tmp_path) as running:
            assert asked.wait(30)
            os.kill(running.pid, signal.SIGINT)
            out, err = running.communicate(timeout=30)
        leave.set()
    assert running.returncode == 3, out + err
    assert "Traceback" not in out + err
    document = results(tmp_path / "out")
    assert document["verdict"] == "inconclusive"
    assert "passed" not in {row["outcome"] for row in document["requirements"]}
