"""A reader that leaves early (`chat-conformance … | head -1`) changes nothing of what a command comes to."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from command_line import CLI, environment, results

pytestmark = pytest.mark.process

NOBODY = "http://127.0.0.1:9/v1"


def with_closed_pipe(command: tuple[str, ...], folder: Path, *, both: bool = False) -> tuple[int, str]:
    """The status of a command whose reader has left before the first line, and what it still says as an error."""
    with subprocess.Popen(
        (*CLI, *command),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if both else subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        running.stdout.close()
        printed = "" if running.stderr is None else running.stderr.read()
        return running.wait(60), printed


def test_a_run_has_the_status_of_its_verdict(tmp_path: Path) -> None:
    status, printed = with_closed_pipe(("run", "openai", "--tier", "smoke", "--out", "out"), tmp_path)
    assert (status, printed) == (0, "")
    assert results(tmp_path / "out")["verdict"] == "conformant"


@pytest.mark.parametrize("both", [False, True])
def test_a_run_that_comes_to_nothing_is_no_pass(tmp_path: Path, both: bool) -> None:
    status, printed = with_closed_pipe(("run", "openai", "--base-url", NOBODY, "--out", "out"), tmp_path, both=both)
    assert status == 3
    assert "Traceback" not in printed


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("requirements", "kodexa"), 0),
        (("run", "--plan"), 0),
        (("run", "no-such-profile"), 2),
        (("--help",), 0),
    ],
)
def test_other_commands_keep_their_status(tmp_path: Path, command: tuple[str, ...], expected: int) -> None:
    assert with_closed_pipe(command, tmp_path)[0] == expected
    assert with_closed_pipe(command, tmp_path, both=True)[0] == expected


def test_what_is_heard_stays_as_it_was(tmp_path: Path) -> None:
    heard = subprocess.run(
        (*CLI, "requirements", "kodexa"), cwd=tmp_path, env=environment(), capture_output=True, check=True, timeout=60
    )
    assert heard.stdout.decode("utf-8").count("\n") > 20
    assert heard.stderr == b""
