"""A gateway keeps its contract before every kind of upstream: judged by the suite itself."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

import command_line
import pytest
from model_servers import MANNERS, model_server
from reference_callers import PATHS
from upstream_gateway import gateway

from conformance.contract.model import Tier
from conformance.running.opening import open_run
from conformance.running.pytest_session import judge
from conformance.running.run import RunSettings
from conformance.suite.expect import Judgement
from conformance.suite.outcome import Outcome

pytestmark = [pytest.mark.network, pytest.mark.slow]

PATIENT: Any = {"idle_timeout": 30.0, "whole_timeout": 30.0}
FAR_FROM_THE_CONTRACT = ("lacks nearly everything", "has an absurd usage", "refuses sampling")


def judged(manner: str, profile: str, tier: Tier) -> Mapping[str, Judgement]:
    """What a run against a gateway before such an upstream comes to."""
    with (
        gateway(model_server(MANNERS[manner]), profile, model=None, **PATIENT) as gate,
        tempfile.TemporaryDirectory() as out,
    ):
        settings = RunSettings(profile, base_url=gate.reference.base_url, tier=tier, out=Path(out))
        with open_run(settings, {}, asdict(gate.reference.target)) as opened:
            run, _ = judge(opened)
    assert not run.broken
    return run.judgements


def complaints(judgements: Mapping[str, Judgement]) -> dict[str, list[str]]:
    """What is neither kept nor does not apply, with what the suite says of it."""
    fine = {Outcome.PASSED, Outcome.SKIPPED}
    return {
        name: [*one.messages, *(f"{two.exchange}: {two.expected}, not {two.actual}" for two in one.findings)]
        for name, one in judgements.items()
        if one.outcome not in fine
    }


@pytest.mark.parametrize("profile", sorted(PATHS))
@pytest.mark.parametrize("manner", MANNERS)
def test_a_gateway_is_conformant_before_an_upstream_that(manner: str, profile: str) -> None:
    judgements = judged(manner, profile, Tier.SMOKE)
    assert complaints(judgements) == {}
    assert judgements["stream.status"].outcome is Outcome.PASSED


@pytest.mark.parametrize("profile", sorted(PATHS))
@pytest.mark.parametrize("manner", FAR_FROM_THE_CONTRACT)
def test_a_gateway_keeps_every_requirement_before_an_upstream_that(manner: str, profile: str) -> None:
    assert complaints(judged(manner, profile, Tier.STANDARD)) == {}


@pytest.mark.parametrize("profile", sorted(PATHS))
def test_what_a_gateway_refuses_is_out_of_the_scope(
    profile: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with gateway(model_server(MANNERS["refuses sampling"]), profile, **PATIENT) as gate:
        monkeypatch.setenv("CONFORMANCE_API_KEY", gate.reference.api_key)
        monkeypatch.setenv("CONFORMANCE_MODEL", gate.reference.model)
        monkeypatch.setenv("CONFORMANCE_ORG_ID", gate.reference.target.parameters.get("orgId", str(UUID(int=1))))
        ended = command_line.judge(tmp_path / "out", profile, base_url=gate.reference.base_url)
    assert ended.status == 0
    assert "temperature" in ended.document["scope"]["without"]
