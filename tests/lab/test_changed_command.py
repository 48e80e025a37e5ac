"""`lab --changed REV` in a git checkout: judges the controls, and the faults that depend on what changed since REV."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = [pytest.mark.process, pytest.mark.lab]

CHECKOUT = Path(__file__).parents[2]
ROWS = "conformance/reference/faults/rows"
NUMBERS = re.compile(r"Judging (\d+) of (\d+) faults and (\d+) of (\d+) allowed variations: since HEAD, (.*) changed\.")


@dataclass(frozen=True)
class Scratch:
    """A git checkout of the program in a folder of its own."""

    root: Path

    def git(self, *arguments: str) -> str:
        identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@localhost"}
        identity |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in identity.items()}
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.root), "GIT_CONFIG_NOSYSTEM": "1", **identity}
        command = ["git", "-C", str(self.root), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.root / path
        text = file.read_text(encoding="utf-8")
        assert old in text, path
        file.write_text(text.replace(old, new, 1), encoding="utf-8")

    def lab(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The lab of the scratch checkout; another tool judges, which finds nothing and takes no time."""
        command = [sys.executable, "-m", "conformance.cli", "lab", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(self.root)}
        return subprocess.run(command, cwd=self.root, env=environment, capture_output=True, check=False, text=True)

    def selected(self, *arguments: str) -> str:
        """The line that says what was selected of the faults of loop-health, and why."""
        done = self.lab("loop-health", *arguments, "--suite-command", "true", "--workers", "4")
        assert done.returncode in (0, 1), done.stderr
        return done.stdout.splitlines()[0]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    root = tmp_path_factory.mktemp("checkout")
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("conformance", "specs"):
        shutil.copytree(CHECKOUT / name, root / name, ignore=ignored)
    (root / ".gitignore").write_text("__pycache__/\n", encoding="utf-8")
    scratch = Scratch(root)
    scratch.git("init", "--quiet")
    scratch.git("add", ".")
    scratch.git("commit", "--quiet", "-m", "before")
    return scratch


@pytest.fixture
def scratch(checkout: Scratch) -> Scratch:
    """The scratch checkout as it was committed."""
    checkout.git("reset", "--hard", "--quiet")
    checkout.git("clean", "-dfq")
    return checkout


def test_without_a_change_only_the_controls_are_judged(scratch: Scratch) -> None:
    line = scratch.selected("--changed", "HEAD")
    assert line == "Judging only the controls: nothing that a fault depends on changed since HEAD."


def test_changes_of_words_and_reports_select_no_fault(scratch: Scratch) -> None:
    scratch.edit(f"{ROWS}/variations.yaml", "about: ", "about: In other words, ")
    scratch.edit("specs/requirements/error.yaml", "  fix: ", "  fix: In other words, ")
    scratch.edit("specs/keyword-explanations.yaml", "\n", "\n# a comment\n")
    scratch.edit("specs/unseen-reports.yaml", "\n", "\n# a comment\n")
    scratch.edit("conformance/report/console.py", '"""', '"""In other words: ')
    assert scratch.selected("--changed", "HEAD").startswith("Judging only the controls")


def _numbers(line: str) -> re.Match[str]:
    found = NUMBERS.fullmatch(line)
    assert found is not None, line
    return found


def test_a_changed_row_selects_its_fault(scratch: Scratch) -> None:
    scratch.edit(f"{ROWS}/framing.yaml", "{events.drop: {of: done}}", "{events.drop: {of: last events}}")
    scratch.edit(f"{ROWS}/variations.yaml", '"data:"', '"data:\\t"')
    found = _numbers(scratch.selected("--changed", "HEAD"))
    assert found.group(1, 3, 5) == ("1", "1", "rows of framing.yaml, rows of variations.yaml")


def test_a_row_that_moves_to_another_file_is_not_changed(scratch: Scratch) -> None:
    (scratch.root / ROWS / "refusals.yaml").rename(scratch.root / ROWS / "refused.yaml")
    assert scratch.selected("--changed", "HEAD").startswith("Judging only the controls")


