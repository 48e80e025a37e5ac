"""Makes the JUnit XML of a run: one test case for each requirement, so that a CI system shows each by its id."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from conformance.quoting import visible
from conformance.report.plain_text import detail, headline
from conformance.report.results import RequirementResult, Results
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


def junit_xml(results: Results) -> str:
    """JUnit XML: a failed MUST is a failure, an undecided MUST an error, skipped and waived are skipped.

    A recommendation is never a failure or an error: a broken SHOULD passes with its findings as output (in a strict
    run it fails, as it does for the verdict), and an undecided one is skipped. The exact outcome is a property of each
    test case.
    """
    root = ET.Element("testsuites", name="chat-conformance", time=f"{results.duration_s:.3f}")
    totals = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for section in results.by_section:
        rows = [result for result in results.requirements if result.section == section]
        suite, counts = _suite(results, section, rows)
        root.append(suite)
        for name, count in counts.items():
            totals[name] += count
    for name, count in totals.items():
        root.set(name, str(count))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(results: Results, section: str, rows: Sequence[RequirementResult]) -> tuple[ET.Element, dict[str, int]]:
    kinds = [_kind(result, results.strict, known=results.known(result.id)) for result in rows]
    counts = {
        "tests": len(rows),
        "failures": kinds.count("failure"),
        "errors": kinds.count("error"),
        "skipped": kinds.count("skipped"),
    }
    attributes = {name: str(count) for name, count in counts.items()}
    attributes["name"] = visible(f"{results.profile.name}.{section}")
    attributes["timestamp"] = results.started
    attributes["hostname"] = visible(results.target.base_url)
    suite = ET.Element("testsuite", attributes)
    suite.extend(_case(results, result, kind) for result, kind in zip(rows, kinds, strict=True))
    return suite, counts


def _kind(result: RequirementResult, strict: bool, *, known: bool) -> str | None:
    """The element that marks the test case, or None if it passes; what is in the baseline does not fail."""
    kind = _kind_of_itself(result, strict)
    return "skipped" if known and kind == "failure" else kind


def _kind_of_itself(result: RequirementResult, strict: bool) -> str | None:
    if result.outcome is Outcome.WARNING:
        return "failure" if strict and result.scored else None
    kind = _ELEMENT.get(result.outcome)
    # An error stops a pipeline as a failure does; only what the verdict depends on may do that.
    if kind == "failure" and not result.scored:
        return None
    return "skipped" if kind == "error" and (result.level != "MUST" or not result.scored) else kind


def _case(results: Results, result: RequirementResult, kind: str | None) -> ET.Element:
    case = ET.Element(
        "testcase",
        classname=visible(f"{results.profile.name}.{result.section.value}"),
        name=visible(result.id),
        time="0",
    )
    properties = ET.SubElement(case, "properties")
    for name, value in (
        ("level", result.level.value),
        ("outcome", result.outcome.value),
        ("source", f"{result.source.document}: {result.source.place}"),
        ("basis", result.source.basis.value),
        *(() if result.scored else (("scored", "false"),)),
    ):
        ET.SubElement(properties, "property", name=name, value=visible(value))
    text = visible(detail(result))
    if kind is not None:
        about = "known from the baseline: " if results.known(result.id) else ""
        element = ET.SubElement(case, kind, message=visible(about + headline(result)))
        if kind != "skipped":
            element.set("type", result.outcome.value)
        element.text = text
    elif result.outcome in BROKEN:
        ET.SubElement(case, "system-out").text = text
    return case
