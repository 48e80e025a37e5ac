"""What is left out for want of a program is said in one line, with how to include it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from programs import PROGRAMS, Program, left_out, missing

HERE = Program("here", "it is here", lambda: True)
GONE = Program("Gone 3", "apt-get install gone", lambda: False)
ROOT = Path(__file__).parents[2]


def test_a_program_is_missing_where_it_is_not_present() -> None:
    assert missing({"here": HERE, "gone": GONE}) == {"gone": GONE}


def test_nothing_is_said_where_nothing_is_left_out() -> None:
    assert left_out([], {"gone": GONE}) is None
    assert left_out(["Skipped: only on Windows"], {"gone": GONE}) is None


def test_one_line_says_what_is_left_out_and_how_to_include_it() -> None:
    reasons = [GONE.reason, f"Skipped: {GONE.reason}", HERE.reason, "only on Windows"]
    assert left_out(reasons, {"here": HERE, "gone": GONE}) == (
        "Left out 3 tests: 1 need here (it is here), 2 need Gone 3 (apt-get install gone)."
        " Install these to run all tests."
    )


@pytest.mark.process
def test_a_run_of_the_tests_without_programs_says_so_and_fails_only_where_all_are_required(tmp_path: Path) -> None:
    file = "tests/pages/test_matrix_in_a_browser.py"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", file, "tests/wire/test_tls_version.py"]
    environment = {**os.environ, "PATH": str(tmp_path)}

    left = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert left.returncode == 0, left.stdout
    line, closing = left.stdout.splitlines()[-2:]
    browser, openssl = PROGRAMS["browser"], PROGRAMS["openssl"]
    assert line.startswith("Left out ")
    assert f" need {browser.name} ({browser.install}), 1 need {openssl.name} ({openssl.install})." in line
    assert "skipped" in closing

    command.append("--require-all-programs")
    refused = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"the tests need {browser.name}: {browser.install}" in refused.stderr
