"""The console tells the verdict, why, each finding, and what to do next; whatever a target sent is only text."""

from __future__ import annotations

import io
from pathlib import Path

import report_sample as sample
from rich.console import Console

from conformance.report import Judgement, Results, build_results, print_summary
from conformance.suite.outcome import Outcome

REPORTS = {"results.json": Path("reports/run/results.json"), "compliance.html": Path("reports/run/compliance.html")}


def printed(results: Results, *, terminal: bool = False, width: int = 100) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=width, color_system="standard" if terminal else None)
    print_summary(
        results,
        sample.exchanges(),
        console,
        curl=sample.curl,
        reports=REPORTS,
        redact=lambda text: text.replace(sample.KEY, "*" * len(sample.KEY)),
    )
    return out.getvalue()


def test_the_verdict_and_its_reasons_come_first() -> None:
    lines = [line for line in printed(sample.sample_results()).splitlines() if line]
    assert lines[0] == "NONCONFORMANT"
    assert lines[1].startswith("5 MUST requirements failed: completion.usage-sum, stream.done-once")


def test_a_finding_shows_requirement_source_expected_actual_place_and_command() -> None:
    text = printed(sample.sample_results())
    block = text[text.index("FAILED  stream.done-once") :].split("\n\n")[0]
    assert "A stream that succeeds has exactly one [DONE] event." in block
    assert "HTML, server-sent events, 9.2.6 Interpreting an event stream" in block
    assert "expected  one event [DONE]" in block
    assert "actual    2 events [DONE]" in block
    assert "exchange  stream/plain#1, event 65, byte 12809, 886 ms" in block
    assert "curl --request POST 'https://api.example.test/v1/chat/completions' \\\n" in block
    assert "$CONFORMANCE_API_KEY" in block


def test_warnings_are_reported_and_counts_stand_in_a_table() -> None:
    text = printed(sample.sample_results())
    assert "WARNING  stream.role-first  (SHOULD)" in text
    rows = [line.split() for line in text.splitlines() if line.strip().startswith(("stream ", "all "))]
    assert rows == [["stream", "2", "1", "1", "3"], ["all", "5", "2", "1", "3", "1", "1", "105"]]


def test_a_green_run_is_short_and_says_where_the_report_is() -> None:
    lines = printed(sample.green_results()).splitlines()
    assert len(lines) < 25
    assert "CONFORMANT" in lines
    assert any("reports/run/compliance.html" in line for line in lines)


def test_without_a_terminal_there_is_no_escape_sequence() -> None:
    text = printed(sample.sample_results())
    assert not {character for character in text if character < " " and character != "\n"}
    assert "\u202e" not in text
    assert "[bold red]rich[/] \\x1b[31mred\\x1b[0m\\x1b]0;title\\x07 \\u202egnirts" in text
    assert ":smile:" in text
    text.encode("utf-8")


def test_on_a_terminal_only_the_suites_own_colours_come_through() -> None:
    text = printed(sample.sample_results(), terminal=True)
    assert "\x1b[1;31mNONCONFORMANT" in text
    assert "\x1b]0;title" not in text
    assert "\\x1b[31mred" in text


def test_a_secret_that_slipped_through_is_taken_out() -> None:
    contract = sample.contract(0)
    results = build_results(contract, (), sample.facts(interrupted=f"the target answered {sample.KEY}"))
    text = printed(results)
    assert sample.KEY not in text
    assert "*" * len(sample.KEY) in text


def test_an_inconclusive_run_lists_what_is_open_and_what_to_do() -> None:
    contract = sample.contract(0)
    text = printed(build_results(contract, (), sample.facts(selection="stream.*")))
    assert "untested     stream.done-once  The run was restricted to stream.*." in text
    assert "Next: run again without the restriction" in text


def test_a_hundred_failures_do_not_flood_the_terminal() -> None:
    contract = sample.contract(200)
    rows = [row for row in contract.requirements if not row.excluded and row.level == "MUST"]
    results = build_results(contract, [Judgement(row, Outcome.FAILED, ("It broke.",)) for row in rows], sample.facts())
    text = printed(results)
    assert text.count("FAILED  ") == 8
    assert f"{len(rows) - 8} more requirements broken:" in text
    assert len(text.splitlines()) < 120
