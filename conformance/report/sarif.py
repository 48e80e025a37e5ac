"""Makes the SARIF 2.1.0 log of a run: a rule for each requirement, a result for each that is broken."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from conformance.contract.model import Level
from conformance.quoting import visible
from conformance.report.help_page import help_markdown, help_page, help_text
from conformance.report.plain_text import finding_lines, headline
from conformance.report.results import RequirementResult, Results
from conformance.suite.outcome import BROKEN_OR_WAIVED, UNDECIDED, Verdict

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVEL = {Level.MUST: "error", Level.SHOULD: "warning", Level.MAY: "note"}
_SEVERITY = {Level.MUST: "error", Level.SHOULD: "warning", Level.MAY: "recommendation"}
_MOST_FINDINGS = 10
_LONGEST = 8000
_ROOT = "%SRCROOT%"


class Place(Protocol):
    """A place in the user's repository: a file with slashes, from the repository's root, and a line from 1."""

    @property
    def file(self) -> str: ...  # noqa: D102 - said by the class
    @property
    def line(self) -> int: ...  # noqa: D102


Places = Callable[[str], Place | None]
"""Gives the place that stands for a requirement by its id, if there is one."""


def sarif_json(results: Results, places: Places = lambda _: None) -> str:
    """The log as JSON text, ASCII only.

    A rule leads to the page that explains its requirement, and has the same as text. A result stands at the place that
    `places` gives, a file of the user's repository, and names its requirement as its logical location. A waived one is
    suppressed with the waiver's reason. What could not be decided is a notification, not a result.
    """
    rows = results.requirements
    run = {
        "tool": {
            "driver": {
                "name": "chat-conformance",
                "version": results.suite_version,
                "rules": [_rule(result, results.profile.name) for result in rows],
            }
        },
        "automationDetails": {"id": f"chat-conformance/{_category(results)}/"},
        "invocations": [
            {
                "executionSuccessful": results.verdict is not Verdict.INCONCLUSIVE,
                "startTimeUtc": results.started.replace("+00:00", "Z"),
                "toolExecutionNotifications": [
                    _notification(result, index) for index, result in enumerate(rows) if result.outcome in UNDECIDED
                ],
            }
        ],
        "results": [
            _result(results, result, index, places)
            for index, result in enumerate(rows)
            if result.outcome in BROKEN_OR_WAIVED
        ],
        "columnKind": "unicodeCodePoints",
        "properties": {
            "verdict": results.verdict.value,
            "scope": visible(results.about),
            "reasons": [visible(reason) for reason in results.reasons],
            "profile": {
                "name": results.profile.name,
                "version": results.profile.version,
                "sha256": results.profile.sha256,
            },
            "release": results.release.version if results.release else None,
            "target": visible(results.target.base_url),
            "tier": results.tier.value,
        },
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, separators=(",", ":")) + "\n"


def _category(results: Results) -> str:
    """Distinguishes the runs that one repository may upload: profile and target."""
    target = results.target
    name = target.name or ("reference" if target.embedded else _host(target.base_url))
    return f"{quote(results.profile.name, safe='')}/{quote(visible(name), safe='')}"


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or url
    except ValueError:
        return url


def _rule(result: RequirementResult, profile: str) -> Mapping[str, Any]:
    address = help_page(result, profile) or _web_address(result.source.url)
    return {
        "id": result.id,
        "shortDescription": {"text": visible(result.statement)},
        "fullDescription": {"text": visible(f"{result.level.value}: {result.statement}")},
        "help": {"text": help_text(result, profile), "markdown": help_markdown(result, profile)},
        **({"helpUri": address} if address else {}),
        "defaultConfiguration": {"level": _LEVEL[result.level]},
        "properties": {
            "tags": [result.section.value, result.level.value],
            "precision": "very-high",
            "problem.severity": _SEVERITY[result.level],
        },
    }


def _web_address(url: str | None) -> str | None:
    """The URL as a URI reference, if it is an http(s) URL: a user's own rows may hold any text."""
    try:
        known = bool(url) and urlsplit(url or "").scheme in {"http", "https"}
    except ValueError:
        return None
    return quote(url or "", safe="%/:=&?~#+!$,;'@()*[]") if known else None


def _result(results: Results, result: RequirementResult, index: int, places: Places) -> Mapping[str, Any]:
    place = places(result.id)
    fingerprint = hashlib.sha256(f"{results.profile.name}\n{result.id}".encode()).hexdigest()
    suppressions = {}
    if result.waiver:
        suppressions = {
            "suppressions": [
                {"kind": "external", "status": "accepted", "justification": visible(headline(result))},
            ]
        }
    return {
        "ruleId": result.id,
        "ruleIndex": index,
        "kind": "fail",
        "level": _LEVEL[result.level] if result.scored else "note",
        "message": {"text": _message(result)},
        "locations": [_location(place, result)],
        # One alert for each requirement of a profile, whatever the words of the answer.
        "partialFingerprints": {"requirement/v1": fingerprint, "primaryLocationLineHash": f"{fingerprint[:16]}:1"},
        **suppressions,
        **({} if results.baseline is None else {"baselineState": "unchanged" if results.known(result.id) else "new"}),
        "properties": {
            "outcome": result.outcome.value,
            "scored": result.scored,
            "exchanges": [visible(name) for name in result.exchanges],
            "digest": result.digest,
        },
    }


def _location(place: Place | None, result: RequirementResult) -> Mapping[str, Any]:
    logical = {"logicalLocations": [{"fullyQualifiedName": result.id, "kind": "member"}]}
    if place is None:
        return logical
    artifact = {"uri": quote(place.file), "uriBaseId": _ROOT}
    return {"physicalLocation": {"artifactLocation": artifact, "region": {"startLine": place.line}}, **logical}


def _message(result: RequirementResult) -> str:
    lines = [result.statement, *result.messages]
    for finding in result.findings[:_MOST_FINDINGS]:
        lines += ["", *finding_lines(finding)]
    if len(result.findings) > _MOST_FINDINGS:
        lines += ["", f"{len(result.findings) - _MOST_FINDINGS} more findings are in results.json."]
    return _plain("\n".join(lines))


def _plain(text: str) -> str:
    """Bounded text in which a viewer finds no link and no placeholder (SARIF 2.1.0 sections 3.11.5 and 3.11.6)."""
    shown = visible(text)
    if len(shown) > _LONGEST:
        shown = shown[: _LONGEST - 1] + "…"
    shown = shown.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    return shown.replace("{", "{{").replace("}", "}}")


def _notification(result: RequirementResult, index: int) -> Mapping[str, Any]:
    return {
        "level": "warning" if result.level is Level.MUST else "note",
        "message": {"text": _plain(f"{result.id} is {result.outcome.value}: {headline(result)}")},
        "associatedRule": {"id": result.id, "index": index},
    }
