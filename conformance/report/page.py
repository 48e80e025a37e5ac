"""Makes the compliance page: one HTML file that needs no network and shows verdict, requirements and evidence."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.contract.dialect import known_parameters
from conformance.contract.explanations import Explanation, explanation
from conformance.contract.model import Section
from conformance.quoting import visible
from conformance.report.causes import causes
from conformance.report.clients_on_page import room
from conformance.report.dialect_words import dialect_words
from conformance.report.error_table import error_rows
from conformance.report.excerpt import Piece, surroundings
from conformance.report.exchange_view import Curl, Timeline, exchange_view, reads_timeline, summary
from conformance.report.html import (
    BASES,
    GLYPHS,
    MEANINGS,
    VERDICTS,
    assembled,
    html_environment,
    print_footer,
    script_data,
    scripts,
    styles,
)
from conformance.report.keywords import keyword_totals
from conformance.report.quantities import counted, listed
from conformance.report.record import results_text
from conformance.report.request_fields import field_totals
from conformance.report.results import RequirementResult, Results
from conformance.report.stream_picture import WIDTH, stream_picture
from conformance.report.time_strip import HEIGHT, time_strip
from conformance.suite.outcome import BROKEN_OR_WAIVED, Finding, KeywordCoverage, Outcome

if TYPE_CHECKING:
    from conformance.wire.exchange import Exchange

_EMBEDDED_BODIES = 12 * 1024 * 1024
_BODY_LIMITS = (2 * 1024, 32 * 1024)
_MOST_FINDINGS = 20
_MOST_CAUSES, _MOST_IN_CAUSE = 40, 5
_MOST_NAMED, _MOST_WORDS = 12, 400
_FOLDED = {
    Outcome.BLOCKED: "cannot be seen",
    Outcome.INCONCLUSIVE: "could not be decided",
    Outcome.UNTESTED: "not tested",
    Outcome.SKIPPED: "that do not apply",
    Outcome.PASSED: "kept",
}
"""Outcomes whose rows are folded in each section, and what is said of their number."""


def compliance_page(
    results: Results,
    exchanges: Iterable[Exchange],
    *,
    curl: Curl,
    timeline: Timeline = reads_timeline,
    redact: Callable[[str], str] = lambda text: text,
    record: str | None = None,
) -> str:
    """The whole page as HTML text.

    Only exchanges that a requirement names are embedded, each once; their bodies are cut to about 32 kB each, and to
    less if there are very many. `redact` takes secrets out of everything but the page's own style and script. `record`
    is the text of results.json where it is made already.
    """
    seen = list(exchanges)
    evidence = _evidence(results, seen)
    found = _by_exchange(results)
    index = {exchange_id: number for number, exchange_id in enumerate(evidence)}
    boundary = uuid.uuid4().hex
    identity = _run_id(record or results_text(results))
    gaps = _gaps(results)
    shown: dict[str, Any] = {
        "causes": causes(results),
        "streams": stream_picture(seen, found),
        "times": time_strip(seen),
        "errors": error_rows(evidence.values()),
    }
    html = (
        html_environment()
        .get_template("compliance.html.j2")
        .render(
            **shown,
            results=results,
            run_id=identity,
            judged=_is_judged(results),
            contents=_contents(results, shown, gaps=sum(reason.size for _, reasons in gaps for reason in reasons)),
            parameters=_parameters(results),
            verdict=VERDICTS[results.verdict],
            dialect=dialect_words(results.preflight),
            sections=_sections(results),
            section_options=[(name, name) for name in results.by_section],
            level_options=[(name, name) for name in results.by_level],
            counts=_counts(results),
            coverage_words=_coverage_words(results),
            field_totals=field_totals(results.request_fields),
            keyword_totals=keyword_totals(results.keywords),
            keyword_locations=_keyword_locations(results),
            gaps=gaps,
            Outcome=Outcome,
            outcomes=list(Outcome),
            folded=_FOLDED.keys(),
            fold_words=_FOLDED,
            glyphs=GLYPHS,
            meanings=MEANINGS,
            bases=BASES,
            index=index,
            requirement_of=_requirement_of(results),
            messages_of=_messages,
            findings_of=lambda result: _findings(result, evidence),
            most_findings=_MOST_FINDINGS,
            most_causes=_MOST_CAUSES,
            most_in_cause=_MOST_IN_CAUSE,
            most_named=_MOST_NAMED,
            most_words=_MOST_WORDS,
            requirement_ids={result.id for result in results.requirements},
            streams_width=WIDTH,
            times_height=HEIGHT,
            explain=_explained,
            room=room,
            boundary=boundary,
            exchange_index=script_data(
                [[visible(name), summary(exchange), name in found] for name, exchange in evidence.items()]
            ),
            exchange_views=_views(evidence, found, curl, timeline),
        )
    )
    style = styles("compliance.css") + print_footer(f"{results.profile.name}, run {identity}, {results.started}")
    return assembled(redact(html).split(boundary), style, scripts("compliance.js"))


def _run_id(record: str) -> str:
    """What identifies the run on paper: the beginning of the digest of its record."""
    return hashlib.sha256(record.encode()).hexdigest()[:12]


def _contents(results: Results, shown: Mapping[str, Any], *, gaps: int) -> list[tuple[str, str, int]]:
    """The sections of the page: place, title, and how many there are of what it lists (0 where that says nothing)."""
    sections = [
        ("fix", "What to fix", len(shown["causes"]), bool(shown["causes"])),
        ("tested", "What was tested", 0, True),
        ("outcomes", "Outcomes", 0, _is_judged(results)),
        ("streams", "Streams", shown["streams"].count if shown["streams"] else 0, shown["streams"] is not None),
        ("times", "Times", 0, shown["times"] is not None),
        ("keywords", "Keywords of the request", len(results.keywords), bool(results.keywords) and _is_judged(results)),
        (
            "fields",
            "Optional fields",
            len(results.request_fields),
            bool(results.request_fields) and _is_judged(results),
        ),
        ("errors", "Errors by condition", len(shown["errors"]), bool(shown["errors"])),
        ("requirements", "Requirements", len(results.requirements), True),
        ("gaps", "What was not tested, and why", gaps, True),
        ("waivers", "Waivers", len(results.waivers), True),
    ]
    return [(place, title, number) for place, title, number, there in sections if there]


def _is_judged(results: Results) -> bool:
    """Whether anything was decided: counts and lists of what was not say nothing beyond the reason."""
    return not set(results.totals) <= {Outcome.INCONCLUSIVE, Outcome.UNTESTED, Outcome.SKIPPED}


def _coverage_words(results: Results) -> str:
    counts = [f"{count} {outcome.value}" for outcome, count in results.totals.items()]
    return f"{counted(len(results.requirements), 'requirement')}: {listed(counts, len(counts))}"


def _requirement_of(results: Results) -> Mapping[str, str]:
    """For each exchange, the requirement below which it is shown where a link does not say: the worst that names it."""
    worst_first = list(Outcome).index
    found: dict[str, str] = {}
    for result in sorted(results.requirements, key=lambda result: worst_first(result.outcome)):
        for name in _named(result):
            found.setdefault(name, result.id)
    return found


def _explained(result: RequirementResult) -> Explanation | None:
    """Why a broken requirement matters and how to fix it; the page explains no others."""
    return explanation(result.id, result.pointer) if result.outcome in BROKEN_OR_WAIVED else None


def _messages(result: RequirementResult) -> list[str]:
    """The messages that the findings below them do not say again."""
    if not result.findings:
        return list(result.messages)
    said = (f"expected {result.findings[0].expected}", f"{len(result.findings)} findings in all: ")
    return [message for message in result.messages if not any(words in message for words in said)]


def _parameters(results: Results) -> list[tuple[str, str]]:
    """The configured parts of the path: what each names, and its value."""
    nouns = {parameter.key: parameter.noun.capitalize() for parameter in known_parameters()}
    return [(nouns.get(key, key), value) for key, value in results.target.parameters.items() if value]


def _evidence(results: Results, exchanges: Iterable[Exchange]) -> Mapping[str, Exchange]:
    """The exchanges that the requirements name, by id, in the order of the evidence."""
    named = {name for result in results.requirements for name in _named(result)}
    return {exchange.id: exchange for exchange in exchanges if exchange.id in named}


def _named(result: RequirementResult) -> list[str]:
    """The ids of a requirement's exchanges, those of its findings first, each once."""
    found = [finding.exchange for finding in result.findings if finding.exchange is not None]
    return list(dict.fromkeys([*found, *result.exchanges]))


