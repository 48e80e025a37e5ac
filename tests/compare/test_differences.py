"""What changed between two runs: the kind of each change, the reason, and the exit status."""

from __future__ import annotations

import datetime
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from comparable_runs import requirement, run_of, waiver
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.commands.diff import show_differences
from conformance.compare import ChangeKind, CompareError, diff_page, differences, render
from conformance.contract.model import Level, Section, Tier
from conformance.report import Omission, ProfileView, Results, TargetView, write_results
from conformance.report.results import Fingerprint
from conformance.shipped import specs_directory
from conformance.suite.outcome import Finding, Outcome

ONE, TWO = ("stream/plain#1", "one [DONE]"), ("stream/usage#1", "one [DONE]")
OTHERWISE = ("stream/plain#1", "no text after [DONE]")
ID = "stream.done-once"
SCHEMA = json.loads((specs_directory() / "diff.schema.json").read_text(encoding="utf-8"))


def row(outcome: Outcome = Outcome.PASSED, *findings: Any, **more: Any) -> Any:
    return requirement(ID, outcome, *findings, **more)


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (row(), row(Outcome.FAILED, ONE), ChangeKind.REGRESSION),
        (row(), row(Outcome.WARNING, ONE), ChangeKind.REGRESSION),
        (row(Outcome.FAILED, ONE), row(Outcome.FAILED, ONE, OTHERWISE), ChangeKind.REGRESSION),
        (row(Outcome.FAILED, ONE), row(Outcome.FAILED, ONE, TWO), ChangeKind.ELSEWHERE),
        (row(Outcome.FAILED, ONE), row(Outcome.FAILED, TWO), ChangeKind.ELSEWHERE),
        (row(Outcome.WARNING, ONE), row(Outcome.WARNING, TWO), ChangeKind.ELSEWHERE),
        (row(Outcome.WAIVED, ONE, waiver=waiver(ID)), row(Outcome.FAILED, ONE), ChangeKind.REGRESSION),
        (row(Outcome.UNTESTED), row(Outcome.FAILED, ONE), ChangeKind.REGRESSION),
        (row(Outcome.FAILED, ONE), row(), ChangeKind.FIX),
        (row(Outcome.FAILED, ONE, TWO), row(Outcome.FAILED, ONE), ChangeKind.FIX),
        (row(), row(Outcome.INCONCLUSIVE), ChangeKind.UNDECIDED),
        (row(Outcome.FAILED, ONE), row(Outcome.UNTESTED), ChangeKind.UNDECIDED),
        (row(Outcome.FAILED, ONE), row(Outcome.WAIVED, ONE, waiver=waiver(ID)), ChangeKind.OTHER),
        (row(), row(Outcome.SKIPPED), ChangeKind.OTHER),
        (row(Outcome.UNTESTED), row(), ChangeKind.OTHER),
        (row(), row(), None),
        (row(Outcome.FAILED, ONE), row(Outcome.FAILED, ("stream/plain#2", "one [DONE]")), None),
        (row(Outcome.INCONCLUSIVE), row(Outcome.UNTESTED), None),
    ],
)
def test_each_change_has_its_kind(before: Any, after: Any, kind: ChangeKind | None) -> None:
    found = differences(run_of(before), run_of(after))
    assert [change.kind for change in found.changes] == ([] if kind is None else [kind])


def test_new_and_gone_requirements_are_reported_with_the_reason() -> None:
    beyond = (Omission(ID, Level.MUST, Section.STREAM, "x", "judged by the exhaustive tier"),)
    small, large = run_of(requirement("error.envelope"), beyond_tier=beyond), run_of(row(Outcome.FAILED, ONE))
    (gone, new) = sorted(differences(small, large).changes, key=lambda change: change.kind)
    assert (gone.id, gone.kind, new.id, new.kind) == ("error.envelope", ChangeKind.GONE, ID, ChangeKind.NEW)
    assert new.why == ("it belongs to the standard tier",)


def test_what_changed_beside_the_answers_is_reported() -> None:
    past = waiver(ID, expires="2026-11-26")
    before = row(Outcome.WAIVED, ONE, waiver=past)
    after = row(Outcome.WARNING, ONE, digest="1" * 64)
    (change,) = differences(run_of(before, waivers=(past,)), run_of(after)).changes
    assert change.why == (
        "the requirement itself was changed",
        "its level was MUST",
        "its waiver by us expired on 2026-11-26",
    )
    (change,) = differences(run_of(row(Outcome.FAILED, ONE)), run_of(replace(before, waiver=waiver(ID)))).changes
    assert change.why == ("it is waived by us until 2999-12-31",)


