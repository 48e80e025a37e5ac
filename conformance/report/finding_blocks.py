"""Prints what is broken, cause by cause: what was expected, what came, how to fix it, and a command that shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from conformance.quoting import one_line
from conformance.report.causes import Cause
from conformance.report.exchange_view import Curl, Timeline, is_stream, reads_timeline, shown_command, wire_trace
from conformance.report.printer import Printer
from conformance.report.quantities import counted, listed
from conformance.report.results import RequirementResult
from conformance.suite.outcome import Finding, Outcome
from conformance.wire.exchange import Exchange

STYLES = {
    Outcome.FAILED: "bold red",
    Outcome.WARNING: "yellow",
    Outcome.WAIVED: "magenta",
    Outcome.BLOCKED: "cyan",
    Outcome.INCONCLUSIVE: "cyan",
    Outcome.UNTESTED: "cyan",
    Outcome.SKIPPED: "dim",
    Outcome.PASSED: "green",
}
_LONGEST = 300
_LONGEST_STATEMENT = 240
_LONGEST_CURL = 700
_MOST_CURL_LINES = 5
_LONGEST_CURL_AT_ALL = 16_000
_LONGEST_TRACED = 160
_LISTED, _WIDEST_LIST = 6, 140
_IN_REPORT = "the report has the command: it is too long for a terminal"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The exchanges by id and how to show them; `shown` are those whose command was printed already."""

    exchanges: Mapping[str, Exchange]
    curl: Curl
    timeline: Timeline
    shown: set[str] = field(default_factory=set)


def evidence_of(exchanges: Iterable[Exchange], curl: Curl, timeline: Timeline = reads_timeline) -> Evidence:
    """Exchanges as evidence of which nothing was shown yet."""
    return Evidence({exchange.id: exchange for exchange in exchanges}, curl, timeline)


def print_cause(
    cause: Cause, evidence: Evidence, printer: Printer, known: Callable[[str], bool] = lambda _: False
) -> None:
    """Print a cause by its first finding, in at most 12 lines; `known` tells what is in the baseline."""
    row = cause.fixed_by
    _print_title(cause, printer, known)
    finding = next(iter(row.findings), None)
    if finding is None:
        for message in row.messages[:1]:
            printer.line(one_line(message, _LONGEST), indent=2)
    else:
        _print_expectation(finding, row, printer, more=len(row.findings) - 1)
    _print_consequences(cause, printer)
    exchange = None if finding is None or finding.exchange is None else evidence.exchanges.get(finding.exchange)
    if exchange is not None:
        _print_command(exchange, evidence, printer)
    printer.line()


def print_cause_briefly(cause: Cause, printer: Printer) -> None:
    """Print a cause on one line."""
    row = cause.fixed_by
    what = cause.title or one_line(row.messages[0] if row.messages else row.statement, 120)
    about = row.id if len(cause.rows) == 1 else counted(len(cause.rows), "requirement")
    behind = f" (blocks {len(cause.blocked)})" if cause.blocked else ""
    printer.line(f"{row.outcome.value.upper():<8} {about}{behind}: {what}", STYLES[row.outcome])


def print_cause_in_full(
    cause: Cause, evidence: Evidence, printer: Printer, known: Callable[[str], bool] = lambda _: False
) -> None:
    """Print every requirement of a cause with every finding, the events around each, and every command."""
    if cause.title is not None:
        _print_title(cause, printer, known)
        _print_consequences(cause, printer)
        printer.line()
    for row in cause.rows:
        _print_row(row, evidence, printer, known)
        if cause.title is None:
            _print_consequences(cause, printer)
        printer.line()


def print_rows(rows: Sequence[tuple[RequirementResult, str]], printer: Printer) -> None:
    """Print requirements, each on a line with its outcome and a few words."""
    for row, why in rows:
        printer.line(f"{row.outcome.value:<12} {row.id}{'  ' if why else ''}{one_line(why, 100)}", indent=2)


def _print_row(row: RequirementResult, evidence: Evidence, printer: Printer, known: Callable[[str], bool]) -> None:
    printer.line(f"{row.outcome.value.upper():<8} {row.id} ({_remarks(row, known)})", STYLES[row.outcome])
    printer.line(row.statement, indent=2)
    source = row.source
    printer.line(f"{source.title or source.document}, {source.place}", "dim", indent=2, label="source")
    if not row.findings:
        for message in row.messages:
            printer.line(message, indent=2)
    for finding in row.findings:
        _print_expectation(finding, row, printer)
        exchange = None if finding.exchange is None else evidence.exchanges.get(finding.exchange)
        if exchange is None:
            continue
        if is_stream(exchange):
            _print_trace(exchange, finding, evidence.timeline, printer)
        _print_command(exchange, evidence, printer, in_full=True)