def test_a_changed_requirement_selects_the_faults_that_concern_it(scratch: Scratch) -> None:
    scratch.edit("specs/requirements/stream.yaml", "tier: smoke\n", "tier: standard\n")
    found = _numbers(scratch.selected("--changed", "HEAD", "--only", "stream-*", "--only", "head-line.*"))
    assert 0 < int(found[1]) <= int(found[2])
    assert found[5] == "requirements of stream.yaml"


def test_a_changed_module_of_tests_selects_what_it_judges(scratch: Scratch) -> None:
    scratch.edit("conformance/suite/test_tolerance.py", '"""', '"""In other words: ')
    found = _numbers(scratch.selected("--changed", "HEAD", "--only", "refusal.c*", "--only", "stream-end.done-*"))
    assert 0 < int(found[1]) < int(found[2])
    assert found[5] == "tests of suite/test_tolerance.py"


def test_a_changed_module_of_probes_selects_what_looks_at_them(scratch: Scratch) -> None:
    scratch.edit("conformance/probes/access.py", '"""', '"""In other words: ')
    found = _numbers(scratch.selected("--changed", "HEAD", "--only", "access.open-*", "--only", "stream-end.done-*"))
    assert 0 < int(found[1]) < int(found[2])
    assert found[5] == "probes of probes/access.py"


def test_a_changed_keyword_selects_the_faults_of_its_requirement(scratch: Scratch) -> None:
    scratch.edit("specs/profiles/loop-health/openapi.yaml", "maximum: 2\n", "maximum: 3\n")
    found = _numbers(
        scratch.selected("--changed", "HEAD", "--only", "*request.temperature.*", "--only", "stream-end.*")
    )
    assert 0 < int(found[1]) < int(found[2])
    assert found[5] == "keywords of loop-health"


def test_a_change_that_may_matter_everywhere_selects_everything(scratch: Scratch) -> None:
    paths = ["probes/request_body.py", "reference/app.py", "suite/expect.py", "wire/tap.py"]
    for path in paths:
        scratch.edit(f"conformance/{path}", '"""', '"""In other words: ')
    line = scratch.selected("--changed", "HEAD", "--only", "head-line.*", "--only", "stream-end.done-*")
    listed = ", ".join(f"conformance/{path}" for path in paths)
    assert re.fullmatch(
        rf"Judging all \d+ faults and \d+ .*: since HEAD, {re.escape(listed)} changed, on which .*", line
    )


def test_a_new_file_counts_as_changed(scratch: Scratch) -> None:
    (scratch.root / "conformance/reading/more.py").write_text('"""More."""\n', encoding="utf-8")
    line = scratch.selected("--changed", "HEAD", "--only", "stream-end.done-*")
    assert "conformance/reading/more.py changed" in line


def test_the_kill_matrix_of_some_faults_is_partial(scratch: Scratch, tmp_path: Path) -> None:
    scratch.edit(f"{ROWS}/framing.yaml", "{events.drop: {of: done}}", "{events.drop: {of: last events}}")
    done = scratch.lab("loop-health", "--changed", "HEAD", "--workers", "1", "--out", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    matrix = json.loads((tmp_path / "loop-health" / "kill-matrix.json").read_text(encoding="utf-8"))
    assert matrix["partial"] is True
    assert [target["id"] for target in matrix["targets"] if target["kind"] != "control"] == ["stream-end.done-missing"]


def test_an_unknown_revision_is_refused_in_one_sentence(scratch: Scratch) -> None:
    for revision in ("nowhere", "--output=x"):
        done = scratch.lab("loop-health", f"--changed={revision}")
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
        assert f"{revision!r} is not a revision of the checkout" in done.stderr


def test_outside_of_a_git_checkout_it_is_refused_in_one_sentence(scratch: Scratch, tmp_path: Path) -> None:
    for name in ("conformance", "specs"):
        shutil.copytree(scratch.root / name, tmp_path / name)
    done = Scratch(tmp_path).lab("loop-health", "--changed", "HEAD")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "needs a git checkout of chat-conformance" in done.stderr


def test_it_cannot_be_combined_with_accepting_effects(scratch: Scratch) -> None:
    done = scratch.lab("--changed", "HEAD", "--accept")
    assert done.returncode == 2
    assert "leave --changed out" in done.stderr
