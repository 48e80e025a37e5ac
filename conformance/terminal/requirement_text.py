"""Renders the requirements of a contract as text: a paragraph each, as wide as the terminal, ids never cut."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.contract import Contract, Release
    from conformance.contract.model import Requirement

_WIDTH_OF_ID = 48
_WIDEST = 110


def requirements_text(contract: Contract, tests: Mapping[str, Sequence[str]], release: Release | None = None) -> str:
    """Each requirement with its level, tier, statement, source and tests, section by section; then a summary.

    `tests` are the names of the test functions by requirement; `release` is the one that the contract is scored by, if
    it is. Without a terminal the lines are 80 columns wide.
    """
    width = max(40, min(_WIDEST, shutil.get_terminal_size((80, 24)).columns))
    lines: list[str] = []
    for section, rows in groupby(contract.requirements, key=lambda row: row.section):
        listed = list(rows)
        lines += [_heading(f"{section.value} ({len(listed)})"), ""]
        for row in listed:
            lines += [*_paragraph(row, tests.get(row.id, ()), width), ""]
    if contract.excluded:
        lines += [_heading(f"cannot be observed from outside ({len(contract.excluded)})"), ""]
        for row in contract.excluded:
            lines += [*_paragraph(row, (), width), ""]
    return "\n".join([*lines, *_wrapped(_summary(contract, tests, release), width, "")])


def _heading(title: str) -> str:
    return f"{title}\n{'-' * len(title)}"


def _paragraph(row: Requirement, tests: Sequence[str], width: int) -> Iterator[str]:
    # A long id moves the rest of the line; it is not cut, so that it can be copied and searched.
    later = "" if row.scored else "  not scored"
    yield f"{row.id:<{_WIDTH_OF_ID}} {row.level.value:<6} {row.tier.value}{later}"
    yield from _wrapped(row.statement, width, "    ")
    source = row.source
    yield from _wrapped(f"{source.title or source.document}, {source.place} ({source.basis.value})", width, "    ")
    if row.excluded:
        yield from _wrapped(f"excluded: {row.excluded}", width, "    ")
    else:
        yield from _wrapped(f"tested by {', '.join(tests)}" if tests else "not tested yet", width, "    ")


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _summary(contract: Contract, tests: Mapping[str, Sequence[str]], release: Release | None) -> str:
    rows = contract.requirements
    derived = sum(row.keyword is not None for row in rows)
    untested = sum(row.id not in tests for row in rows)
    gap = f"; no test judges {untested} of them" if untested else ""
    return (
        f"{contract.profile.name} {contract.profile.version}: {len(rows)} requirements, of which {derived} follow from"
        f" schema keywords{gap}; {len(contract.excluded)} more cannot be observed from outside."
        f"{'' if release is None else _of_release(contract, release)}"
    )


def _of_release(contract: Contract, release: Release) -> str:
    scored, gone = sum(row.scored for row in contract.requirements), release.gone(contract)
    lost = f" {len(gone)} that it requires are no longer judged: {', '.join(gone)}." if gone else ""
    return (
        f" The release {release.version} scores {scored} of them;"
        f" {len(contract.requirements) - scored} are newer and are only reported.{lost}"
    )