def _print_title(cause: Cause, printer: Printer, known: Callable[[str], bool]) -> None:
    row = cause.fixed_by
    word = f"{row.outcome.value.upper():<8}"
    if cause.title is None:
        statement = one_line(row.statement, _LONGEST_STATEMENT)
        printer.line(f"{word} {row.id} ({_remarks(row, known)}): {statement}", STYLES[row.outcome])
        return
    printer.line(f"{word} {_counts(cause, known)}: {cause.title}", STYLES[row.outcome])
    printer.line(_ids(cause.rows), indent=2)


def _ids(rows: Sequence[RequirementResult]) -> str:
    """The ids of rows: as many as stand on one line, at least one, and how many more there are."""
    fitting, width = 0, 0
    for row in rows[:_LISTED]:
        width += len(row.id) + 2
        fitting += width <= _WIDEST_LIST
    return listed([row.id for row in rows], max(fitting, 1))


def _counts(cause: Cause, known: Callable[[str], bool]) -> str:
    """How many requirements have this cause, with what is special about some of them."""
    remarks = [
        (sum(row.level.value != "MUST" for row in cause.rows), "recommended only"),
        (sum(known(row.id) for row in cause.rows), "in the baseline"),
        (sum(not row.scored for row in cause.rows), "not scored"),
    ]
    words = [f"{count} {what}" for count, what in remarks if count]
    all_but_must = cause.rows[0].outcome is Outcome.WARNING
    words = words[1:] if all_but_must else words
    return counted(len(cause.rows), "requirement") + (f" ({', '.join(words)})" if words else "")


def _remarks(row: RequirementResult, known: Callable[[str], bool]) -> str:
    about = [row.level.value, *([] if row.scored else ["not scored"]), *(["in the baseline"] if known(row.id) else [])]
    return ", ".join(about)


def _print_expectation(finding: Finding, row: RequirementResult, printer: Printer, *, more: int = 0) -> None:
    """Print what was expected and what came, and where; and how many `more` findings there are that are not shown."""
    printer.line(one_line(finding.expected, _LONGEST), indent=2, label="expected")
    printer.line(one_line(finding.actual, _LONGEST), indent=2, label="actual")
    place = [] if finding.exchange is None else [finding.exchange]
    place += [] if finding.event is None else [f"event {finding.event}"]
    place += [] if finding.offset is None else [f"byte {finding.offset}"]
    place += [] if finding.at is None else [f"{finding.at * 1000:.0f} ms"]
    if row.tries is not None:
        place.append(f"broken in {row.tries.broken} of {row.tries.of} tries")
    if more:
        place.append(f"and {counted(more, 'more finding')}")
    if place:
        printer.line(", ".join(place), indent=2, label="exchange")


def _print_consequences(cause: Cause, printer: Printer) -> None:
    if cause.blocked:
        unseen = counted(len(cause.blocked), "requirement")
        printer.line(f"{unseen} that cannot be seen: {_ids(cause.blocked)}", indent=2, label="blocks")
    if cause.fix:
        printer.line(cause.fix, indent=2, label="fix")


def _print_trace(exchange: Exchange, finding: Finding, timeline: Timeline, printer: Printer) -> None:
    """Print the events around a finding: when each arrived, at which byte, its text, and what is wrong with it."""
    for row in wire_trace(exchange, finding, timeline):
        place = f"{row.at_ms:>9.1f} ms  byte {row.offset:<8} "
        printer.line(one_line(row.text, _LONGEST_TRACED), "dim" if not row.note else None, indent=2, label=place)
        if row.note:
            printer.line(f"^ {one_line(row.note, _LONGEST)}", "red", indent=4)


def _print_command(exchange: Exchange, evidence: Evidence, printer: Printer, *, in_full: bool = False) -> None:
    """Print the command of an exchange, once: one exchange decides many requirements."""
    if exchange.id in evidence.shown:
        printer.line(f"by the command above that sends {exchange.probe}", indent=2, label="reproduce")
        return
    evidence.shown.add(exchange.id)
    command = shown_command(exchange, evidence.curl, _LONGEST_CURL_AT_ALL if in_full else _LONGEST_CURL)
    if command is None or (not in_full and command.count("\n") >= _MOST_CURL_LINES):
        printer.line(_IN_REPORT, indent=2, label="reproduce")
    else:
        printer.command(command)
