"""Collecting the tests reads no contract and no fault table: modules name them, and tests look them up."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
READERS = {
    *("contract_of", "every_fault", "keyword_faults", "load_contract", "read_fault_rows", "shipped_contract"),
    *("shipped_fault_rows", "targets_of"),
}


def run_at_import(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all that is evaluated with it when its module is imported: no body of a function."""
    yield node
    for child in evaluated(node):
        if not isinstance(child, ast.Lambda):
            yield from run_at_import(child)


def evaluated(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield from (*node.decorator_list, node.args)
    else:
        yield from ast.iter_child_nodes(node)


def readers_called_at_import(source: str) -> set[str]:
    calls = [node.func for node in run_at_import(ast.parse(source)) if isinstance(node, ast.Call)]
    return READERS & {call.id if isinstance(call, ast.Name) else getattr(call, "attr", "") for call in calls}


def test_no_module_reads_contracts_or_faults_when_it_is_imported() -> None:
    found = {
        str(path.relative_to(TESTS)): names
        for path in sorted(TESTS.rglob("*.py"))
        if (names := readers_called_at_import(path.read_text(encoding="utf-8")))
    }
    assert found == {}, "look these up in a fixture or in the test: see tests/support/shipped_contracts.py"


def test_what_a_module_evaluates_is_told_from_what_it_defines() -> None:
    assert readers_called_at_import("CONTRACT = load_contract('openai')") == {"load_contract"}
    assert readers_called_at_import("@parametrize('x', [*faults.every_fault(c)])\ndef test(x): ...") == {"every_fault"}
    assert readers_called_at_import("class A:\n  b = {k: targets_of(k) for k in 'ab'}") == {"targets_of"}
    assert (
        readers_called_at_import("def test(x=1):\n  load_contract('openai')\nread = lambda: targets_of('x')") == set()
    )
