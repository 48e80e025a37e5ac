"""What is shipped, and where: in the package folder of a wheel, or beside the package in a checkout."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

DEFAULT_PROFILE = "openai"
"""The profile that is judged where none is named."""
DOCUMENTATION_URL: str | None = None
"""Where the documentation site is published; None as long as it is not."""
DOCUMENTATION_VARIABLE = "CONFORMANCE_DOCS_URL"
"""The environment variable with the address of a copy of the site."""

_DOCUMENT = "openapi.yaml"
_CODE = {".py", ".mjs", ".j2", ".html", ".css", ".js", ".json", ".yaml", ".yml"}


def documentation_url() -> str | None:
    """The http(s) address of the documentation site, without a slash at its end; None where none is known."""
    address = (os.environ.get(DOCUMENTATION_VARIABLE) or DOCUMENTATION_URL or "").strip().rstrip("/")
    return address if address.startswith(("https://", "http://")) else None


def specs_directory() -> Path:
    """The folder of the shipped specifications."""
    package = Path(__file__).resolve().parent
    packaged = package / "specs"
    return packaged if packaged.is_dir() else package.parent / "specs"


@cache
def program_digest() -> str:
    """A digest of everything that this program is made of: its package, and the specifications.

    It is the same for a wheel and for the checkout that the wheel was built from.
    """
    package, specs = Path(__file__).resolve().parent, specs_directory()
    named = {
        f"{folder.name}/{path.relative_to(folder).as_posix()}": path
        for folder in (package, specs)
        for path in folder.rglob("*")
        if path.suffix in _CODE and not (folder == package and path.is_relative_to(specs))
    }
    digest = hashlib.sha256()
    for name, path in sorted(named.items()):
        digest.update(f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


@cache
def shipped_profiles() -> tuple[str, ...]:
    """The names of the shipped profiles, sorted: each folder of `profiles/` that has an OpenAPI document."""
    return tuple(sorted(path.parent.name for path in _profiles_directory().glob(f"*/{_DOCUMENT}")))


def profile_path(profile: str) -> Path:
    """The OpenAPI document of a shipped profile."""
    return _profiles_directory() / profile / _DOCUMENT


def dialect_path(profile: str) -> Path:
    """What a shipped profile has beyond its OpenAPI document."""
    return _profiles_directory() / profile / "dialect.yaml"


def releases_directory(profile: str) -> Path:
    """The folder of the frozen requirement sets of a shipped profile, one file for each version."""
    return _profiles_directory() / profile / "releases"


def reviewed_path(profile: str) -> Path:
    """The file that says in which state each requirement of a shipped profile was last reviewed."""
    return _profiles_directory() / profile / "review.json"


def catalogue_directory() -> Path:
    """The folder of the shipped requirement rows."""
    return specs_directory() / "requirements"


def shipped_policies() -> tuple[str, ...]:
    """The names of the shipped certification policies, sorted."""
    return tuple(sorted(path.stem for path in (specs_directory() / "policies").glob("*.yaml")))


def policy_path(name: str) -> Path:
    """The file of a shipped certification policy."""
    return specs_directory() / "policies" / f"{name}.yaml"


def schema_corpus_path() -> Path:
    """The file of the schemas that calls and structured answers must fit."""
    return specs_directory() / "schema-corpus.yaml"


def _profiles_directory() -> Path:
    return specs_directory() / "profiles"
