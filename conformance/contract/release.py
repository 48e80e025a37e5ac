"""Frozen requirement sets: what a release of a profile requires, so that later checks fail nobody."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from conformance.contract.documents import ContractError, Document, enforce, read_document
from conformance.contract.model import Contract, Level, Requirement
from conformance.shipped import releases_directory, shipped_profiles

SCHEMA = "release.schema.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Frozen:
    """A requirement as a release has it: how binding it is, and the digest of what it rested on."""

    level: Level
    digest: str


@dataclass(frozen=True, slots=True)
class Release:
    """What one release of a profile requires, by requirement id. `sha256` is the digest of its file."""

    profile: str
    version: str
    sha256: str
    requirements: Mapping[str, Frozen] = field(hash=False, repr=False)

    def gone(self, contract: Contract) -> tuple[str, ...]:
        """The ids that the release requires and the contract no longer judges."""
        known = {row.id for row in contract.requirements}
        return tuple(row_id for row_id in self.requirements if row_id not in known)

    def changed(self, contract: Contract) -> tuple[str, ...]:
        """The ids of requirements that rest on other words now than when they were frozen."""
        frozen = ((row, self.requirements.get(row.id)) for row in contract.requirements)
        return tuple(row.id for row, one in frozen if one is not None and one.digest != row.digest)


def read_release(contract: Contract, version: str) -> Release:
    """The release of a contract's profile with this version.

    Raises:
        ContractError: there is none, or its file departs from specs/release.schema.json or is of another profile.
    """
    path = release_path(contract, version)
    if not path.is_file():
        known = ", ".join(releases(contract))
        message = f"has no release `{version[:40]}`" + (f"; there are {known}" if known else "")
        raise ContractError(f"the profile `{contract.profile.name}` {message}")
    document = read_document(path)
    enforce(document, SCHEMA)
    _check_identity(document, contract, version)
    return Release(
        profile=contract.profile.name,
        version=version,
        sha256=document.sha256,
        requirements={
            row_id: Frozen(Level(row["level"]), row["digest"]) for row_id, row in document.data["requirements"].items()
        },
    )


def with_release(contract: Contract, release: Release) -> Contract:
    """The contract as the release binds: each of its requirements at the release's level, all others not scored.

    A requirement that rests on other words than when it was frozen stays scored, as it is now.
    """
    return replace(contract, requirements=tuple(_bound(row, release) for row in contract.requirements))


def _bound(row: Requirement, release: Release) -> Requirement:
    frozen = release.requirements.get(row.id)
    return replace(row, scored=False) if frozen is None else replace(row, level=frozen.level)


def freeze(contract: Contract, version: str) -> Path:
    """Write what the contract requires now as a release; returns its file. A release never changes.

    Raises:
        ContractError: this release is there already.
        OSError: the file cannot be written.
    """
    path = release_path(contract, version)
    text = json.dumps(_document(contract, version), indent=1, sort_keys=True) + "\n"
    if path.exists():
        raise ContractError("this release is frozen already; a release never changes, so choose another", path=path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def requirement_set(contract: Contract) -> Mapping[str, Mapping[str, str]]:
    """Level and digest of each requirement of a contract, by id."""
    return {row.id: {"level": row.level.value, "digest": row.digest} for row in contract.requirements}


def set_digest(contract: Contract) -> str:
    """The sha256 (hexadecimal) of a contract's requirement set in one canonical form."""
    text = json.dumps(requirement_set(contract), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def releases(contract: Contract) -> tuple[str, ...]:
    """The versions that are frozen of a contract's profile, sorted."""
    pattern = release_path(contract, "*")
    start, end = pattern.name.split("*", 1)
    found = pattern.parent.glob(f"{start}*{end}") if pattern.parent.is_dir() else ()
    return tuple(sorted(path.name.removeprefix(start).removesuffix(end) for path in found))


def release_path(contract: Contract, version: str) -> Path:
    """Where a release is kept: in the folder of a shipped profile, or beside a user's own document.

    Raises:
        ContractError: the version cannot stand in a file's name.
    """
    if version != "*" and not version.replace(".", "").replace("-", "").isalnum():
        raise ContractError(f"`{version[:40]}` is not a version of a release; use digits, letters, dots and hyphens")
    name = contract.profile.name
    if name in shipped_profiles():
        return releases_directory(name) / f"{version}.json"
    return Path(contract.profile.path).with_suffix(f".release-{version}.json")


def _document(contract: Contract, version: str) -> Mapping[str, object]:
    return {
        "format": FORMAT,
        "profile": contract.profile.name,
        "release": version,
        "requirements": requirement_set(contract),
    }


def _check_identity(document: Document, contract: Contract, version: str) -> None:
    for key, wanted in (("profile", contract.profile.name), ("release", version)):
        if document.data[key] != wanted:
            raise document.error(f"this is the {key} `{document.data[key]}`, not `{wanted}`", f"/{key}")
