"""Writes what has changed as an issue for a tracker, in Markdown that does nothing, whatever a target has sent."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.evidence import Evidence, read_evidence
from conformance.fleet.task import BUNDLE
from conformance.report import Results
from conformance.report.issue import NoIssueError, issue_markdown
from conformance.report.neutral_markdown import prose_of, span_of
from conformance.report.quantities import counted
from conformance.report.recorded_curl import recorded_curl
from conformance.watch.drift import Drift, Kind
from conformance.watch.entry import Entry
from conformance.watch.tracker import Rules

Redact = Callable[[str], str]
_MOST_ROWS: Final = 40
_MOST_SHOWN: Final = 3
"""Requirements whose evidence is shown; of the others, the run's page has it."""
_EVIDENCE: Final = "evidence/exchanges.jsonl"


@dataclass(frozen=True, slots=True)
class Watched:
    """The run that told the changes: what it is called, its line, its record and the folder that it was kept in."""

    name: str
    entry: Entry
    results: Results
    folder: Path


def drift_markdown(watched: Watched, drift: Sequence[Drift], rules: Rules, redact: Redact) -> str:
    """The issue. What comes from outside goes through `redact`, and is written so that it does nothing."""
    parts = [*_head(watched, drift, redact), *_table(drift, redact), *_why(drift, rules), *_own_side(drift)]
    parts += [*_shown(watched, drift, redact), *_run(watched, redact)]
    return "\n\n".join(parts) + "\n"


def _head(watched: Watched, drift: Sequence[Drift], redact: Redact) -> Iterator[str]:
    first = min(one.since for one in drift)
    changes = counted(len(drift), "change")
    yield f"# Drift: {changes} of {span_of(redact(watched.name))} since {span_of(first.isoformat())}"
    verdict = span_of(watched.entry.verdict)
    yield (
        f"Found by the daily run of {span_of(watched.entry.day.isoformat())}, whose verdict is {verdict}:"
        f" {span_of(redact(watched.results.about), 400)}."
    )


def _table(drift: Sequence[Drift], redact: Redact) -> Iterator[str]:
    yield "## What has changed"
    rows = ["| kind | what | was | is | since | last seen otherwise |", "| --- | --- | --- | --- | --- | --- |"]
    for one in drift[:_MOST_ROWS]:
        what = f"{one.subject} ({one.tier} tier)" if one.tier else one.subject
        cells = (one.kind.value, what, one.before, one.after, one.since.isoformat(), one.until.isoformat())
        rows.append("| " + " | ".join(_cell(redact(cell)) for cell in cells) + " |")
    if len(drift) > _MOST_ROWS:
        rows.append(f"| | {counted(len(drift) - _MOST_ROWS, 'more change')} | | | | |")
    yield "\n".join(rows)


def _cell(text: str) -> str:
    """A cell of a table, with another sign in the place of bars, which would end it even within code."""
    return span_of(text.replace("|", "¦"), 160)


def _why(drift: Sequence[Drift], rules: Rules) -> Iterator[str]:
    tested = [one for one in drift if one.counts is not None]
    if not tested:
        return
    yield "## Why this is not chance"
    yield (
        "A sequential test over all answers of all days has confirmed it. As long as nothing changes, it raises at most"
        f" one false alarm in {rules.years:g} years, over all requirements of this target."
    )
    yield "\n".join(f"- {span_of(one.subject)}: {prose_of(one.confirmed_by)}." for one in tested[:_MOST_ROWS])


def _own_side(drift: Sequence[Drift]) -> Iterator[str]:
    """What else changed when a requirement did: the deployment told so itself, or another program judged it."""
    rows = [one for one in drift if one.counts is not None]
    if rows and any(one.kind is Kind.RELEASE for one in drift):
        yield (
            "What judges has changed as well, so it may see more than before. Judge an earlier run again to know:"
            " unpack its bundle, and give the folder to `chat-conformance run` as its replay."
        )
    if rows and any(one.kind is Kind.FINGERPRINT for one in drift):
        yield "The deployment tells itself apart from what it was: another version of it may be the reason."


def _shown(watched: Watched, drift: Sequence[Drift], redact: Redact) -> Iterator[str]:
    """The evidence of what became worse: the gravest first, each as an issue of its own."""
    worse = [one.subject for one in drift if one.worse]
    levels = {row.id: list(type(row.level)).index(row.level) for row in watched.results.requirements}
    chosen = sorted(dict.fromkeys(worse), key=lambda one: levels.get(one, len(levels)))[:_MOST_SHOWN]
    if not chosen:
        return
    evidence = evidence_of(watched.folder)
    curl = recorded_curl(watched.results, {} if evidence is None else evidence.header)
    exchanges = () if evidence is None else evidence.exchanges
    for row in chosen:
        try:
            text = issue_markdown(watched.results, row, exchanges, curl=curl, redact=redact, below="#")
        except NoIssueError:
            continue  # this run did not find it broken: an earlier one did
        yield text.rstrip("\n")
    if len(worse) > len(chosen):
        yield f"For {counted(len(worse) - len(chosen), 'more requirement')}, the page of the run has the evidence."


def _run(watched: Watched, redact: Redact) -> Iterator[str]:
    entry = watched.entry
    yield "## The run"
    said = [
        ("Run", f"{entry.run}, {entry.choice.name}"),
        ("Cost", f"{counted(entry.cost.requests, 'request')}, {counted(entry.cost.tokens, 'completion token')}"),
        *((name[:1].upper() + name[1:], value) for name, value in entry.judged_by.items()),
    ]
    yield "\n".join(f"- {name}: {span_of(redact(value), 300)}" for name, value in said)


def evidence_of(folder: Path) -> Evidence | None:
    """The evidence in the bundle of a run that was kept; None where it has none.

    Raises:
        EvidenceError, OSError: it cannot be read.
    """
    if not (folder / BUNDLE).is_file():
        return None
    with tempfile.TemporaryDirectory(prefix="chat-conformance-issue-") as scratch:
        with zipfile.ZipFile(folder / BUNDLE) as bundle:
            bundle.extract(_EVIDENCE, scratch)
        return read_evidence(Path(scratch) / "evidence")


def sentences(drift: Iterable[Drift]) -> tuple[str, ...]:
    """The changes as sentences, for a terminal and for the history."""
    return tuple(one.sentence for one in drift)
