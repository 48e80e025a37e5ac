"""Each fault of answers, of refusals and of authentication is caught through every requirement that it breaks."""

from __future__ import annotations

import re
import tempfile
from dataclasses import asdict
from functools import cache
from pathlib import Path

import pytest
from shipped_contracts import PROFILES, shipped_contract

from conformance.contract import Contract, Tier
from conformance.reference import EmbeddedReference
from conformance.reference import faults as catalogue
from conformance.reference.faults.catalogue import FaultRow, faults_in, read_fault_rows
from conformance.reference.faults.fault import Fault
from conformance.reference.hooks import Hooks
from conformance.running.opening import open_run
from conformance.running.pytest_session import judge
from conformance.running.run import RunSettings
from conformance.suite.outcome import BROKEN, Outcome

pytestmark = pytest.mark.network

ROWS = Path(catalogue.__file__).parent / "rows"
FILES = [ROWS / f"{name}.yaml" for name in ("answers", "conditions", "authentication")]
NAMES = [
    name for path in FILES for name in re.findall(r"^- id: (\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
]
"""The ids of the rows, found without parsing the files, so that collecting the tests stays quick."""


@cache
def rows() -> dict[str, FaultRow]:
    return {row.id: row for path in FILES for row in read_fault_rows(path)}


def shown(row: FaultRow) -> tuple[Contract, Fault]:
    """A fault in the first profile that can show it."""
    contracts = map(shipped_contract, PROFILES)
    return next((contract, fault) for contract in contracts for fault in faults_in(contract, [row]))


def test_the_names_are_those_of_all_rows() -> None:
    assert list(rows()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_fault_is_caught_through_all_that_it_breaks(name: str) -> None:
    contract, fault = shown(rows()[name])
    outcomes = outcomes_of(contract, fault.hooks, fault.breaks, fault.tier)
    assert {name for name in fault.breaks if outcomes.get(name) not in BROKEN} == set()


@pytest.mark.parametrize("profile", PROFILES)
def test_without_a_fault_nothing_is_broken(profile: str) -> None:
    contract, faults = shipped_contract(profile), [shown(row)[1] for row in rows().values()]
    broken = [name for fault in faults for name in fault.breaks if contract.requirement(name)]
    outcomes = outcomes_of(contract, Hooks(), broken)
    assert outcomes
    assert BROKEN.isdisjoint(outcomes.values())


def outcomes_of(
    contract: Contract, hooks: Hooks, only: list[str] | tuple[str, ...], tier: Tier | None = None
) -> dict[str, Outcome]:
    """The outcomes of these requirements, in `tier` or the smallest tier that has them all, with a second tenant."""
    name = contract.profile.name
    rows = [row for row in contract.requirements if row.id in only]
    tier = tier or (Tier.EXHAUSTIVE if any(row.tier is Tier.EXHAUSTIVE for row in rows) else Tier.STANDARD)
    with EmbeddedReference(name, hooks=hooks, contract=contract) as reference, tempfile.TemporaryDirectory() as out:
        settings = RunSettings(name, base_url=reference.base_url, tier=tier, only=tuple(only), out=Path(out))
        with open_run(settings, {}, asdict(reference.target)) as opened:
            run, _ = judge(opened)
    assert not run.broken
    return {row_id: judgement.outcome for row_id, judgement in run.judgements.items()}
