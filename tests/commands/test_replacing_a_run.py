"""`--out` with a run in it says what to do, and `--force` replaces that run and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import CLI, call, results

from conformance.report import REPORT_NAMES
from conformance.running.earlier_run import RUN_LOG, earlier_run, replacing
from conformance.running.ownership import LOCK
from conformance.targets import TargetError

pytestmark = [pytest.mark.network, pytest.mark.process]

SMOKE = (*CLI, "run", "loop-health", "--tier", "smoke", "--out", "out")
EVIDENCE = Path("evidence", "exchanges.jsonl")


def header(name: str = "chat-conformance") -> str:
    return json.dumps({"suite": {"name": name}, "profile": {"name": "openai"}, "started": "2026-11-29T06:30:00+00:00"})


def written(out: Path, *lines: str, **files: str) -> Path:
    """A folder with evidence of these lines, and with other files."""
    (out / "evidence").mkdir(parents=True)
    (out / EVIDENCE).write_text("".join(f"{line}\n" for line in lines))
    for name, text in files.items():
        (out / name.replace("_", ".")).write_text(text)
    return out


FINISHED = (header(), '{"id":"a#1"}', '{"end":true,"count":1,"unsent":{},"interrupted":false}')
STOPPED = FINISHED[:2]


def test_a_finished_run_is_not_overwritten_and_the_refusal_says_what_to_do(tmp_path: Path) -> None:
    assert call(SMOKE, tmp_path).returncode == 0
    before = (tmp_path / "out" / EVIDENCE).read_bytes()
    done = call(SMOKE, tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    started = results(tmp_path / "out")["started"]
    assert done.stderr == (
        f"chat-conformance: out holds an earlier run (loop-health, begun {started}); choose another --out, or give"
        " --force to replace it.\n"
    )
    assert (tmp_path / "out" / EVIDENCE).read_bytes() == before


def test_force_replaces_the_run_and_leaves_other_files_alone(tmp_path: Path) -> None:
    written(tmp_path / "out", *FINISHED, results_json="{}", notes_txt="mine")
    (tmp_path / "out" / "evidence" / "notes.txt").write_text("mine, too")
    done = call((*SMOKE, "--force"), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert results(tmp_path / "out")["profile"]["name"] == "loop-health"
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"
    assert (tmp_path / "out" / "evidence" / "notes.txt").read_text() == "mine, too"
    assert not list((tmp_path / "out").glob(".replaced-*"))


def test_force_has_nothing_to_do_in_a_new_folder(tmp_path: Path) -> None:
    done = call((*SMOKE, "--force"), tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_run_that_never_began_leaves_the_earlier_one_in_its_place(tmp_path: Path) -> None:
    written(tmp_path / "out", *FINISHED, results_json="{}")
    done = call((*SMOKE, "--force", "--baseline", "nowhere.json"), tmp_path)
    assert done.returncode == 2
    assert (tmp_path / "out" / EVIDENCE).read_text().splitlines() == list(FINISHED)
    assert (tmp_path / "out" / "results.json").read_text() == "{}"
    assert not list((tmp_path / "out").glob(".replaced-*"))


def test_a_run_that_reached_nobody_keeps_the_earlier_one_and_says_where(tmp_path: Path) -> None:
    written(tmp_path / "out", *FINISHED)
    nobody = ("--base-url", "http://127.0.0.1:9", "--force")
    done = call((*SMOKE, *nobody), tmp_path, CONFORMANCE_API_KEY="sk-some-key-of-a-test")
    assert done.returncode == 3, done.stderr
    (kept,) = (tmp_path / "out").glob(".replaced-*")
    assert (kept / EVIDENCE).read_text().splitlines() == list(FINISHED)
    assert f"the earlier one is kept in {Path('out', kept.name)}." in done.stderr


def test_a_stopped_run_can_be_taken_up_again_and_the_refusal_says_so(tmp_path: Path) -> None:
    written(tmp_path / "out", *STOPPED)
    done = call(SMOKE, tmp_path)
    assert done.returncode == 2
    assert (
        "an earlier run that was stopped (openai, begun 2026-11-29T06:30:00+00:00); take it up again with"
        in done.stderr
    )
    assert "--resume out, give --force to replace it, or choose another --out." in done.stderr


@pytest.mark.parametrize("line", [header("another"), "{}", "no JSON", "[1]", '{"suite": 7}', ""])
def test_what_is_not_of_a_run_of_ours_is_not_even_replaced_by_force(tmp_path: Path, line: str) -> None:
    written(tmp_path / "out", line)
    done = call((*SMOKE, "--force"), tmp_path)
    assert done.returncode == 2
    assert "is not of an earlier run that can be read" in done.stderr
    assert (tmp_path / "out" / EVIDENCE).read_text() == f"{line}\n"


def test_evidence_behind_a_link_is_not_touched(tmp_path: Path) -> None:
    elsewhere = written(tmp_path / "elsewhere", *FINISHED)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "evidence").symlink_to(elsewhere / "evidence")
    done = call((*SMOKE, "--force"), tmp_path)
    assert done.returncode == 2
    assert (elsewhere / EVIDENCE).exists()


def test_a_new_run_that_was_stopped_keeps_both(tmp_path: Path) -> None:
    out = written(tmp_path / "out", *FINISHED)

    def stopped() -> None:
        with replacing(out):
            (out / EVIDENCE).parent.mkdir(exist_ok=True)
            (out / EVIDENCE).write_text("\n".join(STOPPED) + "\n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    (kept,) = out.glob(".replaced-*")
    assert (kept / EVIDENCE).read_text().splitlines() == list(FINISHED)
    found = earlier_run(out)
    assert found is not None
    assert not found.finished
    with replacing(out):
        (out / EVIDENCE).parent.mkdir(exist_ok=True)
        (out / EVIDENCE).write_text("\n".join(FINISHED) + "\n")
    assert not list(out.glob(".replaced-*"))  # a whole run is there


def test_evidence_of_one_run_and_reports_of_another_are_not_put_together(tmp_path: Path) -> None:
    assert call(SMOKE, tmp_path).returncode == 0
    written(tmp_path / "other", *FINISHED)
    again = (*CLI, "run", "loop-health", "--replay", "out", "--out")
    assert call((*again, "out"), tmp_path).returncode == 0  # its own
    done = call((*again, "other"), tmp_path)
    assert done.returncode == 2
    assert "its evidence is not what is judged again; choose another --out." in done.stderr


def test_the_names_of_what_a_run_writes_are_known(tmp_path: Path) -> None:
    assert call(SMOKE, tmp_path).returncode == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {*REPORT_NAMES, RUN_LOG, LOCK, "evidence"}
    assert [path.name for path in (tmp_path / "out" / "evidence").iterdir()] == ["exchanges.jsonl"]


def test_a_broken_record_alone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text("{")
    with pytest.raises(TargetError, match=r"results\.json is not of an earlier run that can be read"):
        earlier_run(tmp_path)
