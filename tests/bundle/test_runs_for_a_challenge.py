"""A challenge changes what is asked and not what is judged: deployments of all kinds are judged as without one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from certification import at, command, verify
from challenged_bundles import Issued

from conformance.lab.targets import contract_of, targets_of
from conformance.reference import EmbeddedReference

pytestmark = [pytest.mark.network, pytest.mark.slow]

PROFILES = ("openai", "kodexa", "loop-health")


def faulty(profile: str, fault: str) -> EmbeddedReference:
    row = next(one for one in targets_of(profile) if one.id == fault)
    return EmbeddedReference(profile, hooks=row.hooks, contract=contract_of(profile))


@pytest.mark.parametrize(
    ("profile", "tier"),
    [*((profile, ("standard",)) for profile in PROFILES), ("loop-health", ("exhaustive", "--generated", "20"))],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_the_reference_keeps_every_contract(
    profile: str, tier: tuple[str, ...], issued: Issued, tmp_path: Path
) -> None:
    bundle = tmp_path / "run.zip"
    arguments = ("--tier", *tier, "--out", tmp_path / "out", "--bundle", bundle)
    status, said = command("run", profile, "--challenge", issued.file, *arguments)
    assert status == 0, said
    status, said = verify(bundle, "--challenge", issued.file)
    assert status == 0, said


@pytest.mark.parametrize("variation", ["dialect.least-limit", "dialect.thinking"])
def test_a_deployment_that_takes_limits_in_its_own_way_is_held_to_it(
    variation: str, issued: Issued, tmp_path: Path
) -> None:
    bundle = tmp_path / "run.zip"
    arguments = ("--challenge", issued.file, "--out", tmp_path / "out", "--bundle", bundle)
    status, said = at(faulty("openai", variation), "openai", *arguments)
    assert status == 0, said
    status, said = verify(bundle, "--challenge", issued.file)
    assert status == 0, said


@pytest.mark.parametrize(
    ("profile", "fault", "broken"),
    [
        ("openai", "completion.stop-ignored", "completion.stop"),
        ("openai", "completion.max-tokens-over-by-one", "completion.max-tokens"),
        ("loop-health", "isolation.cache-by-messages", "completion.id-unique"),
        ("loop-health", "head.injected-by-body", "robustness.header-injection"),
    ],
)
def test_what_hangs_on_a_prompt_is_still_found(
    profile: str, fault: str, broken: str, issued: Issued, tmp_path: Path
) -> None:
    at(faulty(profile, fault), profile, "--challenge", issued.file, "--out", tmp_path / "out")
    record = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    assert {row["id"]: row["outcome"] for row in record["requirements"]}[broken] in {"failed", "warning"}
