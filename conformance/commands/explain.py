"""`chat-conformance explain`: one requirement, why clients need it, what breaks it, and how to fix that."""

from __future__ import annotations

import difflib
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from conformance.contract import Contract, Requirement
    from conformance.report.explained import Explained

_WIDEST = 100


def explain_requirement(row_id: str, profile: str) -> int:
    """Print everything known about a requirement; returns the exit status.

    Raises:
        ContractError: the profile cannot be loaded.
        UsageFailure: the profile has no such requirement; the message names similar ids, or the profiles that have
            it.
    """
    from conformance.contract import load_contract
    from conformance.report.explained import explained
    from conformance.running.pytest_session import judging_tests

    contract = load_contract(profile)
    row = next((one for one in (*contract.requirements, *contract.excluded) if one.id == row_id), None)
    if row is None:
        raise _unknown(row_id, contract)
    tests = () if row.excluded else judging_tests(contract, profile).get(row.id, ())
    width = min(_WIDEST, shutil.get_terminal_size((_WIDEST, 24)).columns)
    click.echo("\n".join(_lines(explained(row, contract), tests, width)))
    return 0


def write_page(profile: str, file: Path) -> int:
    """Write the page that explains every requirement of a profile; returns the exit status.

    Raises:
        ContractError: the profile cannot be loaded.
        OSError: the page cannot be written.
    """
    from conformance.contract import load_contract
    from conformance.report import write_atomically
    from conformance.report.requirements_page import requirements_page

    write_atomically(file, requirements_page(load_contract(profile)))
    click.echo(str(file))
    return 0


def _unknown(row_id: str, contract: Contract) -> Exception:
    from conformance.contract import load_contract, shipped_profiles
    from conformance.terminal.exits import UsageFailure

    ids = [row.id for row in contract.requirements]
    elsewhere = [
        name
        for name in shipped_profiles()
        if name != contract.profile.name and load_contract(name).requirement(row_id) is not None
    ]
    near = difflib.get_close_matches(row_id, ids, n=3, cutoff=0.5)
    hint = f"it belongs to {', '.join(elsewhere)}." if elsewhere else ""
    hint = hint or (f"did you mean {' or '.join(near)}?" if near else "chat-conformance requirements lists them.")
    return UsageFailure(f"{contract.profile.name} has no requirement {row_id!r}; {hint}")


def _lines(shown: Explained, tests: Sequence[str], width: int) -> Iterator[str]:
    row = shown.requirement
    yield f"{row.id}  ({row.level.value}, {row.tier.value} tier)"
    yield from _paragraph("", row.statement, width)
    yield ""
    yield from _paragraph("Source   ", _source(row), width)
    if row.excluded:
        yield from _paragraph("Excluded ", row.excluded, width)
    if shown.why:
        yield from ("", *_paragraph("Why      ", shown.why, width))
    if shown.fix:
        yield from ("", *_paragraph("Fix      ", shown.fix, width))
    if shown.faults:
        yield from ("", "Faults in the catalogue that break it:")
        for fault in shown.faults:
            seen = f"; seen in {', '.join(fault.seen)}" if fault.seen else ""
            yield from _paragraph("  - ", f"{fault.about} ({fault.id}{seen})", width)
    if tests:
        yield from ("", *_paragraph("Tested by ", ", ".join(tests), width))


def _source(row: Requirement) -> str:
    source = row.source
    address = f" <{source.url}>" if source.url else ""
    return f"{source.title or source.document}, {source.place} ({source.basis.value}){address}"


def _paragraph(label: str, text: str, width: int) -> list[str]:
    indent = " " * len(label) if label else "  "
    return textwrap.wrap(
        text,
        width,
        initial_indent=label or indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
