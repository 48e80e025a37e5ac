"""Every package that the code imports is declared, and every declared one is imported."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PUBLISHED_FAULTS = {
    "brotli": ("1.2.0", "CVE-2025-6176"),
    "click": ("8.3.3", "CVE-2026-7246"),
    "cryptography": ("50.0.0", "CVE-2026-69247"),
    "filelock": ("3.20.3", "CVE-2025-68146, CVE-2026-22701"),
    "h11": ("0.16.0", "CVE-2025-43859"),
    "httpcore": ("1.0.9", "the first that takes such an h11"),
    "jinja2": ("3.1.6", "CVE-2025-27516"),
    "mkdocs-material": ("9.7.7", "PYSEC-2026-3864"),
    "protobuf": ("6.33.5", "CVE-2026-0994"),
    "pytest": ("9.0.3", "CVE-2025-71176"),
    "starlette": ("1.3.1", "CVE-2025-62727, CVE-2026-48710, CVE-2026-48817, CVE-2026-54282, CVE-2026-54283"),
}
"""The first version of each dependency in which faults that were published are mended."""
NAMESPACES = {
    "hdrh": ("hdrhistogram",),
    "opentelemetry": ("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"),
}
"""The distributions that are meant by a module which many of them share, or which has another name."""
BY_NAME = {"rfc3339-validator"}
"""What is not imported: a format that jsonschema can judge where it is there."""


def declared(requirements: Iterable[str]) -> set[str]:
    """The names of distributions, in their normal form."""
    return {normal(re.split(r"[\[<>=!~;@ ]", one, maxsplit=1)[0]) for one in requirements}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(folder: Path) -> Iterator[str]:
    """The top-level modules that the files below a folder import, but for those that run in clients' environments."""
    for path in folder.rglob("*.py"):
        if path.parent.name == "drivers":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module


def distributions(modules: Iterable[str]) -> set[str]:
    """The distributions that third-party modules come from."""
    others = {top: names for top, names in packages_distributions().items() if top not in NAMESPACES}
    return {normal(name) for top in third_party(modules) for name in (*NAMESPACES.get(top, ()), *others.get(top, ()))}


def third_party(modules: Iterable[str]) -> set[str]:
    """The top-level names of modules that neither Python nor this repository has."""
    return {module.partition(".")[0] for module in modules} - set(sys.stdlib_module_names) - {"conformance"}


def test_what_is_imported_is_known_by_its_distribution() -> None:
    # The modules of these extras have the names of their distributions, or share one, and they may be missing.
    extras = PROJECT["optional-dependencies"]
    optional = [one for name in ("fleet", "registry", "soak", "watch") for one in extras[name]]
    may_lack = {name.replace("-", "_") for name in declared(optional)} | NAMESPACES.keys()
    assert third_party(imported(ROOT / "conformance")) - packages_distributions().keys() - may_lack == set()


def test_the_package_declares_what_it_imports_and_nothing_else() -> None:
    extras = PROJECT["optional-dependencies"]
    needed = distributions(imported(ROOT / "conformance"))
    always = declared(PROJECT["dependencies"])
    optional = (extras[name] for name in ("fleet", "soak", "watch", "registry", "xdist", "signing"))
    assert needed - always - declared(tuple(one for some in optional for one in some)) == set()
    assert always - needed == BY_NAME


@pytest.mark.parametrize("name", PUBLISHED_FAULTS)
def test_no_version_with_a_published_fault_is_allowed(name: str) -> None:
    extras = PROJECT["optional-dependencies"]
    every = [
        Requirement(one) for one in (*PROJECT["dependencies"], *(one for extra in extras.values() for one in extra))
    ]
    (found,) = {one.specifier for one in every if canonicalize_name(one.name) == name}
    least = next(Version(one.version) for one in found if one.operator == ">=")
    mended, fault = PUBLISHED_FAULTS[name]
    assert least >= Version(mended), fault
