"""Prints the summary of a run: the verdict and its reasons, the counts, each finding, and what to do next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.quoting import one_line
from conformance.report.exchange_view import Curl, Timeline, is_stream, reads_timeline, shown_command, wire_trace
from conformance.report.keywords import keyword_totals
from conformance.report.plain_text import headline
from conformance.report.quantities import byte_size, counted, duration
from conformance.report.results import GateStatus, RequirementResult, Results
from conformance.suite.outcome import UNDECIDED, Finding, Outcome, Verdict

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from conformance.wire.exchange import Exchange

_MOST_DETAILED = 8
_MOST_LISTED = 30
_MOST_FINDINGS = 3
_LONGEST = 600
_LONGEST_CURL = 1500
_LONGEST_TRACED = 160
_STYLES = {
    Outcome.FAILED: "bold red",
    Outcome.WARNING: "yellow",
    Outcome.WAIVED: "magenta",
    Outcome.BLOCKED: "cyan",
    Outcome.INCONCLUSIVE: "cyan",
    Outcome.UNTESTED: "cyan",
    Outcome.SKIPPED: "dim",
    Outcome.PASSED: "green",
}
_VERDICT_STYLES = {
    Verdict.CONFORMANT: "bold green",
    Verdict.NONCONFORMANT: "bold red",
    Verdict.INCONCLUSIVE: "bold yellow",
}


_GATE_STYLES = {
    GateStatus.PASSED: "bold green",
    GateStatus.FAILED: "bold red",
    GateStatus.UNDECIDED: "bold yellow",
}


def print_summary(
    results: Results,
    exchanges: Iterable[Exchange],
    console: Console,
    *,
    curl: Curl,
    reports: Mapping[str, Path],
    timeline: Timeline = reads_timeline,
    redact: Callable[[str], str] = lambda text: text,
) -> None:
    """Print the summary on a rich console; it is plain text if that is not a terminal.

    `reports` are the files that were written, by name. What a target sent is printed on one line, with control
    characters as escapes, and never as markup. Every line passes through `redact`.
    """
    printer = _Printer(console, redact)
    _print_verdict(results, printer)
    _print_counts(results, printer)
    _print_keywords(results, printer)
    _print_broken(results, _Evidence({exchange.id: exchange for exchange in exchanges}, curl, timeline), printer)
    _print_next(results, reports, printer)


@dataclass(frozen=True, slots=True)
class _Evidence:
    """The exchanges by id and how to show them; `shown` are those that were printed already."""

    exchanges: Mapping[str, Exchange]
    curl: Curl
    timeline: Timeline
    shown: set[str] = field(default_factory=set)


class _Printer:
    """A console that prints text as it is: no markup, no emoji codes, no highlighting, no cut lines."""

    def __init__(self, console: Console, redact: Callable[[str], str]) -> None:
        self._console = console
        self._redact = redact

    def line(self, text: str = "", style: str | None = None, *, indent: int = 0, label: str = "") -> None:
        """Print one paragraph, wrapped only by the terminal so that it can be copied, after a bold `label`."""
        from rich.text import Text  # noqa: PLC0415 - rich costs 50 ms

        shown = Text(" " * indent)
        if label:
            shown.append(label, style="bold")
        shown.append(self._redact(one_line(text)), style=style)
        self._console.print(shown, soft_wrap=True)

    def command(self, text: str) -> None:
        """Print a shell command on lines of its own, exactly as it has to be typed."""
        from rich.text import Text  # noqa: PLC0415 - rich costs 50 ms

        self._console.print(Text(self._redact(text)), soft_wrap=True)

    def table(self, table: Table) -> None:
        self._console.print(table)


def _print_verdict(results: Results, printer: _Printer) -> None:
    target = results.target
    printer.line()
    printer.line(f"{results.verdict.value.upper()}: {results.about}", _VERDICT_STYLES[results.verdict])
    for reason in results.reasons:
        printer.line(reason)
    if results.gate is not None and results.gate.reasons:
        printer.line(results.gate.status.value, _GATE_STYLES[results.gate.status], label="Gate ")
        for reason in results.gate.reasons:
            printer.line(reason)
    printer.line()
    name = f"{target.name} at {target.base_url}" if target.name else target.base_url
    printer.line(f"{name} (embedded reference deployment)" if target.embedded else name, label="Target    ")
    printer.line(f"{results.contract}, {results.tier.value} tier", label="Profile   ")
    spent = results.exchanges
    printer.line(
        f"{counted(spent.count, 'request')}, {counted(spent.completion_tokens, 'completion token')},"
        f" {byte_size(spent.bytes)} in {duration(results.duration_s)}",
        label="Cost      ",
    )


def _print_counts(results: Results, printer: _Printer) -> None:
    from rich import box  # noqa: PLC0415 - rich costs 50 ms
    from rich.table import Table  # noqa: PLC0415 - the same

    if not results.requirements:
        return
    columns = list(results.totals)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_footer=True)
    table.add_column("section", "all", no_wrap=True)
    for outcome in columns:
        table.add_column(
            outcome.value, str(results.totals[outcome]), justify="right", header_style=_STYLES[outcome], no_wrap=True
        )
    for section, counts in results.by_section.items():
        table.add_row(section, *(str(counts.get(outcome, 0) or "") for outcome in columns))
    printer.table(table)


def _print_keywords(results: Results, printer: _Printer) -> None:
    """Print on one line how much of the request's schema was decided."""
    if not results.keywords:
        return
    parts = [
        f"{aspect} {', '.join(f'{count} {outcome.value}' for outcome, count in counts.items())}"
        for aspect, counts in keyword_totals(results.keywords).items()
    ]
    printer.line(f"{len(results.keywords)} of the request; {'; '.join(parts)}", label="Keywords  ")
    printer.line()


