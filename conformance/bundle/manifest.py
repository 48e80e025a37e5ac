"""The manifest of a bundle: the length and digest of each of its files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from conformance.bundle.errors import BundleError
from conformance.strict_json import JsonError, load

MANIFEST = "manifest.json"
FORMAT = 1
_STEP = 1024 * 1024
_LARGEST = 1024 * 1024


def manifest_text(suite_version: str, files: Mapping[str, Path | bytes]) -> str:
    """The manifest over these files, sorted by name; specs/bundle.schema.json describes it.

    Raises:
        OSError: a file cannot be read.
    """
    document = {
        "format": FORMAT,
        "suite": {"name": "chat-conformance", "version": suite_version},
        "files": [_row(name, files[name]) for name in sorted(files)],
    }
    return json.dumps(document, indent=1) + "\n"


def _row(name: str, content: Path | bytes) -> Mapping[str, Any]:
    if isinstance(content, bytes):
        return {"path": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return {"path": name, "size": content.stat().st_size, "sha256": file_digest(content)}


def file_digest(path: Path) -> str:
    """The sha256 of a file, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while data := stream.read(_STEP):
            digest.update(data)
    return digest.hexdigest()


def check_manifest(directory: Path, members: Iterable[str], apart: Iterable[str]) -> Mapping[str, Any]:
    """Check the unpacked members against the manifest among them; returns the manifest.

    `apart` are the members that the manifest cannot name, because they are made from it.

    Raises:
        BundleError: there is none, it is broken, or a member is missing, added, or different from what it says.
    """
    present = set(members)
    if MANIFEST not in present:
        raise BundleError(f"it has no {MANIFEST}, so it is not a bundle of chat-conformance, or not a complete one.")
    document = read_manifest(directory / MANIFEST)
    listed = {row["path"]: row for row in document["files"]}
    if len(listed) < len(document["files"]):
        raise BundleError(f"{MANIFEST} names a file twice.")
    for name in sorted(listed):
        if name not in present:
            raise BundleError(f"{name} is missing, but {MANIFEST} names it.")
        _check_file(directory / name, listed[name])
    unknown = sorted(present - listed.keys() - {MANIFEST, *apart})
    if unknown:
        raise BundleError(f"{unknown[0]} is in the archive, but {MANIFEST} does not name it.")
    return document


def read_manifest(path: Path) -> Mapping[str, Any]:
    """The manifest in a file, checked against its schema.

    Raises:
        BundleError: it is not a manifest.
    """
    from jsonschema_rs import Draft202012Validator  # noqa: PLC0415 - only `verify` needs it

    from conformance.shipped import specs_directory  # noqa: PLC0415 - the same

    if path.stat().st_size > _LARGEST:
        raise BundleError(f"{MANIFEST} is larger than any manifest can be.")
    try:
        document: Mapping[str, Any] = load(path.read_bytes())
    except JsonError as error:
        raise BundleError(f"{MANIFEST} is not JSON that can be used ({error}).") from error
    schema = load((specs_directory() / "bundle.schema.json").read_text(encoding="utf-8"))
    if not Draft202012Validator(schema).is_valid(document):
        raise BundleError(
            f"{MANIFEST} does not follow specs/bundle.schema.json; it was changed, or has a newer format."
        )
    return document


def _check_file(path: Path, row: Mapping[str, Any]) -> None:
    size = path.stat().st_size
    if size != row["size"]:
        raise BundleError(f"{row['path']} was changed: it is {size} bytes long, but {MANIFEST} says {row['size']}.")
    digest = file_digest(path)
    if digest != row["sha256"]:
        raise BundleError(
            f"{row['path']} was changed, or its line in {MANIFEST}: its sha256 is {digest}, but {MANIFEST} says"
            f" {row['sha256']}."
        )