@dataclass(frozen=True, slots=True)
class _Shown:
    """One finding as the page shows it: with the surroundings of the offending bytes, if they are known.

    `also` are the other exchanges with exactly the same finding.
    """

    finding: Finding
    parts: Sequence[Piece]
    also: Sequence[str]


def _findings(result: RequirementResult, evidence: Mapping[str, Exchange]) -> list[_Shown]:
    """The findings to show; those that are the same on many exchanges are shown once."""
    alike: dict[tuple[str, str], list[Finding]] = {}
    for finding in result.findings:
        alike.setdefault((finding.expected, finding.actual), []).append(finding)
    return [
        _Shown(first, _place(first, evidence), _others(first, rest))
        for first, *rest in list(alike.values())[:_MOST_FINDINGS]
    ]


def _others(first: Finding, rest: Iterable[Finding]) -> Sequence[str]:
    names = dict.fromkeys(finding.exchange for finding in rest if finding.exchange is not None)
    return [name for name in names if name != first.exchange]


def _place(finding: Finding, evidence: Mapping[str, Exchange]) -> Sequence[Piece]:
    exchange = evidence.get(finding.exchange or "")
    if exchange is None or exchange.answer is None or finding.offset is None:
        return ()
    return surroundings(exchange.answer.body, finding.offset)


