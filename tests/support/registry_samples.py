"""Runs of a registry as values: what their bundles show, without any bundle."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from conformance.bundle.reexamined import Judged, Reexamined, Row, ShownFinding
from conformance.contract import load_contract
from conformance.contract.model import Level, Tier
from conformance.registry.breaking import broken_requirements
from conformance.registry.changes import changes_of
from conformance.registry.layout import BundleFile, Refused
from conformance.registry.registry import Registry
from conformance.registry.run import Run
from conformance.registry.settings import RegistrySettings
from conformance.registry.subjects import Subject, subjects_of
from conformance.suite.outcome import Outcome, Verdict

GOOD, BAD, OPEN = Outcome.PASSED, Outcome.FAILED, Outcome.UNTESTED


def row(outcome: Outcome, *, level: Level = Level.MUST, scored: bool = True, digest: str = "one") -> Row:
    return Row(outcome, level, scored, digest)


def judged(release: str = "2", /, **rows: Row) -> Judged:
    outcomes = {one.outcome for one in rows.values() if one.binds}
    verdict = Verdict.NONCONFORMANT if BAD in outcomes else Verdict.INCONCLUSIVE if OPEN in outcomes else None
    return Judged(release, verdict or Verdict.CONFORMANT, "about", (), rows)


def run(
    day: int, version: str, newest: Judged, recorded: Judged | None = None, vendor: str = "Acme", **changed: Any
) -> Run:
    shown = Reexamined(
        profile="openai",
        tier=Tier.STANDARD,
        started=f"2026-11-{day:02}T10:00:00+00:00",
        duration_s=1.0,
        requests=1,
        base_url="https://api.acme.example/v1",
        model=None,
        server=None,
        embedded=False,
        suite_version="0.1.0",
        without=(),
        remarks=(),
        waived=(),
        signed_by=None,
        evidence_sha256="0" * 64,
        made_elsewhere=None,
        incomplete=None,
        recorded=newest if recorded is None else recorded,
        newest=newest,
        findings={},
        why={},
    )
    file = BundleFile(Path("run.zip"), "run.zip", vendor, "", version)
    return Run(
        file, sha256(f"{vendor} {day}".encode()).hexdigest(), replace(shown, **changed), "2026-11-30T10:00:00+00:00"
    )


def subject(*runs: Run) -> Subject:
    (found,) = subjects_of(runs)
    return found


def registry(*runs: Run) -> Registry:
    """The registry of these runs, with a file that was not taken."""
    contract = load_contract("openai")
    subjects = subjects_of(runs)
    return Registry(
        settings=RegistrySettings(),
        made=datetime(2026, 11, 30, 12, tzinfo=UTC),
        subjects=subjects,
        changes=changes_of(subjects),
        broken=broken_requirements(subjects, {"openai": {one.id: one for one in contract.requirements}}),
        certificates=(),
        refused=(Refused("Evil/1/bomb.zip", "it is a bomb."),),
        contracts={"openai": contract},
        releases={"openai": "2"},
    )


def usual_registry() -> Registry:
    """Three vendors: one conforms, one broke its streams in its second version, one is judged otherwise now."""
    good, bad = judged("2", **{DONE: row(GOOD)}), judged("2", **{DONE: row(BAD)})
    found = {DONE: (ShownFinding("stream/plain#1", "one [DONE]", "<b>none</b>"),)}
    return registry(
        run(1, "1.0", good, vendor="Zebra"),
        run(2, "1.0", good, vendor="Birch <AI>"),
        run(5, "1.1", bad, vendor="Birch <AI>", findings=found),
        run(3, "7", bad, judged("1", **{DONE: row(BAD, scored=False)}), vendor="Acme", findings=found),
    )


DONE = "stream.done-once"
