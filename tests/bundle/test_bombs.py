"""Whatever a bundle is, verifying it takes no more memory and time than is allowed, and ends in a sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from bombs import BOMBS
from certification import command, verify

from conformance.bundle import BundleError
from conformance.bundle.confinement import Bounds, confined
from conformance.commands.verify import verify_bundle

pytestmark = [pytest.mark.network, pytest.mark.process, pytest.mark.slow]

MOST_MEMORY = 270
"""MiB of the largest process: 236 of data, and the code and libraries beside it."""
CLI = [sys.executable, "-c", "import sys; from conformance.cli import main; sys.exit(main())"]
WAITING = """
import os, sys
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(child, 0)
print(os.waitstatus_to_exitcode(status), used.ru_maxrss / 1024, used.ru_utime + used.ru_stime)
"""


def measured(*arguments: object) -> tuple[int, str, float, float]:
    """Exit status, what was printed, the memory of the largest process in MiB, and processor time in seconds."""
    # A process of its own waits for it: what is started from here counts the memory of this one as its own.
    command = [sys.executable, "-c", WAITING, *CLI, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
    said, _, figures = done.stdout.rstrip("\n").rpartition("\n")
    status, memory, seconds = map(float, figures.split())
    return int(status), f"{said}\n", memory, seconds


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_within_the_bounds(name: str, plain: Path, tmp_path: Path) -> None:
    bundle = BOMBS[name](plain, tmp_path / "bomb.zip")
    status, said, memory, _ = measured("verify", bundle)
    assert status == 1, said
    assert said.count("\n") == 1, said
    assert memory < MOST_MEMORY


def test_an_untouched_bundle_holds_within_the_bounds(plain: Path) -> None:
    status, said = verify(plain)
    assert status == 0, said


@pytest.mark.parametrize("memory", [16, 32, 44])
def test_what_takes_more_memory_than_it_may_is_refused(
    memory: int, plain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify_bundle(plain, None, bounds=Bounds(memory=memory)) == 1
    said = capsys.readouterr().out
    assert f"judging it takes more than {memory} MiB of memory, or 30 s of processor time; if you trust" in said
    assert said.count("\n") == 1


def test_what_takes_more_time_than_it_may_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = command("run", "openai", "--out", tmp_path / "out", "--bundle", tmp_path / "run.zip")
    assert status == 0, said
    bounds = Bounds(seconds=1)
    assert verify_bundle(tmp_path / "run.zip", None, bounds=bounds.less(0.6)) == 1
    assert "or 1 s of processor time" in capsys.readouterr().out


def test_a_module_beside_the_bundle_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('run')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises((BundleError, RuntimeError)) as ended:
        confined("conformance.bundle.checking", {"part": "none"}, Bounds())
    assert "run" not in str(ended.value).split()
