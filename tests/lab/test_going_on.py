"""A lab that was stopped goes on where it was, with the same program only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance.commands.lab import LabOptions, run_lab
from conformance.lab import kept_results
from conformance.lab.judging import JudgedTarget
from conformance.lab.kept_results import FILE_NAME, KeptResults
from conformance.lab.targets import LabTarget

ONE, OTHER = LabTarget("stream-end.done-missing", "loop-health"), LabTarget("stream-end.twice", "kodexa")
RESULT = JudgedTarget(ONE.id, {"stream.ends": "failed"}, {"stream.ends": "it\u2028ends"}, 7, 1.5, ("a defect",))


def test_what_was_judged_is_known_to_the_next_lab(tmp_path: Path) -> None:
    KeptResults(tmp_path / FILE_NAME).add("loop-health", [RESULT])
    kept = KeptResults(tmp_path / FILE_NAME)
    assert kept.of([ONE, OTHER]) == [("loop-health", RESULT)]
    assert kept.missing([ONE, OTHER]) == [OTHER]


def test_a_result_that_was_cut_is_judged_again(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    KeptResults(path).add("loop-health", [RESULT])
    KeptResults(path).add("kodexa", [JudgedTarget(OTHER.id, {})])
    path.write_bytes(path.read_bytes()[:-9])
    kept = KeptResults(path)
    assert kept.missing([ONE, OTHER]) == [OTHER]
    kept.add("kodexa", [JudgedTarget(OTHER.id, {})])
    assert KeptResults(path).missing([ONE, OTHER]) == []


@pytest.mark.parametrize("text", ["", "{}\n", "[]\n", "not JSON\n", '{"program": "another"}\n{"profile": "kodexa"}\n'])
def test_results_of_another_program_do_not_count(tmp_path: Path, text: str) -> None:
    path = tmp_path / FILE_NAME
    path.write_text(text, encoding="utf-8")
    assert KeptResults(path).missing([ONE]) == [ONE]
    assert "program" in json.loads(path.read_text(encoding="utf-8"))


def test_other_further_faults_begin_again(tmp_path: Path) -> None:
    path, extra = tmp_path / FILE_NAME, tmp_path / "faults.yaml"
    extra.write_text("faults: []\n", encoding="utf-8")
    KeptResults(path, extra).add("loop-health", [RESULT])
    extra.write_text("faults: [] # another\n", encoding="utf-8")
    assert KeptResults(path, extra).missing([ONE]) == [ONE]


@pytest.mark.lab
def test_the_command_judges_only_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stopped = KeptResults.add

    def then_stop(self: KeptResults, profile: str, judged: list[JudgedTarget]) -> None:
        stopped(self, profile, judged)
        raise KeyboardInterrupt

    options = LabOptions(only=("stream-end.done-missing",), out=tmp_path, workers=1)
    monkeypatch.setattr(kept_results.KeptResults, "add", then_stop)
    with pytest.raises(KeyboardInterrupt):
        run_lab(("loop-health",), options)
    monkeypatch.undo()
    before = (tmp_path / FILE_NAME).read_text(encoding="utf-8").count("\n") - 1
    assert run_lab(("loop-health",), options) == 0
    assert f"Going on with {tmp_path}: {before} targets were judged before." in capsys.readouterr().out
    assert not (tmp_path / FILE_NAME).exists()
