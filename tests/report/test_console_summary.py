"""The console tells what is broken by cause, and last the verdict; whatever a target sent is only text."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import report_sample as sample
from rich.console import Console

from conformance.report import Detail, Judgement, Results, build_results, print_ending, print_summary
from conformance.report.finding_blocks import evidence_of
from conformance.report.results import AgainstBaseline, Gate, GateStatus, Preflight
from conformance.suite.outcome import Finding, Outcome
from conformance.wire.exchange import Exchange

REPORTS = {"results.json": Path("reports/run/results.json"), "compliance.html": Path("reports/run/compliance.html")}


def printed(
    results: Results, *, terminal: bool = False, detail: Detail = Detail.USUAL, seen: Sequence[Exchange] | None = None
) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=100, color_system="standard" if terminal else None)
    evidence = evidence_of(sample.exchanges() if seen is None else seen, sample.curl)

    def redact(text: str) -> str:
        return text.replace(sample.KEY, "*" * len(sample.KEY))

    print_summary(results, evidence, console, reports=REPORTS, redact=redact, detail=detail)
    print_ending(results, console, reports=REPORTS, redact=redact)
    return out.getvalue()


def blocks(text: str) -> list[list[str]]:
    """The paragraphs that begin with an outcome in capitals."""
    paragraphs = [part.splitlines() for part in text.split("\n\n")]
    return [lines for lines in paragraphs if lines and lines[0].split(" ")[0] in {"FAILED", "WARNING"}]


def with_rows(*judgements: Judgement, **facts: object) -> Results:
    """A run in which all passed but for these."""
    source = sample.contract()
    known = {one.requirement.id for one in judgements}
    rows = [row for row in source.requirements if row.excluded is None and row.tier == "standard"]
    passed = [Judgement(row, Outcome.PASSED) for row in rows if row.id not in known]
    return build_results(source, [*passed, *judgements], sample.facts(waivers=(), **facts))


def broken(row_id: str, exchange: str, expected: str, actual: str, **more: object) -> Judgement:
    row = sample.contract().requirement(row_id)
    assert row is not None
    finding = Finding(row_id, exchange, expected, actual)
    outcome = Outcome.FAILED if row.level == "MUST" else Outcome.WARNING
    return Judgement(row, outcome, (f"{exchange}: expected {expected}",), (exchange,), (finding,), **more)  # type: ignore[arg-type]


def test_the_last_lines_are_the_verdict_the_failed_ids_and_the_report() -> None:
    lines = printed(sample.sample_results()).splitlines()
    assert lines[-3] == "Nonconformant: kodexa, standard tier"
    assert lines[-2] == (
        "Failed    completion.usage-sum, stream.done-once, stream.id-constant, error.envelope and"
        " request.temperature.maximum"
    )
    assert lines[-1] == "Report    reports/run/compliance.html"


def test_the_reasons_stand_right_before() -> None:
    lines = printed(sample.sample_results()).splitlines()
    assert any(
        line.startswith("5 MUST requirements failed: completion.usage-sum, stream.done-once") for line in lines[-9:]
    )


def test_quiet_is_the_last_lines_only() -> None:
    results = sample.sample_results()
    assert printed(results, detail=Detail.QUIET).splitlines() == printed(results).splitlines()[-3:]


def test_a_finding_is_at_most_twelve_lines_with_what_it_takes() -> None:
    found = blocks(printed(sample.sample_results()))
    assert max(map(len, found)) <= 12
    block = "\n".join(next(lines for lines in found if "stream.done-once" in lines[0]))
    assert block.startswith("FAILED   stream.done-once (MUST): A stream that succeeds has exactly one [DONE] event.")
    assert "expected  one event [DONE]" in block
    assert "actual    2 events [DONE]" in block
    assert "exchange  stream/plain#1, event 65, byte 12809, 886 ms" in block
    assert "fix       Write `data: [DONE]` once" in block
    assert block.count("curl --request POST 'https://api.example.test/v1/chat/completions' \\\n") == 1
    assert "$CONFORMANCE_API_KEY" in block


def test_every_finding_and_its_events_are_there_where_all_is_wanted() -> None:
    text = printed(sample.sample_results(), detail=Detail.FULL)
    assert "HTML, server-sent events, 9.2.6 Interpreting an event stream" in text
    assert "byte 12809" in text
    assert "^ stream.done-once: 2 events [DONE]" in text
    assert "WARNING  stream.role-first (SHOULD)" in text
    rows = [line.split() for line in text.splitlines() if line.strip().startswith(("stream ", "all "))]
    assert rows == [["stream", "2", "1", "1", "3"], ["all", "5", "2", "1", "3", "1", "1", "105"]]


def test_requirements_of_one_cause_are_one_finding() -> None:
    served = "status 200 with the body '{}'"
    results = with_rows(
        *(
            broken(row_id, f"{row_id}/enforced/above#1", "a refusal (400) of a request", served, leniency=True)
            for row_id in ("request.n.maximum", "request.temperature.maximum", "request.top_p.minimum")
        ),
        broken("stream.done-once", "stream/plain#1", "[DONE] as the last event", "a stream that ends without it"),
    )
    first, second = blocks(printed(results))
    assert first[0].startswith("FAILED   stream.done-once (MUST)")
    assert second[0] == "FAILED   3 requirements: values that the schema forbids are served"
    assert second[1] == "  request.temperature.maximum, request.n.maximum and request.top_p.minimum"
    assert printed(results).splitlines()[-2] == (
        "Failed    stream.done-once; leniency: request.temperature.maximum, request.n.maximum and request.top_p.minimum"
    )


def test_what_is_blocked_is_counted_once_under_its_cause() -> None:
    source = sample.contract()
    behind = [source.requirement(one) for one in ("stream.done-last", "stream.finish-once")]
    blocked = [
        Judgement(row, Outcome.BLOCKED, ("no stream",), blocked_by="stream.done-once")
        for row in behind
        if row is not None
    ]
    text = printed(with_rows(broken("stream.done-once", "stream/plain#1", "a stream", "none"), *blocked))
    assert "  blocks    2 requirements that cannot be seen: stream.done-last and stream.finish-once\n" in text
    assert text.count("stream.done-last") == 1


def test_what_the_baseline_knows_comes_after_what_is_new() -> None:
    results = replace(
        with_rows(
            broken("completion.usage-sum", "completion/plain#1", "21", "20"),
            broken("stream.done-once", "stream/plain#1", "one", "two"),
        ),
        baseline=AgainstBaseline("2026-03-01T00:00:00Z", "https://x", known=("completion.usage-sum",)),
    )
    text = printed(results)
    first, second = blocks(text)
    assert "stream.done-once (MUST)" in first[0]
    assert "completion.usage-sum (MUST, in the baseline)" in second[0]
    assert text.splitlines()[-2] == "Failed    stream.done-once and completion.usage-sum"


def test_a_gate_that_differs_from_the_verdict_is_named_beside_it() -> None:
    results = replace(sample.sample_results(), gate=Gate(GateStatus.PASSED, ("All findings are in the baseline.",)))
    lines = printed(results).splitlines()
    assert lines[-3] == "Nonconformant: kodexa, standard tier; the gate passed"
    assert "All findings are in the baseline." in lines
    failed = replace(results, gate=Gate(GateStatus.FAILED))
    assert printed(failed).splitlines()[-3] == "Nonconformant: kodexa, standard tier"


def test_a_green_run_is_short_and_says_where_the_report_is() -> None:
    lines = printed(sample.green_results()).splitlines()
    assert len(lines) < 10
    assert lines[-2:] == ["Conformant: kodexa, standard tier", "Report    reports/run/compliance.html"]


def test_a_setup_that_cannot_be_judged_is_one_sentence() -> None:
    problem = (
        'https://api.example.test answered the smallest valid request with 401 "bad key": set CONFORMANCE_API_KEY.'
    )
    results = build_results(sample.contract(), (), sample.facts(preflight=Preflight(1, "max_tokens", problem=problem)))
    lines = printed(results).splitlines()
    assert lines == [
        f"Problem   {problem}",
        "Sent      87 requests, and nothing more; --no-preflight judges all the same",
        "Inconclusive: kodexa, standard tier",
        "Record    reports/run/results.json",
    ]


def test_what_the_preflight_found_out_is_one_line_where_it_is_unusual() -> None:
    found = Preflight(3, "max_completion_tokens", 16, 512, ("max_tokens", "n"), (("temperature", "top_p"),))
    text = printed(replace(sample.green_results(), preflight=found))
    assert (
        "Dialect   tokens are limited by `max_completion_tokens`; limits are at least 16;"
        " 512 tokens are added to limits,"
        " for a model that thinks first; `max_tokens` and `n` refused; `temperature` and `top_p` refused together\n"
    ) in text
    assert "Dialect" not in printed(replace(sample.green_results(), preflight=Preflight(3, "max_tokens")))


def test_without_a_terminal_there_is_no_escape_sequence() -> None:
    text = printed(sample.sample_results(), detail=Detail.FULL)
    assert not {character for character in text if character < " " and character != "\n"}
    assert "\u202e" not in text
    assert "[bold red]rich[/] \\x1b[31mred\\x1b[0m\\x1b]0;title\\x07 \\u202egnirts" in text
    assert ":smile:" in text
    text.encode("utf-8")


def test_on_a_terminal_only_the_suites_own_colours_come_through() -> None:
    text = printed(sample.sample_results(), terminal=True, detail=Detail.FULL)
    assert "\x1b[1;31mNonconformant" in text
    assert "\x1b]0;title" not in text
    assert "\\x1b[31mred" in text


def test_a_secret_that_slipped_through_is_taken_out() -> None:
    contract = sample.contract(0)
    results = build_results(contract, (), sample.facts(interrupted=f"the target answered {sample.KEY}"))
    text = printed(results)
    assert sample.KEY not in text
    assert "*" * len(sample.KEY) in text


def test_a_restricted_run_lists_what_was_judged_and_not_what_it_left_out() -> None:
    source = sample.contract()
    row = source.requirement("stream.done-once")
    assert row is not None
    results = build_results(source, [Judgement(row, Outcome.PASSED)], sample.facts(selection="stream.done-*"))
    text = printed(results)
    assert "Judged:\n  passed       stream.done-once\n" in text
    assert f"Outcomes  1 passed, {len(results.requirements) - 1} not selected\n" in text
    assert "stream.finish-once" not in text
    assert "Next: run again without the restriction" in text


def test_what_is_undecided_is_listed_where_all_is_wanted() -> None:
    source = sample.contract(0)
    row = source.requirement("stream.done-once")
    assert row is not None
    judged = [Judgement(row, Outcome.INCONCLUSIVE, ("429 to everything",))]
    text = printed(build_results(source, judged, sample.facts()), detail=Detail.FULL)
    assert "inconclusive stream.done-once  429 to everything" in text


def test_a_hundred_failures_do_not_flood_the_terminal() -> None:
    contract = sample.contract(200)
    rows = [row for row in contract.requirements if not row.excluded and row.level == "MUST"]
    results = build_results(contract, [Judgement(row, Outcome.FAILED, ("It broke.",)) for row in rows], sample.facts())
    lines = printed(results).splitlines()
    assert f"{len(rows) - 8} more causes (-v shows all):" in lines
    assert len(lines) < 80
    assert lines[-2].endswith(f" and {len(rows) - 25} more")
    assert sum(line.startswith("FAILED ") for line in printed(results, detail=Detail.FULL).splitlines()) == len(rows)
