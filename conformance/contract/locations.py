"""Where the shipped contracts are: in the package folder of a wheel, or beside the package in a checkout."""

from __future__ import annotations

from pathlib import Path

_SUFFIX = ".openapi.yaml"


def specs_directory() -> Path:
    """The folder of the shipped specifications."""
    package = Path(__file__).resolve().parents[1]
    packaged = package / "specs"
    return packaged if packaged.is_dir() else package.parent / "specs"


def shipped_profiles() -> tuple[str, ...]:
    """The names of the shipped profiles, sorted."""
    return tuple(sorted(path.name.removesuffix(_SUFFIX) for path in specs_directory().glob(f"*{_SUFFIX}")))


def profile_path(profile: str) -> Path:
    """The OpenAPI document of a shipped profile."""
    return specs_directory() / f"{profile}{_SUFFIX}"


def catalogue_directory() -> Path:
    """The folder of the shipped requirement rows."""
    return specs_directory() / "requirements"


def releases_directory() -> Path:
    """The folder of the frozen requirement sets."""
    return specs_directory() / "releases"


def reviewed_path(profile: str) -> Path:
    """The file that says in which state each requirement of a shipped profile was last reviewed."""
    return specs_directory() / "reviewed" / f"{profile}.json"