def _print_broken(results: Results, evidence: _Evidence, printer: _Printer) -> None:
    found = [*results.with_outcome(Outcome.FAILED), *results.with_outcome(Outcome.WARNING)]
    broken = sorted(found, key=lambda row: results.known(row.id))  # new findings come first
    for result in broken[:_MOST_DETAILED]:
        _print_result(result, evidence, printer, known=results.known(result.id))
    rest = broken[_MOST_DETAILED:]
    if rest:
        printer.line(f"{counted(len(rest), 'more requirement')} broken:")
        _print_ids(rest, printer)
    waived = results.with_outcome(Outcome.WAIVED)
    if waived:
        printer.line("Waived:")
        _print_ids(waived, printer)
    gaps = [row for row in results.with_outcome(*UNDECIDED) if row.level == "MUST" and row.scored]
    if gaps and results.verdict is Verdict.INCONCLUSIVE:
        printer.line("Undecided:")
        _print_ids(gaps, printer)


def _print_ids(rows: Sequence[RequirementResult], printer: _Printer) -> None:
    for row in rows[:_MOST_LISTED]:
        why = headline(row)
        printer.line(f"{row.outcome.value:<12} {row.id}  {one_line(why, 100)}", indent=2)
    if len(rows) > _MOST_LISTED:
        printer.line(f"… and {len(rows) - _MOST_LISTED} more", indent=2)
    printer.line()


def _print_result(result: RequirementResult, evidence: _Evidence, printer: _Printer, *, known: bool) -> None:
    about = [result.level.value, *([] if result.scored else ["not scored"]), *(["in the baseline"] if known else [])]
    printer.line(f"{result.outcome.value.upper()}  {result.id}  ({', '.join(about)})", _STYLES[result.outcome])
    printer.line(one_line(result.statement, _LONGEST), indent=2)
    source = result.source
    printer.line(f"{source.title or source.document}, {source.place}", "dim", indent=2, label="source    ")
    if result.tries is not None:
        printer.line(f"broken in {result.tries.broken} of {result.tries.of}", indent=2, label="tries     ")
    if not result.findings:
        for message in result.messages[:_MOST_FINDINGS]:
            printer.line(one_line(message, _LONGEST), indent=2)
    for number, finding in enumerate(result.findings[:_MOST_FINDINGS]):
        _print_finding(finding, evidence, printer, traced=number == 0)
    if len(result.findings) > _MOST_FINDINGS:
        printer.line(f"… and {counted(len(result.findings) - _MOST_FINDINGS, 'more finding')}", indent=2)
    printer.line()


