"""Judges the reference deployment with some of its stages replaced, in this process."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from command_line import Judged, judge
from shipped_contracts import shipped_contract

from conformance.contract import Contract, Tier
from conformance.reference import EmbeddedReference
from conformance.reference.faults.actions import FaultAction
from conformance.reference.faults.registry import hooks_with
from conformance.reference.stages import Stages
from conformance.running.opening import open_run
from conformance.running.pytest_session import judge as judge_run
from conformance.running.run import RunSettings
from conformance.suite import Outcome


def outcomes_of(contract: Contract, stages: Stages, *only: str) -> dict[str, Outcome]:
    """The outcome of each requirement that `only` selects (ids or globs; all of them without any)."""
    name = contract.profile.name
    with EmbeddedReference(name, stages=stages, contract=contract) as reference, tempfile.TemporaryDirectory() as out:
        target = replace(reference.target, other_api_key=None, other_parameters={})
        settings = RunSettings(name, base_url=reference.base_url, tier=Tier.STANDARD, only=only, out=Path(out))
        with open_run(settings, {}, asdict(target)) as opened:
            run, _ = judge_run(opened)
    assert not run.broken
    return {row_id: judgement.outcome for row_id, judgement in run.judgements.items()}


def judged(folder: Path, monkeypatch: pytest.MonkeyPatch, *actions: FaultAction) -> Judged:
    """What a run of the suite, as a user starts it, says of the openai reference with these fault actions."""
    hooks, contract = hooks_with(actions), shipped_contract("openai")
    with EmbeddedReference("openai", hooks=hooks, contract=contract) as reference:
        monkeypatch.setenv("CONFORMANCE_API_KEY", reference.api_key)
        monkeypatch.setenv("CONFORMANCE_MODEL", str(reference.model))
        return judge(folder, base_url=reference.base_url)
