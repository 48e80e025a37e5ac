"""Writes results.json and reads it back, checked against its published schema."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Any

from conformance.contract.model import Basis, Level, Section, Source, Tier
from conformance.contract.regular_files import UnreadableError, read_regular_file
from conformance.moments import day, moment
from conformance.quoting import one_line, quoted
from conformance.report.files import write_atomically
from conformance.report.keywords import keywords_document, parse_keywords
from conformance.report.request_fields import fields_document, parse_fields
from conformance.report.results import (
    AgainstBaseline,
    Counts,
    ExchangeTotals,
    Fingerprint,
    Gate,
    GateStatus,
    Omission,
    Preflight,
    ProfileView,
    ReleaseView,
    RequirementResult,
    Results,
    Scope,
    TargetView,
    Tries,
)
from conformance.shipped import specs_directory
from conformance.strict_json import JsonError, load
from conformance.suite.outcome import Finding, Outcome, Verdict, Waiver

FORMAT = 3
"""Version 3 has `blocked`, scope, preflight and leniency; 2 has gate, baseline, fingerprint, tries, waivers for probes
and keywords. Earlier versions can be read."""
FILE_NAME = "results.json"
LARGEST = 16_000_000
"""Bytes of a record that are read at most; a run with hundreds of findings writes less than a megabyte."""
_LONGEST_REASON = 1_000
_PARTS: Mapping[str, type[Any]] = {
    "gate": Gate,
    "baseline": AgainstBaseline,
    "fingerprint": Fingerprint,
    "preflight": Preflight,
}
_SURROGATE = re.compile("[\ud800-\udfff]")


class ResultsError(Exception):
    """A results.json cannot be used. The message is one sentence: the file, the place in it and what is wrong."""


def write_results(results: Results, directory: Path) -> Path:
    """Write `directory/results.json`, whole or not at all; returns its path."""
    path = directory / FILE_NAME
    write_atomically(path, results_text(results))
    return path


def read_results(path: Path) -> Results:
    """Read a results.json.

    Raises:
        ResultsError: it cannot be read, is too large, is not JSON, breaks the schema, or contradicts itself.
    """
    try:
        document = load(_content(path))
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read ({error.strerror or error}).") from error
    except JsonError as error:
        raise ResultsError(f"{path}: is not JSON that can be used ({error}).") from error
    _check_format(path, document)
    _check_schema(path, document)
    _check_dates(path, document)
    results = parse_results(document)
    _check_consistency(path, document, results)
    return results


def _content(path: Path) -> bytes:
    """The bytes of a record, of which no more is read than a record may have."""
    try:
        return read_regular_file(path, LARGEST)
    except UnreadableError as error:
        raise ResultsError(f"{path}: cannot be read ({error}); give the {FILE_NAME} of a run.") from error


def results_text(results: Results) -> str:
    """The text of results.json.

    A lone surrogate, which a target can smuggle into a message, is written as visible text: strict JSON readers would
    refuse the whole file because of it.
    """
    text = json.dumps(results_document(results), ensure_ascii=False, indent=2, allow_nan=False)
    return _SURROGATE.sub(lambda match: f"\\\\u{ord(match[0]):04x}", text) + "\n"


def results_document(results: Results) -> dict[str, Any]:
    """The JSON document of a run, as specs/results.schema.json describes it."""
    profile, target, exchanges = results.profile, results.target, results.exchanges
    return {
        "format": FORMAT,
        "suite": {"name": "chat-conformance", "version": results.suite_version},
        "profile": {
            "name": profile.name,
            "title": profile.title,
            "version": profile.version,
            "sha256": profile.sha256,
        },
        "target": {
            "base_url": target.base_url,
            "name": target.name,
            "embedded": target.embedded,
            "model": target.model,
            **target.parameters,
            "server": target.server,
        },
        "release": _release_document(results.release) if results.release else None,
        "tier": results.tier.value,
        "selection": results.selection,
        "strict": results.strict,
        "require_all": results.require_all,
        "replayed": results.replayed,
        "seed": results.seed,
        "interrupted": results.interrupted,
        "started": results.started,
        "duration_s": round(results.duration_s, 3),
        "verdict": results.verdict.value,
        "reasons": list(results.reasons),
        "counts": _counts_document(results),
        "exchanges": {
            "count": exchanges.count,
            "probes": exchanges.probes,
            "completion_tokens": exchanges.completion_tokens,
            "bytes": exchanges.bytes,
        },
        "waivers": [_waiver_document(waiver) for waiver in results.waivers],
        "scope": _plain(results.scope),
        **{name: _plain(getattr(results, name)) for name in _PARTS},
        "requirements": [_requirement_document(result) for result in results.requirements],
        "request_fields": fields_document(results.request_fields),
        "keywords": keywords_document(results.keywords),
        "excluded": [_omission_document(omission) for omission in results.excluded],
        "beyond_tier": [_omission_document(omission) for omission in results.beyond_tier],
    }


def _counts_document(results: Results) -> dict[str, Any]:
    def named(counts: Counts) -> dict[str, dict[str, int]]:
        return {name: {outcome.value: count for outcome, count in row.items()} for name, row in counts.items()}

    return {
        "total": {outcome.value: count for outcome, count in results.totals.items()},
        "levels": named(results.by_level),
        "sections": named(results.by_section),
    }


def _requirement_document(result: RequirementResult) -> dict[str, Any]:
    source = result.source
    return {
        "id": result.id,
        "level": result.level.value,
        "section": result.section.value,
        "tier": result.tier.value,
        "statement": result.statement,
        "source": {
            "document": source.document,
            "title": source.title,
            "place": source.place,
            "basis": source.basis.value,
            "url": source.url,
        },
        "pointer": result.pointer,
        "digest": result.digest,
        "outcome": result.outcome.value,
        "messages": list(result.messages),
        "exchanges": list(result.exchanges),
        "findings": [_finding_document(finding) for finding in result.findings],
        "waiver": _waiver_document(result.waiver) if result.waiver else None,
        "scored": result.scored,
        "tries": _plain(result.tries),
        "blocked_by": result.blocked_by,
        "lacks": result.lacks,
        "leniency": result.leniency,
    }


def _release_document(release: ReleaseView) -> dict[str, Any]:
    written = {"version": release.version, "sha256": release.sha256, "gone": list(release.gone)}
    return written | ({"changed": list(release.changed)} if release.changed else {})


def _finding_document(finding: Finding) -> dict[str, Any]:
    return {
        "exchange": finding.exchange,
        "expected": finding.expected,
        "actual": finding.actual,
        "offset": finding.offset,
        "at": finding.at,
        "event": finding.event,
    }


def _plain(value: Any) -> Any:
    """A value of a few plain fields as a JSON object."""
    if value is None:
        return None
    fields = {name: list(one) if isinstance(one, tuple) else one for name, one in asdict(value).items()}
    return {name: str(one) if isinstance(one, StrEnum) else one for name, one in fields.items()}


def _waiver_document(waiver: Waiver) -> dict[str, str | None]:
    return {
        "requirement": waiver.requirement,
        "probe": waiver.probe,
        "reason": waiver.reason,
        "owner": waiver.owner,
        "expires": waiver.expires.isoformat(),
    }


def _omission_document(omission: Omission) -> dict[str, str]:
    return {
        "id": omission.id,
        "level": omission.level.value,
        "section": omission.section.value,
        "statement": omission.statement,
        "reason": omission.reason,
    }


def parse_results(document: Mapping[str, Any]) -> Results:
    """The typed view of a results.json document that is valid against its schema."""
    optional = ("selection", "strict", "require_all", "replayed", "seed", "interrupted")
    return Results(
        suite_version=document["suite"]["version"],
        profile=ProfileView(**document["profile"]),
        target=_parse_target(document["target"]),
        tier=Tier(document["tier"]),
        started=document["started"],
        duration_s=document["duration_s"],
        verdict=Verdict(document["verdict"]),
        reasons=tuple(document["reasons"]),
        requirements=tuple(_parse_requirement(row) for row in document["requirements"]),
        exchanges=ExchangeTotals(**document["exchanges"]),
        excluded=_parse_omissions(document.get("excluded", ())),
        beyond_tier=_parse_omissions(document.get("beyond_tier", ())),
        waivers=tuple(_parse_waiver(row) for row in document["waivers"]),
        release=_parse_release(document.get("release")),
        scope=_parse_part(Scope, document.get("scope")) or Scope(),
        request_fields=parse_fields(document.get("request_fields")),
        keywords=parse_keywords(document.get("keywords")),
        **{name: _parse_part(kind, document.get(name)) for name, kind in _PARTS.items()},
        **{name: document[name] for name in optional if name in document},
    )


def _parse_target(document: Mapping[str, Any]) -> TargetView:
    fields = ("base_url", "name", "embedded", "model", "server")
    return TargetView(
        **{name: value for name, value in document.items() if name in fields},
        parameters={name: value for name, value in document.items() if name not in fields},
    )


def _parse_requirement(row: Mapping[str, Any]) -> RequirementResult:
    waiver = row.get("waiver")
    return RequirementResult(
        id=row["id"],
        level=Level(row["level"]),
        section=Section(row["section"]),
        tier=Tier(row["tier"]),
        statement=row["statement"],
        source=Source(**{**row["source"], "basis": Basis(row["source"]["basis"])}),
        digest=row["digest"],
        outcome=Outcome(row["outcome"]),
        pointer=row.get("pointer"),
        messages=tuple(row["messages"]),
        exchanges=tuple(row["exchanges"]),
        findings=tuple(Finding(requirement=row["id"], **finding) for finding in row["findings"]),
        waiver=_parse_waiver(waiver) if waiver else None,
        scored=row.get("scored", True),
        tries=_parse_part(Tries, row.get("tries")),
        blocked_by=row.get("blocked_by"),
        lacks=row.get("lacks"),
        leniency=row.get("leniency", False),
    )


def _parse_part(kind: type[Any], document: Mapping[str, Any] | None) -> Any:
    if document is None:
        return None
    values: dict[str, Any] = {
        name: _tuple(value) if isinstance(value, list) else value for name, value in document.items()
    }
    if kind is Gate:
        values["status"] = GateStatus(document["status"])
    return kind(**values)


def _tuple(values: list[Any]) -> tuple[Any, ...]:
    return tuple(_tuple(value) if isinstance(value, list) else value for value in values)


def _parse_omissions(rows: Iterable[Mapping[str, Any]]) -> tuple[Omission, ...]:
    return tuple(
        Omission(row["id"], Level(row["level"]), Section(row["section"]), row["statement"], row["reason"])
        for row in rows
    )


def _parse_release(written: Mapping[str, Any] | None) -> ReleaseView | None:
    if not written:
        return None
    gone, changed = tuple(written["gone"]), tuple(written.get("changed", ()))
    return ReleaseView(written["version"], written["sha256"], gone, changed)


def _parse_waiver(row: Mapping[str, Any]) -> Waiver:
    expires = datetime.date.fromisoformat(row["expires"])
    return Waiver(row["requirement"], row["reason"], row["owner"], expires, row.get("probe"))


def _check_format(path: Path, document: object) -> None:
    version = document.get("format") if isinstance(document, dict) else None
    if isinstance(version, int) and version > FORMAT:
        raise ResultsError(
            f"{path}: /format: is version {version}, and this release reads up to version {FORMAT};"
            " use the release of chat-conformance that wrote it."
        )


def _check_schema(path: Path, document: object) -> None:
    from jsonschema_rs import Draft202012Validator, ValidationError  # noqa: PLC0415 - takes 50 ms

    schema = load((specs_directory() / "results.schema.json").read_text(encoding="utf-8"))
    validator = Draft202012Validator(schema, validate_formats=True)
    try:
        # It stops at the first error; to list them all, a hostile file could take any time.
        validator.validate(document)
    except ValidationError as error:
        place, reason = _pointer(error.instance_path), one_line(error.message[:_LONGEST_REASON], 300)
        raise ResultsError(f"{path}: {place}: {reason}.") from error
    except ValueError as problem:  # values nested too deep, or a number of very many digits
        raise ResultsError(f"{path}: is not a record that can be read ({one_line(str(problem), 200)}).") from problem


def _check_dates(path: Path, document: Mapping[str, Any]) -> None:
    """Check the dates that the schema's format allows and no calendar has: a leap second, the year 0."""
    if moment(document["started"]) is None:
        raise ResultsError(f"{path}: /started: {quoted(document['started'])} is not a date and time.")
    waivers = [*document["waivers"], *(row["waiver"] for row in document["requirements"] if row.get("waiver"))]
    expires = next((one["expires"] for one in waivers if day(one["expires"]) is None), None)
    if expires is not None:
        raise ResultsError(f"{path}: /waivers: {quoted(expires)} is not a day.")


def _check_consistency(path: Path, document: Mapping[str, Any], results: Results) -> None:
    seen: set[str] = set()
    for index, result in enumerate(results.requirements):
        if result.id in seen:
            raise ResultsError(f"{path}: /requirements/{index}/id: {result.id} is listed a second time.")
        seen.add(result.id)
    if document["counts"] != _counts_document(results):
        raise ResultsError(
            f"{path}: /counts: does not agree with the outcomes of the requirements; it was changed after the run."
        )
    if "keywords" in document and document["keywords"] != keywords_document(results.keywords):
        raise ResultsError(
            f"{path}: /keywords/totals: does not agree with the rows of the keywords; it was changed after the run."
        )


def _pointer(parts: Iterable[object]) -> str:
    """A JSON pointer (RFC 6901); `/` alone is the whole document, so that the message always shows a place."""
    return "/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in parts)
