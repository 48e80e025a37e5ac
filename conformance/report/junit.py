"""Makes the JUnit XML of a run: one test case for each requirement, so that a CI system shows each by its id."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from conformance.quoting import visible
from conformance.report.plain_text import detail, headline
from conformance.report.results import RequirementResult, Results
from conformance.report.times import NO_TIMES, Times, seconds_of
from conformance.suite.outcome import BROKEN, Outcome

_ELEMENT = {
    Outcome.FAILED: "failure",
    Outcome.BLOCKED: "skipped",
    Outcome.INCONCLUSIVE: "error",
    Outcome.UNTESTED: "error",
    Outcome.SKIPPED: "skipped",
    Outcome.WAIVED: "skipped",
}
"""What a CI system shows for an outcome; what is blocked counts once, as the failure that blocks it. A
warning is a pass with output: JUnit has nothing in between."""


def junit_xml(results: Results, times: Times = NO_TIMES) -> str:
    """JUnit XML: a failed MUST is a failure, an undecided MUST an error, skipped and waived are skipped.

    A recommendation is never a failure or an error: a broken SHOULD passes with its findings as output (in a strict
    run it fails, as it does for the verdict), and an undecided one is skipped. The exact outcome is a property of each
    test case.

    The time of a test case is what its exchanges took, added up. The time of a suite is the run's: all sections are
    judged by the same exchanges.
    """
    root = ET.Element(
        "testsuites", name=f"chat-conformance: {visible(results.headline)}", time=f"{results.duration_s:.3f}"
    )
    totals = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for section in results.by_section:
        rows = [result for result in results.requirements if result.section == section]
        suite, counts = _suite(results, section, rows, times)
        root.append(suite)
        for name, count in counts.items():
            totals[name] += count
    for name, count in totals.items():
        root.set(name, str(count))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(
    results: Results, section: str, rows: Sequence[RequirementResult], times: Times
) -> tuple[ET.Element, dict[str, int]]:
    kinds = [_kind(result, results) for result in rows]
    counts = {
        "tests": len(rows),
        "failures": kinds.count("failure"),
        "errors": kinds.count("error"),
        "skipped": kinds.count("skipped"),
    }
    attributes = {name: str(count) for name, count in counts.items()}
    attributes["name"] = visible(f"{results.profile.name}.{section}")
    attributes["time"] = f"{results.duration_s:.3f}"
    attributes["timestamp"] = results.started
    attributes["hostname"] = visible(results.target.base_url)
    suite = ET.Element("testsuite", attributes)
    suite.append(_properties(("judged-by", results.contract), ("tier", results.tier.value)))
    suite.extend(_case(results, result, kind, times) for result, kind in zip(rows, kinds, strict=True))
    return suite, counts


def _kind(result: RequirementResult, results: Results) -> str | None:
    """The element that marks the test case, or None if it passes; what is as in the baseline stops no pipeline."""
    kind = _kind_of_itself(result, results.strict)
    known = (kind == "failure" and results.known(result.id)) or (
        kind == "error" and results.undecided_before(result.id)
    )
    return "skipped" if known else kind


def _kind_of_itself(result: RequirementResult, strict: bool) -> str | None:
    if result.outcome is Outcome.WARNING:
        return "failure" if strict and result.scored else None
    kind = _ELEMENT.get(result.outcome)
    # An error stops a pipeline as a failure does; only what the verdict depends on may do that.
    if kind == "failure" and not result.scored:
        return None
    return "skipped" if kind == "error" and (result.level != "MUST" or not result.scored) else kind


def _case(results: Results, result: RequirementResult, kind: str | None, times: Times) -> ET.Element:
    case = ET.Element(
        "testcase",
        classname=visible(f"{results.profile.name}.{result.section.value}"),
        name=visible(result.id),
        time=f"{seconds_of(result, times):.3f}",
    )
    case.append(
        _properties(
            ("level", result.level.value),
            ("outcome", result.outcome.value),
            ("source", f"{result.source.document}: {result.source.place}"),
            ("basis", result.source.basis.value),
            *(() if result.scored else (("scored", "false"),)),
        )
    )
    text = visible(detail(result))
    if kind is not None:
        element = ET.SubElement(case, kind, message=visible(_of_baseline(results, result) + headline(result)))
        if kind != "skipped":
            element.set("type", result.outcome.value)
        element.text = text
    elif result.outcome in BROKEN:
        ET.SubElement(case, "system-out").text = text
    return case


def _properties(*pairs: tuple[str, str]) -> ET.Element:
    properties = ET.Element("properties")
    for name, value in pairs:
        ET.SubElement(properties, "property", name=name, value=visible(value))
    return properties


def _of_baseline(results: Results, result: RequirementResult) -> str:
    if results.known(result.id):
        return "known from the baseline: "
    return "undecided as in the baseline: " if results.undecided_before(result.id) else ""