def test_what_a_release_does_not_score_is_no_regression() -> None:
    found = differences(run_of(row()), run_of(row(Outcome.FAILED, ONE, scored=False)))
    assert [(change.kind, change.why) for change in found.changes] == [
        (ChangeKind.OTHER, ("the release of the newer run does not score it",))
    ]


def test_circumstances_are_reported_in_sentences() -> None:
    old = run_of(row())
    new = replace(
        old,
        suite_version="0.2.0",
        target=TargetView("https://other/v1", model="m"),
        profile=replace(old.profile, sha256="b" * 64),
        tier=Tier.SMOKE,
        waivers=(waiver("stream.*"),),
    )
    assert differences(old, new).circumstances == (
        "The target changed from https://host/v1 to https://other/v1.",
        "The model changed from none to m.",
        "The version of the suite changed from 0.1.0 to 0.2.0.",
        "The profile's document changed from aaaaaaaaaaaa to bbbbbbbbbbbb.",
        "The tier changed from standard to smoke.",
        "Waivers were added or changed: stream.*.",
    )
    assert "Waivers were removed or changed: stream.*." in differences(new, old).circumstances
    assert differences(old, replace(old, started="2027-01-01T00:00:00+00:00")).circumstances == ()


def test_runs_of_two_profiles_are_not_compared() -> None:
    other = replace(run_of(row()), profile=ProfileView("kodexa", "", "1", "a" * 64))
    with pytest.raises(CompareError, match="use matrix to set them side by side"):
        differences(run_of(row()), other)


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        (row(), row(Outcome.FAILED, ONE), 1),
        (row(Outcome.FAILED, ONE), row(), 0),
        (row(Outcome.FAILED, ONE), row(Outcome.FAILED, TWO), 0),
        (row(), row(Outcome.UNTESTED), 3),
    ],
)
def test_the_exit_status_shows_regressions(
    before: Any, after: Any, status: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = run_of(before), run_of(after)
    write_results(old, tmp_path / "old")
    write_results(new, tmp_path / "new")
    new_file = tmp_path / "new" / "results.json"
    for as_json, as_markdown in ((False, False), (True, False), (False, True)):
        assert show_differences(tmp_path / "old", new_file, as_json=as_json, as_markdown=as_markdown) == status
        assert ID in capsys.readouterr().out


def test_the_page_and_the_json_are_written_where_they_are_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_results(run_of(row()), tmp_path / "old")
    write_results(run_of(row(Outcome.FAILED, ONE)), tmp_path / "new")
    out = tmp_path / "out"
    assert show_differences(tmp_path / "old", tmp_path / "new", as_json=True, as_markdown=False, out=out) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out) == json.loads((out / "diff.json").read_text(encoding="utf-8"))
    assert str(out / "diff.html") in printed.err
    assert ID in (out / "diff.html").read_text(encoding="utf-8")


def test_the_json_is_as_its_schema_says() -> None:
    found = differences(run_of(row(), requirement("error.envelope")), run_of(row(Outcome.FAILED, ONE, TWO)))
    document = json.loads(render.as_json(found))
    jsonschema.validate(document, SCHEMA)
    assert document["changes"][0]["new_findings"][1]["exchange"] == "stream/usage#1"


def test_the_text_names_requirement_step_and_finding() -> None:
    text = render.as_text(differences(run_of(row()), run_of(row(Outcome.FAILED, ONE))))
    assert text.startswith("conformant before, nonconformant now: 1 regression, 0 fixes,")
    assert "  stream.done-once  (MUST)  passed → failed\n" in text
    assert "      expected one [DONE], got something else at stream/plain#1\n" in text


def said(text: str) -> Results:
    """A run in which the target has its say wherever it can."""
    finding = Finding(ID, "stream/plain#1", text, text)
    broken = replace(row(Outcome.FAILED, ONE), findings=(finding,), statement=text or "x")
    return run_of(broken, target=TargetView("https://h", model=text, server=text))


HOSTILE = (
    "@someone `code` <img src=x> [link](http://evil) ![i](http://e) | # *b* \n\n- x \x1b[31m \u202e `` --> </details>"
)


def test_markdown_keeps_a_targets_words_in_code_or_escaped() -> None:
    text = render.as_markdown(differences(run_of(row()), said(HOSTILE)))
    assert "\x1b" not in text
    assert "\u202e" not in text
    lines = text.splitlines()
    (statement,) = [line for line in lines if line.startswith("- `stream.done-once`")]
    assert "\\<img" in statement
    assert "@someone" not in statement
    assert "\\!\\[i\\]\\(" in statement
    (quoted,) = [line for line in lines if line.startswith("  - expected ")]
    assert quoted.startswith("  - expected ```@someone")
    assert [line for line in lines if line == "</details>"] == ["</details>"]


