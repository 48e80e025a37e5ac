"""`issue`: from the folder of a run to an issue for a tracker, or one sentence on why there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from certification import at, command
from certifying import Certifying

from conformance.lab.targets import contract_of, targets_of
from conformance.reference import EmbeddedReference

pytestmark = pytest.mark.network


def test_a_finding_of_a_run_becomes_an_issue_without_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = next(one for one in targets_of("openai") if one.id == "stream-end.done-missing")
    deployment = EmbeddedReference("openai", hooks=fault.hooks, contract=contract_of("openai"))
    status, said = at(deployment, "openai", "--tier", "smoke", "--out", tmp_path / "run")
    assert status == 1, said
    monkeypatch.setenv("ACME_TOKEN", "reference-echo")  # what the target sends in each answer, as if it were a key
    file = tmp_path / "issue.md"
    status, said = command("issue", tmp_path / "run", "--requirement", "stream.done-once", "--out", file)
    assert status == 0, said
    text = file.read_text(encoding="utf-8")
    assert "- Came: `a stream that ends without it`" in text
    assert '-H "Authorization: Bearer $CONFORMANCE_API_KEY"' in text
    assert "< data: {" in text
    assert "reference-echo" not in text


@pytest.mark.parametrize(
    ("requirement", "problem"),
    [
        ("stream.done-once", "stream.done-once is passed in this run, so there is nothing to report."),
        ("stream.done-twice", "Did you mean stream.done-once"),
    ],
)
def test_what_there_is_no_issue_about(requirement: str, problem: str, certifying: Certifying) -> None:
    status, said = command("issue", certifying.folder / "out-0", "--requirement", requirement)
    assert status == 2
    assert problem in said
    assert said.count("\n") == 1


def test_what_is_no_run(tmp_path: Path) -> None:
    for path, problem in ((tmp_path / "no", "is not a folder"), (tmp_path, "results.json")):
        status, said = command("issue", path, "--requirement", "stream.done-once")
        assert status == 2
        assert problem in said
