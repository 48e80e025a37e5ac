"""What the system does not let a run do: full disks, links in the place of files. Nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from command_line import CLI, call, results

from conformance.evidence import read_evidence
from conformance.report import REPORT_NAMES
from conformance.running.earlier_run import RUN_LOG

resource = pytest.importorskip("resource")
pytestmark = [pytest.mark.network, pytest.mark.process]

SMOKE = (*CLI, "run", "openai", "--tier", "smoke", "--out", "out")
LIMITED = "import os, resource, sys; resource.setrlimit({0}, ({1}, {1})); os.execv(sys.executable, sys.argv[1:])"


def limited(folder: Path, limit: int, most: int) -> subprocess.CompletedProcess[str]:
    """Run the smoke tier where a limit of the system is as low as `most`."""
    return call((sys.executable, "-c", LIMITED.format(limit, most), *SMOKE), folder, PYTHONDONTWRITEBYTECODE="1")


def one_sentence(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stdout + done.stderr
    return done.stderr


def test_a_disk_that_is_full_while_sending_is_named_and_loses_nothing(tmp_path: Path) -> None:
    said = one_sentence(limited(tmp_path, resource.RLIMIT_FSIZE, 12_000))
    assert "out/evidence/exchanges.jsonl: it cannot be written (File too large)" in said
    assert "--resume" in said
    evidence = read_evidence(tmp_path / "out" / "evidence")
    assert not evidence.complete
    assert (tmp_path / "out" / "evidence" / "exchanges.jsonl").read_bytes().endswith(b"}\n")


def test_a_disk_that_is_full_while_reporting_is_named_and_loses_nothing(tmp_path: Path) -> None:
    said = one_sentence(limited(tmp_path, resource.RLIMIT_FSIZE, 100_000))
    assert "cannot be written (File too large); the evidence is kept: make room, then judge it again" in said
    assert said.split(": ")[1].startswith("out/")
    assert not list((tmp_path / "out").glob("*.part")) + list((tmp_path / "out").glob(".*.part"))
    assert read_evidence(tmp_path / "out" / "evidence").complete
    done = call((*CLI, "run", "openai", "--replay", "out", "--out", "out"), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert results(tmp_path / "out")["verdict"] == "conformant"


def test_no_report_is_written_through_a_link(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    names = [name for name in (*REPORT_NAMES, RUN_LOG) if name != "results.json"]
    (tmp_path / "out").mkdir()
    for name in names:
        (tmp_path / "out" / name).symlink_to(victim)
    assert call(SMOKE, tmp_path).returncode == 0
    assert victim.read_text() == "precious"
    assert not [name for name in names if (tmp_path / "out" / name).is_symlink()]


@pytest.mark.parametrize("name", ["evidence", ".lock"])
def test_a_link_in_the_place_of_evidence_or_lock_is_refused(tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).symlink_to(elsewhere)
    if name == "evidence":
        elsewhere.mkdir()
    one_sentence(call(SMOKE, tmp_path))
    assert not elsewhere.is_file()
    assert name != "evidence" or not list(elsewhere.iterdir())
