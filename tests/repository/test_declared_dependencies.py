"""Every package that the code imports is declared, and every declared one is imported."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BY_NAME = {"rfc3339-validator"}
"""What is not imported: a format that jsonschema can judge where it is there."""


def declared(requirements: Iterable[str]) -> set[str]:
    """The names of distributions, in their normal form."""
    return {normal(re.split(r"[\[<>=!~;@ ]", one, maxsplit=1)[0]) for one in requirements}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(folder: Path) -> Iterator[str]:
    """The top-level modules that the files below a folder import."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module


def distributions(modules: Iterable[str]) -> set[str]:
    """The distributions that third-party modules come from."""
    known = packages_distributions()
    tops = {module.partition(".")[0] for module in modules} - set(sys.stdlib_module_names) - {"conformance"}
    return {normal(name) for top in tops for name in known.get(top, ())}


def test_the_package_declares_what_it_imports_and_nothing_else() -> None:
    extras = PROJECT["optional-dependencies"]
    needed = distributions(imported(ROOT / "conformance"))
    always = declared(PROJECT["dependencies"])
    assert needed - always - declared((*extras["xdist"], *extras["signing"])) == set()
    assert always - needed == BY_NAME
