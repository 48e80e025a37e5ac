"""Judging the evidence of a run again gives its results.json, but for times: with faults of every kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import judge

from conformance.compare.record_differences import record_differences
from conformance.lab.observing import LIMITS, WAITING_LIMITS
from conformance.lab.targets import contract_of, targets_of
from conformance.reference import EmbeddedReference
from conformance.targets.environment import variables_of

pytestmark = pytest.mark.network

CHOSEN = {
    "openai": ("control-exhaustive", "completion.byte-order-mark", "over-enforces:request.stream_options.type"),
    "kodexa": ("control", "refusal.model-503-for-ever"),
}
"""The deployment without a fault, and faults of each kind: of a row, of a schema keyword, and one to be waited
for. The lab judges the evidence of many more again (tests/lab/test_evidence_checks.py)."""


@pytest.fixture(autouse=True)
def _no_variables_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    import os  # noqa: PLC0415 - as elsewhere, a test's environment is its own

    for name in [name for name in os.environ if name.startswith("CONFORMANCE_")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize(("profile", "name"), [(profile, name) for profile, names in CHOSEN.items() for name in names])
def test_evidence_judged_again_gives_the_same_record(
    profile: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = next(one for one in targets_of(profile) if one.id == name)
    contract = contract_of(profile)
    limits = WAITING_LIMITS if target.waits else LIMITS
    with EmbeddedReference(target.profile, hooks=target.hooks, contract=contract) as reference:
        for variable, value in variables_of(reference.target, contract.parameters).items():
            monkeypatch.setenv(variable, value)
        live = judge(tmp_path / "live", target.profile, base_url=reference.base_url, limits=limits)
    again = judge(tmp_path / "again", target.profile, replay=tmp_path / "live")
    assert list(record_differences(live.document, again.document)) == []
    assert again.status == live.status


def test_a_difference_is_found(tmp_path: Path) -> None:
    live = judge(tmp_path / "live", "loop-health")
    other = json.loads(json.dumps(live.document))
    other["requirements"][3]["findings"] = [{"exchange": None, "expected": "a", "actual": "b"}]
    other["requirements"][5]["outcome"] = "inconclusive"
    other["requirements"].pop()
    other["verdict"] = "inconclusive"
    printed = list(record_differences(live.document, other))
    names = [row["id"] for row in live.document["requirements"]]
    assert printed[0].startswith(f"{names[3]}: findings in results.json is not what")
    assert printed[1].startswith(f"{names[5]}: results.json says ")
    assert printed[2] == f"{names[-1]}: judging the evidence again does not give it."
    assert printed[3] == (
        'results.json says verdict "conformant", and judging the evidence again gives "inconclusive".'
    )
