"""`chat-conformance requirements`: what a profile requires, where that comes from, and what tests it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from conformance.contract import Contract
    from conformance.contract.model import Requirement

STALE = 1


def list_requirements(profile: str, *, stale: bool, sources: Path | None, reviewed: bool, as_json: bool) -> int:
    """List the requirements of a profile, or only the stale ones; returns the exit status.

    Raises:
        ContractError: the profile, its rows or the review on record is unusable.
        UsageFailure: the options do not go together.
    """
    from conformance.commands.failures import UsageFailure
    from conformance.contract import load_contract

    if sources is not None and not stale:
        raise UsageFailure("--sources only means something with --stale; give both.")
    contract = load_contract(profile)
    if reviewed:
        return _record_review(contract)
    if stale:
        return _list_stale(contract, sources)
    tests = _tests_by_requirement(contract)
    if as_json:
        click.echo(json.dumps([_row(row, tests) for row in _all(contract)], indent=2, ensure_ascii=False))
    else:
        _print(contract, tests)
    return 0


def _all(contract: Contract) -> Sequence[Requirement]:
    return (*contract.requirements, *contract.excluded)


def _row(row: Requirement, tests: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    return {
        "id": row.id,
        "level": row.level.value,
        "section": row.section.value,
        "tier": row.tier.value,
        "statement": row.statement,
        "source": {"document": row.source.document, "place": row.source.place, "basis": row.source.basis.value},
        "pointer": f"{row.keyword.location}#{row.keyword.pointer}" if row.keyword else None,
        "digest": row.digest,
        "tests": list(tests.get(row.id, ())),
        "excluded": row.excluded,
    }


def _print(contract: Contract, tests: Mapping[str, Sequence[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("id", "level", "tier", "statement", "source", "tested by", box=box.SIMPLE_HEAD, pad_edge=False)
    for row in _all(contract):
        source = f"{row.source.document}, {row.source.place} ({row.source.basis.value})"
        tested = f"excluded: {row.excluded}" if row.excluded else ", ".join(tests.get(row.id, ())) or "nothing yet"
        table.add_row(row.id, row.level.value, row.tier.value, escape(row.statement), escape(source), escape(tested))
    console = Console()
    console.print(table)
    profile = contract.profile
    console.print(
        f"{profile.name} {profile.version}: {len(contract.requirements)} requirements, of which"
        f" {sum(row.keyword is not None for row in contract.requirements)} follow from schema keywords;"
        f" {len(contract.excluded)} cannot be observed from outside.",
        highlight=False,
    )


def _list_stale(contract: Contract, sources: Path | None) -> int:
    from conformance.contract import source_changes, stale_requirements

    found = [(one.id, one.why) for one in stale_requirements(contract)]
    if sources is not None:
        found += [(one.id, one.why) for one in source_changes(contract, sources)]
    for requirement_id, why in found:
        click.echo(f"{requirement_id}: {why}")
    if not found:
        click.echo(f"No requirement of {contract.profile.name} is stale.")
        return 0
    click.echo(
        f"{len(found)} requirements of {contract.profile.name} are stale: read their source again, mend the spec or"
        " the row, and record that with --reviewed."
    )
    return STALE


def _record_review(contract: Contract) -> int:
    from conformance.contract import write_review

    path = write_review(contract)
    click.echo(f"{path}: all {len(contract.requirements)} requirements recorded as reviewed.")
    return 0


def _tests_by_requirement(contract: Contract) -> dict[str, list[str]]:
    """The names of the test functions that judge each requirement."""
    from conformance.commands.pytest_session import run_pytest
    from conformance.evidence import Redactor
    from conformance.suite.run import SuiteRun
    from conformance.suite.session import Session
    from conformance.suite.settings import RunSettings
    from conformance.target import Target
    from conformance.contract.model import Tier

    session = Session(
        settings=RunSettings(profile=contract.profile.path, tier=Tier.EXHAUSTIVE),
        contract=contract,
        target=Target("http://localhost"),
        redactor=Redactor({}),
        tier=Tier.EXHAUSTIVE,
        started="",
    )
    suite_run = SuiteRun(session)
    run_pytest(suite_run, ["--collect-only"])
    return suite_run.tests
