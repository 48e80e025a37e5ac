"""Renders what changed between two runs: as text, as Markdown for a pull request, and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from conformance.compare.differences import Change, ChangeKind, Differences
from conformance.quoting import code_span, escape_markdown, log_line, one_line, without_commands
from conformance.report.quantities import counted

FORMAT = 1
"""Version of the format that specs/diff.schema.json describes."""
MOST_CHANGES = 1_000
"""Changes of each kind that the JSON and the page hold; no shipped contract has as many requirements."""
_MOST_PRINTED = 200
"""Changes of each kind that the text has."""
_LONGEST = 300
_LONGEST_KEPT = 2_000
"""Characters of a text in the JSON."""
_MOST_FINDINGS = 3
_MOST_KEPT = 20
"""New findings of a change in the JSON."""
_MOST_TEXT = 55_000
"""After so many characters of Markdown, changes are only counted: a comment on GitHub has at most 65,536."""
TITLES = {
    ChangeKind.REGRESSION: ("Regressions", "broken now and not before, or in another way"),
    ChangeKind.UNDECIDED: ("No longer decided", "decided before and not now"),
    ChangeKind.FIX: ("Fixes", "no longer broken, or with fewer findings"),
    ChangeKind.ELSEWHERE: ("Broken as before, by other requests", "which a defect that comes by chance hits, too"),
    ChangeKind.NEW: ("New requirements", "which the older run does not have"),
    ChangeKind.GONE: ("Removed requirements", "which the newer run does not have"),
    ChangeKind.OTHER: ("Other changes", "of the outcome"),
}
"""What each kind of change is called, and what it means."""
MARKER = "<!-- chat-conformance diff -->"
"""Comes first in the Markdown, so that a job finds its own comment and replaces it."""


def summary(found: Differences) -> str:
    """The differences in one sentence."""
    names = {
        ChangeKind.REGRESSION: "regression",
        ChangeKind.FIX: "fix",
        ChangeKind.NEW: "new requirement",
        ChangeKind.GONE: "removed requirement",
    }
    plural = {ChangeKind.FIX: "fixes"}
    counts = [counted(len(found.of(kind)), name, plural.get(kind)) for kind, name in names.items()]
    counts.append(f"{len(found.of(ChangeKind.UNDECIDED))} no longer decided")
    return f"{found.old.verdict.value} before, {found.new.verdict.value} now: {', '.join(counts)}."


def as_text(found: Differences) -> str:
    """The differences for a terminal: whatever a target sent is on one line, with nothing hidden in it."""
    lines = [log_line(summary(found))]
    lines += [log_line(f"  {sentence}") for sentence in found.circumstances]
    for kind, changes in _groups(found):
        title, about = TITLES[kind]
        lines += ["", f"{title} ({len(changes)}), {about}:"]
        for change in changes[:_MOST_PRINTED]:
            lines.append(f"  {one_line(change.id, _LONGEST)}  ({change.level.value})  {_step(change)}")
            lines += [log_line(f"      {one_line(text, _LONGEST)}") for text in _details(change)]
        if len(changes) > _MOST_PRINTED:
            lines.append(f"  … and {len(changes) - _MOST_PRINTED} more; --json and --out show up to {MOST_CHANGES:,}")
    return "\n".join(lines) + "\n"


def as_markdown(found: Differences) -> str:
    """The differences for a comment on a pull request: what a target sent is in code spans, where nothing acts."""
    lines = [MARKER, f"**chat-conformance, {code_span(found.new.profile.name)}:** {one_line(summary(found))}", ""]
    lines += [f"- {escape_markdown(sentence)}" for sentence in found.circumstances]
    size = sum(map(len, lines))
    for kind, changes in _groups(found):
        title, about = TITLES[kind]
        # Blank lines around the summary keep what follows Markdown.
        opened = " open" if kind in {ChangeKind.REGRESSION, ChangeKind.UNDECIDED} else ""
        lines += ["", f"<details{opened}><summary>{title} ({len(changes)}), {about}</summary>", ""]
        for number, change in enumerate(changes):
            if size > _MOST_TEXT:
                lines.append(f"- … and {len(changes) - number} more")
                break
            step = f"{code_span(change.id)} ({change.level.value}): {_step(change)}"
            told = [
                f"- {step}. {escape_markdown(change.statement)}",
                *(f"  - {text}" for text in _details(change, code_span)),
            ]
            size += sum(map(len, told))
            lines += told
        lines += ["", "</details>"]
    # The lines may stand in the log of the job that posts them.
    return "\n".join(map(without_commands, lines)) + "\n"


def as_json(found: Differences) -> str:
    """The differences as JSON, as specs/diff.schema.json describes them; `cut` says what was too much."""
    cut = left_out(found)
    seen: Counter[ChangeKind] = Counter()
    kept = []
    for change in found.changes:
        seen[change.kind] += 1
        if seen[change.kind] <= MOST_CHANGES:
            kept.append(change)
    document = {
        "format": FORMAT,
        "profile": _cut(found.new.profile.name),
        "old": _run(found.old),
        "new": _run(found.new),
        "summary": summary(found),
        "circumstances": list(found.circumstances),
        "changes": [_change(change) for change in kept],
        **({"cut": cut} if cut else {}),
    }
    return json.dumps(document, ensure_ascii=True, indent=2) + "\n"


def left_out(found: Differences) -> list[str]:
    """A sentence for each kind with more changes than the JSON and the page hold."""
    return [
        f"{TITLES[kind][0]}: the first {MOST_CHANGES:,} of {len(changes):,} are listed."
        for kind, changes in _groups(found)
        if len(changes) > MOST_CHANGES
    ]


def _groups(found: Differences) -> Iterable[tuple[ChangeKind, tuple[Change, ...]]]:
    return ((kind, found.of(kind)) for kind in ChangeKind if found.of(kind))


def _step(change: Change) -> str:
    before, after = (outcome.value if outcome else "absent" for outcome in (change.before, change.after))
    return f"{before} → {after}"


def _details(change: Change, quoted: Any = lambda text: text) -> Iterable[str]:
    """The lines below a change; `quoted` is applied to text that a target may have influenced."""
    for finding in change.came[:_MOST_FINDINGS]:
        where = f" at {quoted(finding.exchange)}" if finding.exchange else ""
        yield f"expected {quoted(finding.expected)}, got {quoted(finding.actual)}{where}"
    if len(change.came) > _MOST_FINDINGS:
        yield f"… and {counted(len(change.came) - _MOST_FINDINGS, 'more new finding')}"
    if change.went:
        yield f"{counted(change.went, 'finding')} gone"
    if change.why:
        yield f"{quoted('; '.join(change.why))}"


def _run(results: Any) -> dict[str, Any]:
    return {
        "started": _cut(results.started),
        "base_url": _cut(results.target.base_url),
        "tier": results.tier.value,
        "suite": _cut(results.suite_version),
        "verdict": results.verdict.value,
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "id": _cut(change.id),
        "level": change.level.value,
        "section": change.section.value,
        "statement": _cut(change.statement),
        "kind": change.kind.value,
        "before": change.before.value if change.before else None,
        "after": change.after.value if change.after else None,
        "new_findings": [
            {
                "exchange": one.exchange and _cut(one.exchange),
                "expected": _cut(one.expected),
                "actual": _cut(one.actual),
            }
            for one in change.came[:_MOST_KEPT]
        ],
        **({"more_new_findings": len(change.came) - _MOST_KEPT} if len(change.came) > _MOST_KEPT else {}),
        "gone_findings": change.went,
        "why": [_cut(sentence) for sentence in change.why],
    }


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_KEPT else f"{text[: _LONGEST_KEPT - 1]}…"
