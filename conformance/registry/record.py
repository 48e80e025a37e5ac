"""Makes registry.json: everything that the pages show, for programs; specs/registry.schema.json describes it."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any, Final

import conformance
from conformance.registry.breaking import clients_broken
from conformance.registry.certified import Certified
from conformance.registry.changes import VerdictChange
from conformance.registry.places import Places
from conformance.registry.registry import Registry
from conformance.registry.run import Run
from conformance.registry.subjects import Subject, Version
from conformance.shipped import program_digest

FORMAT: Final = 1


def registry_json(registry: Registry) -> str:
    """The record of a registry as JSON text."""
    places = Places.of(registry)
    document = {
        "format": FORMAT,
        "title": registry.settings.title,
        "made": registry.made.astimezone(UTC).isoformat(timespec="seconds"),
        "suite": {"name": "chat-conformance", "version": conformance.__version__, "sha256": program_digest()},
        "releases": dict(registry.releases),
        "subjects": [_subject(one, registry, places) for one in registry.subjects],
        "changes": [_change(one) for one in registry.changes],
        "certificates": [_certificate(one) for one in registry.certificates],
        "refused": [{"place": one.place, "why": one.why} for one in registry.refused],
    }
    return json.dumps(document, ensure_ascii=True, indent=1, allow_nan=False) + "\n"


def _subject(subject: Subject, registry: Registry, places: Places) -> dict[str, Any]:
    held = registry.certificate_of(subject)
    return {
        "vendor": subject.vendor,
        "product": subject.product,
        "profile": subject.profile,
        "page": places.vendor(subject.vendor),
        "certificate": None if held is None else held.certificate.id,
        "versions": [_version(subject, one) for one in subject.versions],
    }


def _version(subject: Subject, version: Version) -> dict[str, Any]:
    run = version.deciding
    return {
        "version": version.name,
        "verdict": run.verdict.value,
        "since": subject.since(version).shown.started,
        "run": run.id,
        "runs": [_run(one) for one in version.runs],
    }


def _run(run: Run) -> dict[str, Any]:
    shown, newest = run.shown, run.newest
    clients = clients_broken(run)
    return {
        "id": run.id,
        "bundle": {"place": run.file.place, "sha256": run.sha256, "signed_by": shown.signed_by},
        "started": shown.started,
        "tier": shown.tier.value,
        "target": {"base_url": shown.base_url, "model": shown.model},
        "suite_version": shown.suite_version,
        "recorded": {"verdict": shown.recorded.verdict.value, "release": shown.recorded.release},
        "newest": {"verdict": newest.verdict.value, "release": newest.release, "about": newest.about},
        "broken": list(newest.broken),
        "warnings": list(newest.warnings),
        "undecided": list(newest.undecided),
        "clients": {"broken": list(clients.names), "of": clients.of} if clients.is_seen else None,
    }


def _change(change: VerdictChange) -> dict[str, Any]:
    return {
        "vendor": change.subject.vendor,
        "product": change.subject.product,
        "profile": change.subject.profile,
        "run": change.run.id,
        "earlier": None if change.earlier is None else change.earlier.id,
        "at": change.at.isoformat(),
        "before": change.before.value,
        "after": change.after.value,
        "causes": [cause.value for cause in change.causes],
        "requirements": [
            {
                "id": row.requirement,
                "before": None if row.before is None else row.before.value,
                "after": None if row.after is None else row.after.value,
                "cause": row.cause.value,
                "why": row.why,
            }
            for row in change.rows
        ],
    }


def _certificate(one: Certified) -> dict[str, Any]:
    certificate = one.certificate
    return {
        "id": certificate.id,
        "sha256": one.signed.sha256,
        "subject": certificate.subject.title,
        "about": certificate.scope.about,
        "issuer": certificate.issuer.name,
        "issued": certificate.issued,
        "expires": certificate.expires,
        "standing": one.stands.standing.value,
        "runs": [run.id for run in one.runs],
    }
