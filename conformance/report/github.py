"""What GitHub Actions shows of a run: annotations (workflow commands on the console) and a job summary."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.quoting import code_span, escape_markdown, one_line
from conformance.report.quantities import counted, duration, listed
from conformance.report.results import RequirementResult, Results
from conformance.suite.outcome import Outcome

_MOST_ANNOTATIONS = 10
"""How many annotations of a kind GitHub shows for one step."""
_MOST_LISTED = 50
_LONGEST = 500
_COMMANDS = {Outcome.FAILED: "error", Outcome.WARNING: "warning", Outcome.WAIVED: "notice"}
_MARKS = {"passed": "✅", "failed": "❌", "undecided": "❔"}


def annotation_lines(results: Results) -> Iterable[str]:
    """A workflow command for each broken requirement, at most ten of a kind; then the reasons of the gate.

    Nothing that a target wrote can end a command or begin another one.
    """
    for outcome, command in _COMMANDS.items():
        rows = [row for row in results.with_outcome(outcome) if not results.known(row.id)]
        shown = rows if len(rows) <= _MOST_ANNOTATIONS else rows[: _MOST_ANNOTATIONS - 1]
        for row in shown:
            yield _command(command, f"{row.id} ({row.level.value})", _said(row))
        if len(rows) > len(shown):
            yield _command(command, results.profile.name, f"{len(rows) - len(shown)} more requirements {outcome.value}")
    known = [row for row in results.requirements if results.known(row.id) and row.outcome in _COMMANDS]
    if known:
        named = listed([row.id for row in known], _MOST_ANNOTATIONS)
        yield _command("notice", "known from the baseline", f"{counted(len(known), 'requirement')}: {named}")
    if results.gate is not None and results.gate.status == "failed":
        for reason in results.gate.reasons:
            yield _command("error", "gate", reason)


def step_summary(results: Results) -> str:
    """The run in Markdown, for the file that GITHUB_STEP_SUMMARY names."""
    status = results.gate.status.value if results.gate is not None else "undecided"
    spent = results.exchanges
    lines = [
        f"### {_MARKS[status]} {escape_markdown(results.headline)}",
        "",
        f"{code_span(results.contract)} at {code_span(results.target.base_url)},"
        f" {results.tier.value} tier, {counted(spent.count, 'request')} in {duration(results.duration_s)}.",
        "",
        *(f"- {escape_markdown(reason, 1000)}" for reason in results.reasons),
    ]
    if results.gate is not None and results.gate.reasons:
        reasons = (f"- {escape_markdown(reason, 1000)}" for reason in results.gate.reasons)
        lines += ["", f"**Gate: {status}.**", "", *reasons]
    columns = list(results.totals)
    lines += ["", f"| section | {' | '.join(columns)} |", f"| --- |{' ---: |' * len(columns)}"]
    for section, counts in results.by_section.items():
        lines.append(f"| {section} | {' | '.join(str(counts.get(one, 0) or '') for one in columns)} |")
    for outcome in (Outcome.FAILED, Outcome.WARNING, Outcome.WAIVED):
        lines += _listed(results, outcome)
    return "\n".join(lines) + "\n\n"


def _listed(results: Results, outcome: Outcome) -> list[str]:
    rows = results.with_outcome(outcome)
    if not rows:
        return []
    opened = " open" if outcome is Outcome.FAILED else ""
    lines = ["", f"<details{opened}><summary>{outcome.value} ({len(rows)})</summary>", ""]
    for row in rows[:_MOST_LISTED]:
        known = " (in the baseline)" if results.known(row.id) else ""
        lines.append(f"- {code_span(row.id)}{known} {escape_markdown(row.statement)}")
        lines += [
            f"  - expected {code_span(finding.expected)}, got {code_span(finding.actual)}"
            for finding in row.findings[:1]
        ]
        if row.tries is not None:
            lines.append(f"  - broken in {row.tries.broken} of {row.tries.of} tries")
        if row.waiver is not None:
            owner, reason = escape_markdown(row.waiver.owner), escape_markdown(row.waiver.reason)
            lines.append(f"  - waived by {owner} until {row.waiver.expires}: {reason}")
    if len(rows) > _MOST_LISTED:
        lines.append(f"- … and {len(rows) - _MOST_LISTED} more")
    return [*lines, "", "</details>"]


def _said(row: RequirementResult) -> str:
    finding = next(iter(row.findings), None)
    found = f"expected {finding.expected}, got {finding.actual}" if finding else " ".join(row.messages[:1])
    waived = f" (waived by {row.waiver.owner} until {row.waiver.expires})" if row.waiver else ""
    return f"{row.statement} {found}{waived}"


def _command(name: str, title: str, text: str) -> str:
    data = one_line(text, _LONGEST).replace("%", "%25")
    # A colon or a comma would end the title.
    shown = one_line(title, 100).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
    return f"::{name} title={shown}::{data}"


def defused(text: str) -> str:
    """A log line in which the runner finds no command: it obeys those of the older form anywhere in a line."""
    return text.replace("##[", "##\u200b[")
