"""`chat-conformance requirements`: what a profile requires, the source of each requirement, and its tests."""

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
INCOMPLETE = 1
_ALONE = {
    "reviewed": "only records; leave the other options out",
    "freeze": "only writes a release; leave the other options out",
    "check": "lists what the requirements lack; leave the other options out",
    "release": "lists what a release scores; of the other options, it goes with --json only",
}
"""Options that do one thing each."""


def list_requirements(  # noqa: PLR0913 - each is an option of the command line
    profile: str,
    *,
    stale: bool,
    sources: Path | None,
    reviewed: bool,
    freeze: str | None = None,
    release: str | None = None,
    check: bool = False,
    as_json: bool,
) -> int:
    """List the requirements of a profile, only the stale ones, or what they lack; returns the exit status.

    `release` is the version of the release by which the list says what is scored.

    Raises:
        ContractError: the profile, its rows or the recorded review cannot be used.
        ProbeError: the contract does not allow the request that all probes start from.
        UsageFailure: the options do not go together, or `sources` is not a folder.
    """
    from conformance.contract import load_contract
    from conformance.terminal.exits import UsageFailure

    alone = {"reviewed": reviewed, "freeze": freeze is not None, "check": check, "release": release is not None}
    for name, about in _ALONE.items():
        others = stale or any(given for other, given in alone.items() if other != name)
        if alone[name] and (others or (as_json and name != "release")):
            raise UsageFailure(f"--{name} {about}.")
    if sources is not None and not stale:
        raise UsageFailure("--sources only has a meaning with --stale; give both.")
    if sources is not None and not sources.is_dir():
        raise UsageFailure(f"--sources {sources} is not a folder; give the folder with the source documents.")
    contract = load_contract(profile)
    if check:
        return _list_gaps(contract, profile)
    if reviewed:
        return _record_review(contract)
    if freeze is not None:
        return _freeze(contract, freeze)
    if stale:
        return _list_stale(contract, profile, sources, as_json=as_json)
    _list_all(contract, profile, release, as_json=as_json)
    return 0


def _list_gaps(contract: Contract, profile: str) -> int:
    from conformance.contract import shipped_profiles
    from conformance.lab.gaps import requirement_gaps
    from conformance.lab.names_in_code import meaningless_names

    gaps = requirement_gaps(contract, profile)
    if profile in shipped_profiles():
        gaps += meaningless_names()
    for gap in gaps:
        click.echo(str(gap))
    if gaps:
        click.echo(f"{len(gaps)} to do for {contract.profile.name}.")
        return INCOMPLETE
    click.echo(f"No requirement of {contract.profile.name} lacks anything.")
    return 0


def _list_all(contract: Contract, profile: str, version: str | None, *, as_json: bool) -> None:
    from conformance.contract import read_release, with_release
    from conformance.running.pytest_session import judging_tests

    tests = judging_tests(contract, profile)
    release = None if version is None else read_release(contract, version)
    if release is not None:
        contract = with_release(contract, release)
    rows = [*contract.requirements, *contract.excluded]
    if as_json:
        _print_json([_document(row, tests) for row in rows])
        return
    from conformance.terminal.requirement_text import requirements_text

    click.echo(requirements_text(contract, tests, release))


def _document(row: Requirement, tests: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    return {
        "id": row.id,
        "level": row.level.value,
        "section": row.section.value,
        "tier": row.tier.value,
        "statement": row.statement,
        "source": {
            "document": row.source.document,
            "title": row.source.title,
            "place": row.source.place,
            "basis": row.source.basis.value,
            "url": row.source.url,
        },
        "pointer": f"{row.keyword.location}#{row.keyword.pointer}" if row.keyword else None,
        "digest": row.digest,
        "tests": list(tests.get(row.id, ())),
        "excluded": row.excluded,
        "scored": row.scored,
    }


def _list_stale(contract: Contract, profile: str, sources: Path | None, *, as_json: bool) -> int:
    from conformance.contract import source_changes, stale

    rows = stale(contract)
    changes = () if sources is None else source_changes(contract, sources)
    if as_json:
        _print_json(
            {
                "stale": [{"id": one.id, "why": one.why} for one in rows],
                "changed_sources": [
                    {
                        "document": one.document,
                        "file": one.file,
                        "expected": one.expected,
                        "actual": one.actual,
                        "requirements": list(one.requirements),
                    }
                    for one in changes
                ],
            }
        )
        return STALE if rows or changes else 0
    for one in rows:
        click.echo(f"{one.id}: {one.why}")
    for change in changes:
        what = "is missing" if change.actual is None else f"changed (sha256 {change.actual}, not {change.expected})"
        resting = len(change.requirements)
        click.echo(f"{change.file} {what}; {resting} requirements of {contract.profile.name} are based on it.")
    if not rows and not changes:
        click.echo(f"No requirement of {contract.profile.name} is stale.")
        return 0
    if rows:
        click.echo(
            f"{len(rows)} requirements of {contract.profile.name} to review. {_HOW_TO_REVIEW} {profile} --reviewed."
        )
    return STALE


_HOW_TO_REVIEW = (
    "Read each source again, correct the document or the row, then record the review with:"
    " chat-conformance requirements"
)


def _record_review(contract: Contract) -> int:
    from conformance.contract import write_review

    path = write_review(contract)
    count = len(contract.requirements) + len(contract.excluded)
    click.echo(f"{path}: {count} requirements recorded as reviewed.")
    return 0


def _freeze(contract: Contract, version: str) -> int:
    from conformance.contract import freeze

    path = freeze(contract, version)
    click.echo(f"{path}: {len(contract.requirements)} requirements frozen; this file never changes.")
    return 0


def _print_json(document: Any) -> None:
    from conformance.terminal.output import print_json

    print_json(json.dumps(document, indent=2, ensure_ascii=False))
