"""A deployment that keeps its document, in whatever way it is written, is conformant; one that does not is not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from own_documents import stored
from published_documents import PUBLISHED

from conformance.contract import load_contract
from conformance.contract.model import Tier
from conformance.lab.targets import targets_of
from conformance.reference import EmbeddedReference
from conformance.reference.hooks import Hooks
from conformance.reference.own_contract import reference_stages
from conformance.running.opening import open_run
from conformance.running.pytest_session import judge
from conformance.running.run import RunSettings
from conformance.suite.expect import Judgement
from conformance.suite.outcome import Outcome
from conformance.targets.environment import variables_of

pytestmark = [pytest.mark.network, pytest.mark.slow]

FINE = {Outcome.PASSED, Outcome.SKIPPED}


def judged(path: str, out: Path, tier: Tier = Tier.STANDARD, fault: str | None = None) -> Mapping[str, Judgement]:
    """What the reference deployment of a document comes to, with a fault of its lab if one is named."""
    contract = load_contract(path)
    hooks = Hooks(reference_stages(contract))
    if fault is not None:
        hooks = next(target.hooks for target in targets_of(path) if target.id == fault)
    with EmbeddedReference(path, contract=contract, hooks=hooks) as reference:
        settings = RunSettings(path, base_url=reference.base_url, out=out, tier=tier, generated=20)
        with open_run(settings, variables_of(reference.target, contract.parameters)) as run:
            suite_run, _ = judge(run, log=out / "log.html")
    assert not suite_run.broken
    return suite_run.judgements


def findings(judgements: Mapping[str, Judgement]) -> dict[str, str]:
    """What is not kept: every finding, and every MUST that was not decided."""
    return {
        name: one.messages[0]
        for name, one in judgements.items()
        if one.findings or (one.outcome not in FINE and one.requirement.level == "MUST")
    }


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_deployment_that_keeps_its_document_is_conformant(tmp_path: Path, name: str) -> None:
    assert findings(judged(stored(tmp_path, PUBLISHED[name]), tmp_path / "out")) == {}


@pytest.mark.parametrize("name", ["parameters of every kind", "a branch within allOf", "streams only"])
def test_it_is_conformant_in_the_exhaustive_tier(tmp_path: Path, name: str) -> None:
    assert findings(judged(stored(tmp_path, PUBLISHED[name]), tmp_path / "out", Tier.EXHAUSTIVE)) == {}


@pytest.mark.parametrize(
    ("name", "fault", "broken"),
    [
        ("nullable of 3.0", "ignores:request.mode.enum", "request.mode.enum"),
        ("events in the schema of the stream", "breaks:stream.chunk.id.type", "stream.chunk.id.type"),
        ("parameters of every kind", "ignores:request.query.api-version.enum", "request.query.api-version.enum"),
        ("parameters of every kind", "ignores:request.header.x-tenant.required", "request.header.x-tenant.required"),
        ("422 and no 400", "breaks:error.422.detail.required", "error.422.detail.required"),
        (
            "a branch within allOf",
            "ignores:request.messages.items.role.required",
            "request.messages.items.role.required",
        ),
    ],
)
def test_a_deployment_that_breaks_it_is_not(tmp_path: Path, name: str, fault: str, broken: str) -> None:
    assert broken in findings(judged(stored(tmp_path, PUBLISHED[name]), tmp_path / "out", fault=fault))
