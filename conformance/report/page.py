"""Makes the compliance page: one HTML file that needs no network and shows verdict, requirements and evidence."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.contract.dialect import known_parameters
from conformance.contract.explanations import Explanation, explanation
from conformance.contract.model import Level, Section
from conformance.quoting import visible
from conformance.report.error_table import error_rows
from conformance.report.excerpt import Piece, surroundings
from conformance.report.exchange_view import Curl, Timeline, exchange_view, reads_timeline, summary
from conformance.report.html import BASES, GLYPHS, MEANINGS, TEMPLATES, VERDICTS, assembled, html_environment
from conformance.report.keywords import keyword_totals
from conformance.report.results import RequirementResult, Results
from conformance.suite.outcome import BROKEN_OR_WAIVED, Finding, KeywordCoverage, Outcome

if TYPE_CHECKING:
    from conformance.wire.exchange import Exchange

_EMBEDDED_BODIES = 12 * 1024 * 1024
_BODY_LIMITS = (2 * 1024, 32 * 1024)
_MOST_FINDINGS = 20


def compliance_page(
    results: Results,
    exchanges: Iterable[Exchange],
    *,
    curl: Curl,
    timeline: Timeline = reads_timeline,
    redact: Callable[[str], str] = lambda text: text,
) -> str:
    """The whole page as HTML text.

    Only exchanges that a requirement names are embedded, each once; their bodies are cut to about 32 kB each, and to
    less if there are very many. `redact` takes secrets out of everything but the page's own style and script.
    """
    evidence = _evidence(results, exchanges)
    found = _by_exchange(results)
    index = {exchange_id: number for number, exchange_id in enumerate(evidence)}
    boundary = uuid.uuid4().hex
    html = (
        html_environment()
        .get_template("compliance.html.j2")
        .render(
            results=results,
            parameters=_parameters(results),
            verdict=VERDICTS[results.verdict],
            sections=_sections(results),
            counts=_counts(results),
            keyword_totals=keyword_totals(results.keywords),
            keyword_locations=_keyword_locations(results),
            Outcome=Outcome,
            outcomes=list(Outcome),
            glyphs=GLYPHS,
            meanings=MEANINGS,
            bases=BASES,
            levels=[level for level in Level if level in results.by_level],
            index=index,
            findings_of=lambda result: _findings(result, evidence),
            most_findings=_MOST_FINDINGS,
            explain=_explained,
            errors=error_rows(evidence.values()),
            boundary=boundary,
            exchange_index=_script_data(
                [[visible(name), summary(exchange), name in found] for name, exchange in evidence.items()]
            ),
            exchange_views=_views(evidence, found, curl, timeline),
        )
    )
    style, script = ((TEMPLATES / f"compliance.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    return assembled(redact(html).split(boundary), style, script)


def _explained(result: RequirementResult) -> Explanation | None:
    """Why a broken requirement matters and how to fix it; the page explains no others."""
    return explanation(result.id, result.pointer) if result.outcome in BROKEN_OR_WAIVED else None


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


def _sections(results: Results) -> list[tuple[Section, list[tuple[RequirementResult, list[str]]]]]:
    """The requirements by section, the worst outcomes first, each with the ids of its exchanges."""
    worst_first = list(Outcome).index
    return [
        (
            section,
            [
                (result, _named(result))
                for result in sorted(results.requirements, key=lambda result: worst_first(result.outcome))
                if result.section is section
            ],
        )
        for section in Section
        if section in results.by_section
    ]


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
        yield _script_data(view)


def _script_data(value: object) -> object:
    """A JSON value that can stand in a script element: nothing in it can end the element or begin a comment."""
    import markupsafe  # noqa: PLC0415 - only the page needs it

    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return markupsafe.Markup(  # noqa: S704 - the characters of markup are escaped here
        text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    )