def _print_finding(finding: Finding, evidence: _Evidence, printer: _Printer, *, traced: bool) -> None:
    printer.line(one_line(finding.expected, _LONGEST), indent=2, label="expected  ")
    printer.line(one_line(finding.actual, _LONGEST), indent=2, label="actual    ")
    if finding.exchange is None:
        return
    place = [finding.exchange]
    place += [] if finding.event is None else [f"event {finding.event}"]
    place += [] if finding.offset is None else [f"byte {finding.offset}"]
    place += [] if finding.at is None else [f"{finding.at * 1000:.0f} ms"]
    printer.line(", ".join(place), indent=2, label="exchange  ")
    exchange = evidence.exchanges.get(finding.exchange)
    if traced and exchange is not None and is_stream(exchange):
        _print_trace(exchange, finding, evidence.timeline, printer)
    # One exchange decides many requirements; its command is printed once.
    if exchange is not None and exchange.id not in evidence.shown:
        evidence.shown.add(exchange.id)
        _print_command(exchange, evidence.curl, printer)


def _print_trace(exchange: Exchange, finding: Finding, timeline: Timeline, printer: _Printer) -> None:
    """Print the events around a finding: when each arrived, at which byte, its text, and what is wrong with it."""
    rows = wire_trace(exchange, finding, timeline)
    if not rows:
        return
    printer.line(indent=2, label="wire trace")
    for row in rows:
        place = f"{row.at_ms:>9.1f} ms  byte {row.offset:<8} "
        printer.line(one_line(row.text, _LONGEST_TRACED), "dim" if not row.note else None, indent=2, label=place)
        if row.note:
            printer.line(f"^ {one_line(row.note, _LONGEST)}", "red", indent=4)


def _print_command(exchange: Exchange, curl: Curl, printer: _Printer) -> None:
    command = shown_command(exchange, curl, _LONGEST_CURL)
    if command is None:
        printer.line(
            "too long for a terminal, or with control characters; see the evidence", indent=2, label="reproduce "
        )
    else:
        printer.line(indent=2, label="reproduce")
        printer.command(command)


def _print_next(results: Results, reports: Mapping[str, Path], printer: _Printer) -> None:
    for name, path in reports.items():
        if name not in _FOR_PROGRAMS:
            printer.line(str(path), label=f"{_LABELS.get(name, name):<10}")
    others = [name for name in reports if name in _FOR_PROGRAMS]
    if others:
        printer.line(f"{', '.join(others)} in the same folder", label=f"{'Also':<10}")
    advice = _advice(results)
    if advice:
        printer.line(advice)


_FOR_PROGRAMS = ("ctrf.json", "results.sarif", "exchanges.har", "badge.json", "badge.svg")
_LABELS = {"results.json": "Record", "junit.xml": "JUnit", "compliance.html": "Report"}


def _advice(results: Results) -> str:
    if results.verdict is Verdict.NONCONFORMANT:
        return (
            "Next: open the report; each finding has its request as a curl command and the bytes of the answer."
            " `chat-conformance explain ID` says why a requirement matters and how to fix what breaks it."
        )
    if results.verdict is Verdict.CONFORMANT:
        return ""
    if results.interrupted or results.with_outcome(Outcome.INCONCLUSIVE):
        return "Next: make sure that the target can be reached and is not overloaded, then run again."
    if results.selection:
        return "Next: run again without the restriction for a verdict on the whole contract."
    return "Next: see in the report what was not tested, and why."
