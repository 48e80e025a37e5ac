"""Finds names in the code that mean nothing: ids of requirements that no catalogue has, and probes that no plan has."""

from __future__ import annotations

import ast
import fnmatch
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import conformance
from conformance.contract import Section, WrittenAt, shipped_profiles
from conformance.contract.catalogue import shipped_rows
from conformance.contract.places import written_at
from conformance.lab.gaps import Gap, probe_names, suite_tests
from conformance.lab.targets import contract_of
from conformance.reference.faults import shipped_fault_rows
from conformance.reference.faults.catalogue import unknown_requirements
from conformance.reference.faults.registry import implementations

PACKAGE = Path(conformance.__file__).parent

_SECTIONS = "|".join(Section)
_ID = re.compile(rf"({_SECTIONS})(\.[a-z0-9_*-]+)+")
_PROBE = re.compile(rf"({_SECTIONS}|path|generated|load)(\.[a-z0-9_*-]+)*(/[a-z0-9_.*!\[\]-]*[a-z0-9_*\]])+")
_NO_REQUIREMENT = "is the id of no requirement"
_NO_PROBE = "matches no probe of any profile and tier"
_CORRECT_ID = "correct the id, or add the row"
_CORRECT_PROBE = "correct the name, or add the probe"


@dataclass(frozen=True, slots=True)
class KnownNames:
    """What the names in the code may mean."""

    requirements: frozenset[str]
    others: frozenset[str]
    """Names that look like a requirement's: of fault actions, and of the places that schemas are in."""
    probes: tuple[str, ...]

    def gap(self, name: str, where: WrittenAt) -> Gap | None:
        """What is wrong with a name or glob that looks like a requirement's or a probe's."""
        if _ID.fullmatch(name) and name not in self.others and not fnmatch.filter(self.requirements, name):
            return Gap(name, where, _NO_REQUIREMENT, _CORRECT_ID)
        if _PROBE.fullmatch(name) and not fnmatch.filter(self.probes, name):
            return Gap(name, where, _NO_PROBE, _CORRECT_PROBE)
        return None


def meaningless_names() -> tuple[Gap, ...]:
    """The names that mean nothing in the package's code, in the marks of the suite and in the rows of faults.

    Raises:
        ContractError: a shipped contract, or the catalogue of faults, cannot be used.
        RuntimeError: the suite cannot be collected.
    """
    known = known_names()
    found = chain(meaningless_in_folder(PACKAGE, known), _in_marks(known), _in_fault_rows())
    return tuple({(gap.subject, gap.where.file): gap for gap in reversed([*found])}.values())[::-1]


def known_names() -> KnownNames:
    """The names of everything that is shipped, and of the probes of a document that says nothing of the request.

    Raises:
        ContractError: as `meaningless_names`.
    """
    contracts = [contract_of(profile) for profile in shipped_profiles()]
    rows = [row for contract in contracts for row in (*contract.requirements, *contract.excluded)]
    barest = replace(contracts[0], requirements=(), operation=replace(contracts[0].operation, request_schema=True))
    return KnownNames(
        requirements=frozenset(chain((row.id for row in rows), (row.id for row in shipped_rows()))),
        others=frozenset(implementations()) | {row.keyword.location for row in rows if row.keyword is not None},
        probes=tuple(dict.fromkeys(chain.from_iterable(map(probe_names, (*contracts, barest))))),
    )


def meaningless_in_folder(folder: Path, known: KnownNames) -> Iterator[Gap]:
    """The names that mean nothing in the Python files below a folder."""
    for path in sorted(folder.rglob("*.py")):
        file = path.relative_to(folder.parent).as_posix()
        for text, line in _texts(ast.parse(path.read_text(encoding="utf-8"))):
            gap = known.gap(text, WrittenAt(file, line))
            if gap is not None:
                yield gap


def _texts(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """The strings of a module that are neither documentation nor a part of another string, and the line of each."""
    prose: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            prose.add(id(node.value))
        elif isinstance(node, ast.JoinedStr):
            prose.update(map(id, node.values))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.value, node.lineno


def _in_marks(known: KnownNames) -> Iterator[Gap]:
    profile = shipped_profiles()[0]
    for test in suite_tests(contract_of(profile), profile):
        if test.named is not None and test.named not in known.requirements:
            yield Gap(test.named, test.where, _NO_REQUIREMENT, _CORRECT_ID)
        for pattern in test.patterns:
            if "{id}" not in pattern and not fnmatch.filter(known.probes, pattern):
                yield Gap(pattern, test.where, _NO_PROBE, _CORRECT_PROBE)


def _in_fault_rows() -> Iterator[Gap]:
    contracts = [contract_of(profile) for profile in shipped_profiles()]
    for row in shipped_fault_rows():
        where = written_at(row.document, row.pointer)
        yield from (Gap(name, where, _NO_REQUIREMENT, _CORRECT_ID) for name in unknown_requirements(row, contracts))