@pytest.mark.slow
@settings(deadline=None)
@given(st.text(max_size=80))
def test_no_text_leaves_its_line_or_its_code_span(text: str) -> None:
    found = differences(run_of(row()), said(text))
    plain = render.as_markdown(differences(run_of(row()), said("x")))
    shown = render.as_markdown(found)
    assert shown.count("\n") <= plain.count("\n") + 2  # the model and the server may be left out
    spans = [line for line in shown.splitlines() if line.startswith("  - expected ")]
    for line in spans:
        ticks = line.removeprefix("  - expected ")
        fence = ticks[: len(ticks) - len(ticks.lstrip("`"))]
        assert fence
    jsonschema.validate(json.loads(render.as_json(found)), SCHEMA)
    assert "\x1b" not in render.as_text(found)


@pytest.mark.slow
def test_a_comment_stays_below_the_limit_of_github() -> None:
    many = [
        requirement(f"stream.x{number}", Outcome.FAILED, ("stream/plain#1", "e" * 400), statement="s" * 400)
        for number in range(400)
    ]
    passed = [requirement(one.id) for one in many]
    text = render.as_markdown(differences(run_of(*passed), run_of(*many)))
    assert len(text) < 65_536
    assert "more" in text.splitlines()[-3]


def crowd(count: int, outcome: Outcome, text: str = "x") -> Results:
    finding = Finding(ID, "stream/plain#1", text, text)
    findings = (finding,) * 3 if outcome is Outcome.FAILED else ()
    rows = [
        requirement(f"stream.x{number}", outcome, statement=text, findings=findings, messages=(text,))
        for number in range(count)
    ]
    return run_of(*rows)


def test_a_crowd_of_changes_is_cut_and_the_output_says_so() -> None:
    long = "word " * 1000
    found = differences(crowd(1500, Outcome.PASSED), crowd(1500, Outcome.FAILED, long))
    text, page, document = render.as_text(found), diff_page(found), json.loads(render.as_json(found))
    jsonschema.validate(document, SCHEMA)
    assert "… and 1300 more; --json and --out show up to 1,000" in text
    assert document["cut"] == ["Regressions: the first 1,000 of 1,500 are listed."]
    assert document["cut"][0] in page
    assert len(document["changes"]) == page.count('class="row"') == 1000
    assert len(document["changes"][0]["statement"]) == 2000
    assert len(text) < 400_000
    assert len(page) < 10_000_000


def test_findings_of_a_change_are_cut_and_counted() -> None:
    findings = tuple(Finding(ID, f"stream/{number}#1", "one [DONE]", "none") for number in range(100))
    (change,) = json.loads(render.as_json(differences(run_of(row()), run_of(row(Outcome.FAILED, findings=findings)))))[
        "changes"
    ]
    assert (len(change["new_findings"]), change["more_new_findings"]) == (20, 80)


def test_many_rows_that_one_run_lacks_and_many_waivers_take_no_long_time() -> None:
    count = 5_000
    waivers = tuple(waiver(f"stream.y{number}") for number in range(count))
    beyond = tuple(Omission(f"stream.x{number}", Level.MUST, Section.STREAM, "x", "later") for number in range(count))
    old, new = run_of(row(), beyond_tier=beyond), replace(crowd(count, Outcome.PASSED), waivers=waivers)
    began = time.process_time()
    found = differences(old, new)
    assert len(found.of(ChangeKind.NEW)) == count
    assert time.process_time() - began < 10
    assert found.circumstances[-1].endswith("and 4990 more.")


def test_a_target_with_very_many_traits_does_not_fill_the_screen() -> None:
    traits = {f"trait {number}": "x" * 10_000 for number in range(5000)}
    told = differences(
        replace(run_of(row()), fingerprint=Fingerprint({}, {})),
        replace(run_of(row()), fingerprint=Fingerprint(traits, {})),
    ).circumstances
    assert len(told) == 41
    assert told[-1] == "More than 40 circumstances differ; the rest is in the records."
    assert max(map(len, told)) < 300


def test_a_waiver_is_called_expired_by_the_day_of_the_run() -> None:
    past = waiver(ID, expires="2026-11-27")
    before = row(Outcome.WAIVED, ONE, waiver=past)
    (change,) = differences(run_of(before), run_of(row(Outcome.FAILED, ONE))).changes
    assert change.why == ("its waiver by us is not in force",)
    assert not past.expired(datetime.date(2026, 11, 27))
