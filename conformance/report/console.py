"""Prints a run on a terminal or into a log: what is broken, cause by cause, and at the end the verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.report.causes import Cause, causes
from conformance.report.dialect_words import dialect_words
from conformance.report.finding_blocks import (
    STYLES,
    Evidence,
    print_cause,
    print_cause_briefly,
    print_cause_in_full,
    print_rows,
)
from conformance.report.keywords import keyword_totals
from conformance.report.plain_text import headline
from conformance.report.printer import Printer
from conformance.report.quantities import byte_size, counted, duration, listed
from conformance.report.results import GateStatus, RequirementResult, Results
from conformance.report.verdict import is_about_blocked
from conformance.suite.outcome import BROKEN, UNDECIDED, Outcome, Verdict

if TYPE_CHECKING:
    from rich.console import Console

PAGE, RECORD = "compliance.html", "results.json"
_MOST_DETAILED = 8
_MOST_BRIEF = 20
_MOST_LISTED = 30
_MOST_FAILED, _MOST_LENIENT = 25, 5
_VERDICT_STYLES = {
    Verdict.CONFORMANT: "bold green",
    Verdict.NONCONFORMANT: "bold red",
    Verdict.INCONCLUSIVE: "bold yellow",
}
_GATES = {
    Verdict.CONFORMANT: GateStatus.PASSED,
    Verdict.NONCONFORMANT: GateStatus.FAILED,
    Verdict.INCONCLUSIVE: GateStatus.UNDECIDED,
}
"""The gate that follows from a verdict alone."""
_GATE_STYLES = {
    GateStatus.PASSED: "bold green",
    GateStatus.FAILED: "bold red",
    GateStatus.UNDECIDED: "bold yellow",
}


class Detail(StrEnum):
    """How much is printed of a run."""

    QUIET = "quiet"
    """Only the last lines."""
    USUAL = "usual"
    """Each cause once."""
    FULL = "full"
    """Every finding with all its evidence, and every requirement that is undecided."""


def print_summary(
    results: Results,
    evidence: Evidence,
    console: Console,
    *,
    reports: Mapping[str, Path],
    redact: Callable[[str], str] = lambda text: text,
    detail: Detail = Detail.USUAL,
) -> None:
    """Print all but the last lines on a rich console; it is plain text if that is not a terminal.

    `reports` are the files that were written, by name. What a target sent is printed on one line, with control
    characters as escapes, and never as markup. Every line passes through `redact`.
    """
    printer = Printer(console, redact)
    problem = _setup_problem(results)
    if problem is not None:
        _print_problem(problem, results, printer, detail)
        return
    if detail is Detail.QUIET:
        return
    printer.line()
    _print_facts(results, printer, detail)
    # What is new comes before what the baseline knows, and leniency last.
    found = sorted(causes(results), key=lambda one: (one.leniency, all(results.known(row.id) for row in one.rows)))
    _print_causes(found, results, evidence, printer, detail)
    _print_others(results, printer, detail)
    _print_files(reports, printer)
    _print_reasons(results, found, printer)


def print_ending(
    results: Results,
    console: Console,
    *,
    reports: Mapping[str, Path],
    redact: Callable[[str], str] = lambda text: text,
) -> None:
    """Print the last lines: the verdict with its scope, the failed requirements, and where the report is."""
    printer = Printer(console, redact)
    printer.line(results.headline + _other_gate(results), _VERDICT_STYLES[results.verdict])
    failed = _failed(results)
    if failed:
        printer.line(failed, label="Failed")
    judged = _setup_problem(results) is None and results.exchanges.count > 0
    name, label = (PAGE, "Report") if judged else (RECORD, "Record")
    if name in reports:
        printer.line(str(reports[name]), label=label)


def _other_gate(results: Results) -> str:
    """Words on the gate where it differs from the verdict, since it decides the exit status."""
    gate = results.gate
    if gate is None or gate.status is _GATES[results.verdict]:
        return ""
    return "; the gate is undecided" if gate.status is GateStatus.UNDECIDED else f"; the gate {gate.status.value}"


def _setup_problem(results: Results) -> str | None:
    """Why there was nothing to judge, if there was nothing."""
    if results.preflight is None or results.verdict is not Verdict.INCONCLUSIVE:
        return None
    return results.preflight.problem


def _print_problem(problem: str, results: Results, printer: Printer, detail: Detail) -> None:
    printer.line(problem, _VERDICT_STYLES[results.verdict], label="Problem")
    if detail is not Detail.QUIET:
        sent = counted(results.exchanges.count, "request")
        printer.line(f"{sent}, and nothing more; --no-preflight judges all the same", label="Sent")


def _print_facts(results: Results, printer: Printer, detail: Detail) -> None:
    spent = results.exchanges
    printer.line(
        f"{counted(spent.count, 'request')}, {counted(spent.completion_tokens, 'completion token')},"
        f" {byte_size(spent.bytes)} in {duration(results.duration_s)}",
        label="Sent",
    )
    dialect = dialect_words(results.preflight, unusual_only=True)
    if dialect:
        printer.line("; ".join(dialect), label="Dialect")
    judged = _judged(results)
    counts = [f"{sum(row.outcome is one for row in judged)} {one.value}" for one in Outcome]
    rest = len(results.requirements) - len(judged)
    left = [f"{rest} not selected"] if rest else []
    printer.line(", ".join([*(text for text in counts if not text.startswith("0 ")), *left]), label="Outcomes")
    if detail is Detail.FULL:
        _print_keywords(results, printer)
        _print_sections(results, printer)
    printer.line()


def _print_sections(results: Results, printer: Printer) -> None:
    from rich import box  # noqa: PLC0415 - rich costs 50 ms
    from rich.table import Table  # noqa: PLC0415 - the same

    columns = list(results.totals)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_footer=True)
    table.add_column("section", "all", no_wrap=True)
    for outcome in columns:
        table.add_column(
            outcome.value, str(results.totals[outcome]), justify="right", header_style=STYLES[outcome], no_wrap=True
        )
    for section, counts in results.by_section.items():
        table.add_row(section, *(str(counts.get(outcome, 0) or "") for outcome in columns))
    printer.table(table)


def _print_keywords(results: Results, printer: Printer) -> None:
    """Print on one line how much of the request's schema was decided."""
    if not results.keywords:
        return
    parts = [
        f"{aspect} {', '.join(f'{count} {outcome.value}' for outcome, count in counts.items())}"
        for aspect, counts in keyword_totals(results.keywords).items()
    ]
    printer.line(f"{len(results.keywords)} of the request; {'; '.join(parts)}", label="Keywords")


