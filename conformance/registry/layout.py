"""Finds bundles, certificates, revocations and keys in the folder of a registry, and trusts no name in it."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.quoting import one_line

CERTIFICATES: Final = "certificates"
REVOCATIONS: Final = "revocations"
ISSUERS: Final = "issuers"
_RESERVED: Final = {CERTIFICATES, REVOCATIONS, ISSUERS}
_BUNDLES: Final = (".zip", ".bundle")
_CLIENTS: Final = ".clients.json"
_DEEPEST: Final = 6
_MOST_FILES: Final = 50_000
_LONGEST_NAME: Final = 120
_UNUSUAL: Final = re.compile(r"[^a-z0-9]+")
_USUAL: Final = re.compile(r"[A-Za-z0-9 ._-]+")
_LONGEST_SLUG: Final = 48


@dataclass(frozen=True, slots=True)
class BundleFile:
    """A bundle where it stands: whose it is, of which product and version; these are the words of who put it there."""

    path: Path
    place: str
    """Its path in the folder, as it is shown."""
    vendor: str
    product: str
    version: str
    clients: Path | None = None
    """What clients understood of the run, where that stands beside it."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that the registry cannot use, and why, in one sentence."""

    place: str
    why: str


@dataclass(frozen=True, slots=True)
class Layout:
    """Everything that was found; keys by the names of the vendors' folders."""

    bundles: tuple[BundleFile, ...]
    certificates: tuple[Path, ...]
    revocations: tuple[Path, ...]
    issuers: tuple[Path, ...]
    vendor_keys: dict[str, tuple[Path, ...]]
    refused: tuple[Refused, ...]


def read_layout(folder: Path, apart: Sequence[Path] = ()) -> Layout:
    """What stands in a folder; symbolic links are not followed, and `apart` are folders that do not belong to it."""
    files, refused = [], []
    for path in _files(folder, {path.resolve() for path in apart}):
        if path.is_symlink() or not path.is_file():
            refused.append(Refused(shown_place(path, folder), "it is not a regular file."))
        else:
            files.append(path)
    if len(files) > _MOST_FILES:
        refused.append(Refused(".", f"there are more than {_MOST_FILES} files; those beyond were not looked at."))
    bundles, loose = [], []
    for path in files[:_MOST_FILES]:
        if path.suffix.lower() in _BUNDLES:
            parts = path.relative_to(folder).parts
            if len(parts) == 1 or parts[0] in _RESERVED:
                loose.append(Refused(shown_place(path, folder), "it stands in no vendor's folder."))
            else:
                bundles.append(_bundle(path, folder, parts[:-1]))
    kept = files[:_MOST_FILES]
    return Layout(
        bundles=tuple(bundles),
        certificates=tuple(path for path in kept if path.name == "certificate.json"),
        revocations=tuple(path for path in kept if path.match("revocation*.json")),
        issuers=tuple(_keys(kept, folder, ISSUERS)),
        vendor_keys={one: tuple(_keys(kept, folder, one)) for one in sorted({path.vendor for path in bundles})},
        refused=(*refused, *loose),
    )


def shown_place(path: Path, folder: Path) -> str:
    """The path of a file in the folder as it can be shown, however its name is made."""
    return one_line(path.relative_to(folder).as_posix().encode("utf-8", "replace").decode(), _LONGEST_NAME * 2)


def slug(name: str) -> str:
    """What a name is in an address: small letters, digits and hyphens.

    Where more than spaces and punctuation is lost, a part of its digest tells it from others.
    """
    plain = _UNUSUAL.sub("-", name.lower()).strip("-")[:_LONGEST_SLUG].strip("-")
    if _USUAL.fullmatch(name) and plain and len(name) <= _LONGEST_SLUG:
        return plain
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{plain}-{digest}" if plain else digest


def slugs(names: Iterable[str]) -> dict[str, str]:
    """A slug for each name, and no two the same: the later of two has a part of its digest."""
    taken: dict[str, str] = {}
    for name in sorted(set(names)):
        one = slug(name)
        if one in taken.values():
            one = f"{one}-{hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"
        taken[name] = one
    return taken


def _bundle(path: Path, folder: Path, folders: Sequence[str]) -> BundleFile:
    vendor, *rest = (_shown(one) for one in folders)
    clients = path.with_name(path.stem + _CLIENTS)
    return BundleFile(
        path,
        shown_place(path, folder),
        vendor,
        product=" / ".join(rest[:-1]),
        version=rest[-1] if rest else "",
        clients=clients if clients.is_file() and not clients.is_symlink() else None,
    )


def _shown(name: str) -> str:
    return one_line(name.encode("utf-8", "replace").decode(), _LONGEST_NAME)


def _keys(files: Sequence[Path], folder: Path, name: str) -> Iterator[Path]:
    for path in files:
        parts = path.relative_to(folder).parts
        if path.name.endswith(".pem") and len(parts) > 1 and _shown(parts[0]) == name:
            yield path


def _files(folder: Path, apart: set[Path], depth: int = 0) -> Iterator[Path]:
    """The files of a folder in one order; what begins with a dot is none of the registry's."""
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        path = folder / entry.name
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            if path.resolve() not in apart and depth < _DEEPEST:
                yield from _files(path, apart, depth + 1)
        else:
            yield path