@dataclass(frozen=True, slots=True)
class _Row:
    """One requirement, with the ids of its exchanges, and those that cannot be seen because of it."""

    result: RequirementResult
    names: Sequence[str]
    blocks: Sequence[_Row] = ()


@dataclass(frozen=True, slots=True)
class _Group:
    """Rows of a section; all of one outcome where they are folded."""

    rows: Sequence[_Row]
    folded: Outcome | None = None

    @property
    def size(self) -> int:
        return sum(1 + len(row.blocks) for row in self.rows)


def _sections(results: Results) -> list[tuple[Section, list[_Group]]]:
    """The requirements by section: what a reader has to look at, the worst first, then the rest by outcome, folded.

    What is blocked stands below the requirement that blocks it, whatever its own section is.
    """
    worst_first = list(Outcome).index
    known = {result.id for result in results.requirements if result.outcome is not Outcome.BLOCKED}
    blocked: dict[str | None, list[_Row]] = {}
    for result in results.with_outcome(Outcome.BLOCKED):
        blocked.setdefault(result.blocked_by, []).append(_Row(result, _named(result)))
    sections = []
    for section in Section:
        rows = [
            _Row(result, _named(result), blocked.get(result.id, ()))
            for result in sorted(results.requirements, key=lambda result: worst_first(result.outcome))
            if result.section is section and (result.outcome is not Outcome.BLOCKED or result.blocked_by not in known)
        ]
        groups = [_Group([row for row in rows if row.result.outcome not in _FOLDED])]
        groups += [_Group([row for row in rows if row.result.outcome is outcome], outcome) for outcome in _FOLDED]
        if rows:
            sections.append((section, [group for group in groups if group.rows]))
    return sections


@dataclass(frozen=True, slots=True)
class _Reason:
    """Why some requirements were not decided, in words."""

    words: str
    results: Sequence[RequirementResult]

    @property
    def size(self) -> int:
        return len(self.results)


def _gaps(results: Results) -> list[tuple[str, list[_Reason]]]:
    """What was not decided, by outcome and reason; the reason that most share first."""
    gaps = []
    for outcome in (Outcome.INCONCLUSIVE, Outcome.UNTESTED, Outcome.SKIPPED):
        by_reason: dict[str, list[RequirementResult]] = {}
        for result in results.with_outcome(outcome):
            by_reason.setdefault(result.messages[0] if result.messages else MEANINGS[outcome], []).append(result)
        reasons = [_Reason(words, rows) for words, rows in by_reason.items()]
        if reasons:
            gaps.append((outcome.value.capitalize(), sorted(reasons, key=lambda reason: -reason.size)))
    return gaps


def _counts(results: Results) -> list[tuple[str, str, list[tuple[str, Mapping[Outcome, int]]]]]:
    """The groups of rows of the table of counts: kind, heading, rows."""
    return [
        ("section", "By section", list(results.by_section.items())),
        ("level", "By level", list(results.by_level.items())),
    ]


def _keyword_locations(results: Results) -> list[tuple[str, list[KeywordCoverage]]]:
    """The keywords of the request by location, the worst outcomes first."""
    worst_first = list(Outcome).index
    locations = dict.fromkeys(row.location for row in results.keywords)
    return [
        (
            location,
            sorted(
                (row for row in results.keywords if row.location == location),
                key=lambda row: min(worst_first(row.honoured.outcome), worst_first(row.enforced.outcome)),
            ),
        )
        for location in locations
    ]


def _by_exchange(results: Results) -> Mapping[str | None, list[Finding]]:
    found: dict[str | None, list[Finding]] = {}
    for result in results.requirements:
        for finding in result.findings:
            found.setdefault(finding.exchange, []).append(finding)
    return found


def _views(
    evidence: Mapping[str, Exchange],
    found: Mapping[str | None, Sequence[Finding]],
    curl: Curl,
    timeline: Timeline,
) -> Iterable[object]:
    """The exchanges as JSON for the page's script, one by one: a large run is never held twice."""
    smallest, largest = _BODY_LIMITS
    limit = max(smallest, min(largest, _EMBEDDED_BODIES // max(len(evidence), 1)))
    for name, exchange in evidence.items():
        view = exchange_view(exchange, found.get(name, ()), curl=curl, timeline=timeline, body_limit=limit)
        yield script_data(view)