def _print_causes(
    found: Sequence[Cause], results: Results, evidence: Evidence, printer: Printer, detail: Detail
) -> None:
    shown = found if detail is Detail.FULL else found[:_MOST_DETAILED]
    for cause in shown:
        if detail is Detail.FULL:
            print_cause_in_full(cause, evidence, printer, results.known)
        else:
            print_cause(cause, evidence, printer, results.known)
    _print_rest(found[len(shown) :], printer)


def _print_rest(rest: Sequence[Cause], printer: Printer) -> None:
    if not rest:
        return
    printer.line(f"{counted(len(rest), 'more cause')} (-v shows all):")
    for cause in rest[:_MOST_BRIEF]:
        print_cause_briefly(cause, printer)
    if len(rest) > _MOST_BRIEF:
        printer.line(f"… and {len(rest) - _MOST_BRIEF} more")
    printer.line()


def _print_others(results: Results, printer: Printer, detail: Detail) -> None:
    """Print what is waived, and what was judged where that was selected, or is undecided where all is wanted."""
    most = None if detail is Detail.FULL else _MOST_LISTED
    _print_listed("Waived", results.with_outcome(Outcome.WAIVED), printer, most)
    if results.selection is not None:
        rows = [row for row in _judged(results) if row.outcome not in {*BROKEN, Outcome.WAIVED}]
        _print_listed("Judged", rows, printer, most)
    elif detail is Detail.FULL:
        _print_listed("Undecided", results.with_outcome(*UNDECIDED), printer, most)


def _print_listed(title: str, rows: Sequence[RequirementResult], printer: Printer, most: int | None) -> None:
    if not rows:
        return
    printer.line(f"{title}:")
    print_rows([(row, "" if row.outcome is Outcome.PASSED else headline(row)) for row in rows[:most]], printer)
    if most is not None and len(rows) > most:
        printer.line(f"… and {len(rows) - most} more", indent=2)
    printer.line()


def _print_files(reports: Mapping[str, Path], printer: Printer) -> None:
    others = [path for name, path in reports.items() if name != PAGE]
    if others:
        names = [path.name + ("" if path.suffix else "/") for path in others]
        printer.line(f"{', '.join(names)} in {others[0].parent}", label="Files")


def _print_reasons(results: Results, found: Sequence[Cause], printer: Printer) -> None:
    under_causes = {row.id for cause in found for row in cause.blocked}
    told = {row.id for row in results.with_outcome(Outcome.BLOCKED)} <= under_causes
    for reason in results.reasons:
        if not (told and is_about_blocked(reason)):  # each is counted once, under its cause
            printer.line(reason)
    gate = results.gate
    if gate is not None and gate.reasons:
        printer.line(gate.status.value, _GATE_STYLES[gate.status], label="Gate")
        for reason in gate.reasons:
            printer.line(reason)
    advice = _advice(results, found)
    if advice:
        printer.line(advice)


def _judged(results: Results) -> list[RequirementResult]:
    """The requirements that the run was to judge: without those that its restriction leaves out."""
    return [row for row in results.requirements if not results.left_out(row)]


def _failed(results: Results) -> str:
    """The ids of what fails the run, new ones first, leniency apart; empty where nothing does."""
    counted_as_failed = BROKEN if results.strict else {Outcome.FAILED}
    every = [row for cause in causes(results) for row in cause.rows]
    rows = [row for row in every if row.outcome in counted_as_failed and row.scored]
    rows.sort(key=lambda row: results.known(row.id))
    severe = [row.id for row in rows if not row.leniency]
    lenient = [row.id for row in rows if row.leniency]
    parts = [listed(severe, _MOST_FAILED)] if severe else []
    if lenient:
        parts.append(f"leniency: {listed(lenient, _MOST_LENIENT)}")
    return "; ".join(parts)


def _advice(results: Results, found: Sequence[Cause]) -> str:
    if results.verdict is Verdict.NONCONFORMANT:
        first = found[0].fixed_by.id if found else "ID"
        return f"`chat-conformance explain {first}` says why it matters and what breaks it; so does the report."
    if results.verdict is Verdict.CONFORMANT:
        return ""
    if results.interrupted:
        return "Next: take the run up again with --resume; if it ran out of time, give it more with --deadline."
    if results.with_outcome(Outcome.INCONCLUSIVE):
        return "Next: make sure that the target can be reached and is not overloaded, then run again."
    if results.selection:
        return "Next: run again without the restriction for a verdict on the whole contract."
    return "Next: see in the report what was not tested, and why."
