"""The lock that CI installs from fits pyproject.toml and names no index and no path; `nox -s lock` remakes it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
DOCUMENT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT: dict[str, Any] = DOCUMENT["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
LOCKS = {
    "run.txt": PROJECT["dependencies"],
    "image.txt": [*PROJECT["dependencies"], *EXTRAS["signing"]],
    "fleet.txt": [*PROJECT["dependencies"], *EXTRAS["fleet"]],
    "soak.txt": [*PROJECT["dependencies"], *EXTRAS["soak"]],
    "registry.txt": [*PROJECT["dependencies"], *EXTRAS["registry"]],
    "test.txt": [*PROJECT["dependencies"], *(one for extra in EXTRAS.values() for one in extra)],
    "release.txt": DOCUMENT["dependency-groups"]["release"],
}


def text_of(name: str) -> str:
    return (ROOT / "requirements" / name).read_text(encoding="utf-8")


def pinned(name: str) -> list[Requirement]:
    """The requirements of a lock, each of which may stand twice under different conditions."""
    joined = text_of(name).replace("\\\n", " ")
    lines = [line.partition(" --hash=")[0] for line in joined.splitlines() if line and not line.startswith("#")]
    return [Requirement(line) for line in lines]


def versions(requirements: Iterable[Requirement]) -> set[tuple[str, str]]:
    return {(canonicalize_name(one.name), next(iter(one.specifier)).version) for one in requirements}


@pytest.mark.parametrize("name", LOCKS)
def test_each_dependency_is_locked_at_a_version_that_it_allows(name: str) -> None:
    locked = versions(pinned(name))
    needed = [Requirement(text) for text in LOCKS[name]]
    unfit = [
        str(requirement)
        for requirement in needed
        if requirement.name != PROJECT["name"]
        and not any(
            own == canonicalize_name(requirement.name) and requirement.specifier.contains(version)
            for own, version in locked
        )
    ]
    assert unfit == [], "nox -s lock"


@pytest.mark.parametrize("name", LOCKS)
def test_each_version_is_exact_and_has_hashes(name: str) -> None:
    blocks = re.split(r"\n(?=\S)", text_of(name).strip())
    requirements = [block for block in blocks if not block.startswith("#")]
    assert requirements
    assert [block for block in requirements if not re.match(r"[\w.-]+==\S+ ", block)] == []
    assert [block for block in requirements if not re.search(r"--hash=sha256:[0-9a-f]{64}$", block)] == []


@pytest.mark.parametrize("name", LOCKS)
def test_no_index_and_no_place_is_named(name: str) -> None:
    assert re.findall(r"\w+://|--(?:extra-)?index-url|--find-links|(?:^|\s)/\S+|@", text_of(name)) == []


@pytest.mark.parametrize("name", ["run.txt", "image.txt", "fleet.txt", "registry.txt"])
def test_what_the_product_runs_with_is_what_is_tested(name: str) -> None:
    assert versions(pinned(name)) <= versions(pinned("test.txt"))


def test_the_build_backend_is_locked_wherever_something_is_built() -> None:
    (backend,) = DOCUMENT["build-system"]["requires"]
    for name in ("test.txt", "release.txt"):
        assert any(Requirement(backend).specifier.contains(next(iter(one.specifier)).version)
                   for one in pinned(name) if one.name == Requirement(backend).name)  # fmt: skip
    for path in ("noxfile.py", ".ci/run"):
        editable = [line for line in (ROOT / path).read_text(encoding="utf-8").splitlines() if "--no-deps" in line]
        assert editable
        assert [
            line for line in editable if "--no-build-isolation" not in line and "--require-hashes" not in line
        ] == []
