"""Records and evidence from outside print nothing that acts: on a terminal, in the log of a CI service, in Markdown."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import report_sample as sample
from certification import command

from conformance.quoting import log_line
from conformance.report import Results, write_results
from conformance.report.github import annotation_lines, step_summary
from conformance.report.results import Scope
from conformance.suite.outcome import Outcome

ACTING = (
    "x\n::error::owned\r\n  ::set-env name=A::b\x1b[2J\x1b]0;t\x07\x9b2J\x85\u202e\u2028\u2029\u2066##[error]y"
    "\u200b\ufeff\x00"
)
CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)")
MARKDOWN = f"{ACTING}<script>alert(1)</script> ![i](http://evil/x.png) [a](http://evil) @everyone |`` ` |\n# big"


def hostile(text: str) -> Results:
    """A record with this text in every field that a record from outside can have it in."""
    results = sample.sample_results(3)
    rows = tuple(
        replace(
            row,
            statement=text,
            messages=(text,),
            findings=tuple(replace(one, expected=text, actual=text, exchange=text) for one in row.findings),
            waiver=None if row.waiver is None else replace(row.waiver, owner=text, reason=text),
            lacks=text,
        )
        for row in results.requirements
    )
    return replace(
        results,
        suite_version=text,
        profile=replace(results.profile, name=text, title=text, version=text),
        target=replace(results.target, base_url=f"::{text}", name=text, model=text, server=text),
        reasons=(f"::error::{text}", text),
        requirements=rows,
        waivers=tuple(replace(one, owner=text, reason=text) for one in results.waivers),
        scope=Scope((text,), (text,), (text,)),
        gate=None if results.gate is None else replace(results.gate, reasons=(f"::error::{text}",)),
    )


def nothing_acts(printed: str, *, ours: str = "") -> None:
    """`ours` is how a line begins that is a workflow command of our own."""
    for character in "\r\x00\x07\x1b\x85\x9b\u202e\u2028\u2029\u2066\ufeff":
        assert character not in printed, ascii(character)
    assert "##[" not in printed
    for line in printed.split("\n"):
        assert not line.lstrip().startswith("::") or (ours and line.startswith(ours)), line


@pytest.fixture
def records(tmp_path: Path) -> tuple[Path, Path]:
    old, new = tmp_path / "old", tmp_path / "new"
    results = hostile(ACTING)
    write_results(results, old)
    broken = tuple(
        replace(row, outcome=Outcome.PASSED, waiver=None, findings=()) if row.outcome is Outcome.FAILED else row
        for row in results.requirements
    )
    write_results(replace(results, requirements=broken), new)
    return old, new


def test_diff_prints_nothing_that_acts(records: tuple[Path, Path]) -> None:
    for pair in (records, records[::-1]):
        nothing_acts(command("diff", *pair)[1])
        nothing_acts(command("diff", *pair, "--markdown")[1])
        json.loads(command("diff", *pair, "--json")[1])


def test_profiles_that_differ_are_named_harmlessly(records: tuple[Path, Path], tmp_path: Path) -> None:
    write_results(sample.sample_results(3), tmp_path / "other")
    status, said = command("diff", records[0], tmp_path / "other")
    assert status == 2
    assert said.count("\n") == 1
    nothing_acts(said)


def test_matrix_prints_nothing_that_acts(records: tuple[Path, Path], tmp_path: Path) -> None:
    status, said = command("matrix", *records, "--out", tmp_path / "matrix")
    assert status == 0, said
    nothing_acts(said)


def test_a_badge_shows_nothing_that_acts(records: tuple[Path, Path]) -> None:
    status, said = command("badge", records[0])
    assert status == 0, said
    for name in ("badge.svg", "badge.json"):
        nothing_acts((records[0] / name).read_text("utf-8").replace("##[", ""))


def test_annotations_and_summary_have_no_command_but_ours() -> None:
    results = hostile(MARKDOWN)
    nothing_acts("\n".join(annotation_lines(results)).replace("##[", ""), ours="::")
    commands = [
        line
        for line in annotation_lines(results)
        if not line.startswith(("::error title=", "::warning title=", "::notice title="))
    ]
    assert commands == []
    summary = step_summary(results)
    outside = CODE_SPAN.sub("", summary)
    assert not re.search(r"(?<!\\)<script|(?<!\\)!\[|(?<!\\)\]\(|@everyone|://", outside)
    nothing_acts(summary.replace("##[", ""))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("::error::x", ":\u200b:error::x"),
        ("   ::error::x", "   :\u200b:error::x"),
        ("a ::error::x", "a ::error::x"),
        ("a\n::error::x", "a\\n::error::x"),
        ("x ##[error]y", "x ##\u200b[error]y"),
        ("usual: a text", "usual: a text"),
        ("", ""),
    ],
)
def test_a_line_of_a_log_begins_no_command(text: str, shown: str) -> None:
    assert log_line(text) == shown
