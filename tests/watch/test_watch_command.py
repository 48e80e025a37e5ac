"""`watch plan` says what is chosen and why; whatever is wrong with the input is one sentence."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import pytest
from certification import Said, command
from watch_samples import entry, row

from conformance.watch.errors import UNDECIDED, WatchError
from conformance.watch.history import append

TARGET = '[targets.acme]\nbase_url = "http://127.0.0.1:9/v1"\nmodel = "m"\ntier = "smoke"\n'


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFORMANCE_API_KEY", "sk-for-nobody-0123456789")


def watch(tmp_path: Path, text: str, *options: object, of: str = "plan") -> Said:
    file = tmp_path / "watch.toml"
    file.write_text(text, encoding="utf-8")
    status, printed = command("watch", of, file, "--out", tmp_path / "out", *options)
    return status, printed.replace(str(tmp_path), "")


def test_the_plan_says_what_is_chosen_at_which_cost_and_why(tmp_path: Path) -> None:
    status, printed = watch(tmp_path, f"[watch]\nmax_requests = 40\n{TARGET}")
    assert status == 0
    assert printed.startswith("acme, openai: smoke tier, at most ")
    assert "the whole smoke tier fits (budget of a day: 40 requests)" in printed
    assert printed.endswith("Nothing was sent.\n")
    assert not (tmp_path / "out").exists()


def test_a_small_budget_takes_turns_and_the_command_line_overrides_the_file(tmp_path: Path) -> None:
    status, printed = watch(tmp_path, f"[watch]\nmax_requests = 40\n{TARGET}", "--max-requests", 9)
    assert status == 0
    assert "part 1 of " in printed
    assert "budget of a day: 9 requests" in printed


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (TARGET, ("--max-requests", 1), "the budget of 1 request a day is not enough for any requirement"),
        (TARGET, ("--target", "acne"), "'acne' is none of the targets; they are acme."),
        (f"[watch]\nyears = 0\n{TARGET}", (), "/watch.toml:2: years must be more than 0, not 0."),
        (f"[watch]\nrate = 3\n{TARGET}", (), "/watch.toml:2: rate is not a setting of [watch]; it takes max_requests,"),
        (f"[wach]\n{TARGET}", (), "/watch.toml:1: wach is not known here; did you mean watch?"),
        (TARGET.replace("smoke", "load"), (), "the load tier may disturb a deployment in use, and is not watched"),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path: Path, text: str, options: tuple[object, ...], message: str) -> None:
    status, printed = watch(tmp_path, text, *options)
    assert status == 2
    assert message in printed
    assert printed.count("\n") == 1


def test_a_day_that_is_none_and_a_report_of_nothing_are_refused(tmp_path: Path) -> None:
    assert watch(tmp_path, TARGET, "--date", "2026-02-30", of="run")[1].endswith(
        "--date '2026-02-30' is not a day; give one such as 2026-11-29.\n"
    )
    status, printed = command("watch", "report", "--out", tmp_path)
    assert (status, "has no history of a watch" in printed) == (2, True)


def test_a_target_without_its_key_does_not_stop_the_others_and_leaves_no_history(tmp_path: Path) -> None:
    text = TARGET + 'api_key_env = "NOBODY_SET_THIS_KEY"\n'
    status, printed = watch(tmp_path, text, "--date", "2026-11-01", of="run")
    assert status == 2
    assert "acme, openai: " in printed
    assert "NOBODY_SET_THIS_KEY, which is not set" in printed
    assert not list((tmp_path / "out").rglob("history.jsonl"))


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a target's history, which is empty; there are no runs from which an issue could be written."""
    monkeypatch.setattr("conformance.commands.watch._write_issue", lambda *_: None)
    made = tmp_path / "out" / "acme" / "openai"
    made.mkdir(parents=True)
    return made


def test_an_output_that_cannot_be_written_hides_no_drift(tmp_path: Path, history: Path) -> None:
    pytest.importorskip("prometheus_client", reason="needs the extra watch")
    for one in (entry(0), entry(1), entry(2, {"stream.done-once": row(2, 2, 5, 5)})):
        append(history, one)
    quiet = command("watch", "report", "--out", tmp_path / "out")
    (tmp_path / "file").touch()
    status, printed = command("watch", "report", "--out", tmp_path / "out", "--metrics", tmp_path / "file" / "x.prom")
    assert (quiet[0], status) == (1, 1)
    assert "x.prom" in printed
    assert "DRIFT requirement: stream.done-once" in printed


def test_spans_that_nobody_takes_hide_no_drift_and_leave_what_is_well_undecided(
    tmp_path: Path, history: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise WatchError("no span was taken.", UNDECIDED)

    monkeypatch.setattr("conformance.watch.spans.otlp_exporter", Mock)
    monkeypatch.setattr("conformance.watch.spans.export_spans", refuse)
    append(history, entry(0))
    assert command("watch", "report", "--out", tmp_path / "out", "--otlp")[0] == UNDECIDED
    append(history, entry(1, {"stream.done-once": row(2, 2, 5, 5)}))
    status, printed = command("watch", "report", "--out", tmp_path / "out", "--otlp")
    assert status == 1
    assert "no span was taken." in printed
