"""Writes the archive of a bundle (the same bytes for the same files), and unpacks one as hostile input."""

from __future__ import annotations

import errno
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from conformance.bundle.errors import BundleError

_KIB, _MIB = 1024, 1024 * 1024
MOST_MEMBERS = 64
LARGEST_ARCHIVE = 160 * _MIB
"""How many bytes are unpacked at most, whatever the archive declares."""
LARGEST_PACKED = 64 * _MIB
LARGEST: Mapping[str, int] = {
    "manifest.json": 64 * _KIB,
    "statement.json": _MIB,
    "statement.dsse.json": 2 * _MIB,
    "results.json": 16_000_000,
    "evidence/exchanges.jsonl": 32 * _MIB,
    "compliance.html": 64 * _MIB,
    "exchanges.har": 64 * _MIB,
    "ctrf.json": 16 * _MIB,
    "junit.xml": 16 * _MIB,
    "results.sarif": 16 * _MIB,
}
"""How large each member may be: many times what an exhaustive run of a shipped profile writes."""
LARGEST_OTHER = 4 * _MIB
"""How large any other may be: a document of the contract, a badge."""
_LARGEST_DIRECTORY = MOST_MEMBERS * _KIB
_END = struct.Struct("<4s4H2LH")
"""The end of a zip archive's central directory (APPNOTE.TXT section 4.3.16)."""
_ZIP64 = b"PK\x06\x07"

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*){0,4}")
_LONGEST_NAME = 200
_EPOCH = (1980, 1, 1, 0, 0, 0)
_REGULAR_FILE = 0o100644 << 16
_ENCRYPTED = 0x1
_STEP = 1024 * 1024
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError, LookupError)
"""The zip reader raises all of these on broken input."""


def write_archive(path: Path, files: Mapping[str, Path | bytes]) -> None:
    """Write a zip archive with these files by name; times, owners and order reveal nothing about the machine.

    Raises:
        OSError: a file cannot be read, or the archive cannot be written. No partial archive is left behind.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for name in sorted(files):
                _add(archive, name, files[name])
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _add(archive: zipfile.ZipFile, name: str, content: Path | bytes) -> None:
    member = zipfile.ZipInfo(name, _EPOCH)
    member.create_system = 3  # Unix, wherever it is written
    member.external_attr = _REGULAR_FILE
    member.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(member, content if isinstance(content, bytes) else content.read_bytes())


def read_archive(path: Path, directory: Path) -> tuple[str, ...]:
    """Unpack an archive into an empty directory; returns the names of its members.

    Nothing is trusted: names must be plain and unique, only regular files are taken, and sizes are counted instead of
    believed. Of the archive, little more than a member's step is in memory at any time.

    Raises:
        BundleError: it is not a zip archive, or contains what a bundle never does.
        OSError: the archive cannot be read, or a file not be written.
    """
    try:
        _check_size(path)
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_members(members)
            rest = LARGEST_ARCHIVE
            for member in members:
                rest -= _unpack(archive, member, directory, min(rest, largest(member.filename)))
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        raise BundleError("the archive is broken: it points outside itself.") from error
    except _BROKEN as error:
        reason = " ".join(str(error).split())[:200]
        raise BundleError(
            f"the archive is broken, or is not a zip archive ({reason or type(error).__name__})."
        ) from error
    return tuple(member.filename for member in members)


def largest(name: str) -> int:
    """How many bytes a member of this name may have."""
    return LARGEST.get(name, LARGEST_OTHER)


def _check_size(path: Path) -> None:
    """Check the sizes of the archive and of its directory, which the zip reader takes into memory as a whole."""
    size = path.stat().st_size
    if size > LARGEST_PACKED:
        raise BundleError(f"it is {size} bytes long, and a bundle has at most {LARGEST_PACKED}.")
    with path.open("rb") as file:
        file.seek(max(0, size - _END.size - len(_ZIP64) - 16))
        end = file.read()
    if len(end) < _END.size:
        raise zipfile.BadZipFile("it has no end")
    sign, *_, directory, _, comment = _END.unpack(end[-_END.size :])
    if sign != b"PK\x05\x06" or comment:
        raise zipfile.BadZipFile("it does not end as a bundle does")
    if directory > _LARGEST_DIRECTORY or end.startswith(_ZIP64):
        raise BundleError(
            f"its list of members is {directory} bytes long; a bundle has at most {MOST_MEMBERS} members."
        )


def _check_members(members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MOST_MEMBERS:
        raise BundleError(f"it has {len(members)} members; a bundle has at most {MOST_MEMBERS}.")
    seen: set[str] = set()
    for member in members:
        shown = ascii(member.filename[:_LONGEST_NAME])
        if member.filename != member.orig_filename or not is_plain(member.filename):
            raise BundleError(f"its member {shown} has a name that is not allowed in a bundle; nothing was unpacked.")
        if member.filename.lower() in seen:
            raise BundleError(f"its member {shown} is there twice.")
        kind = member.external_attr >> 16 & 0o170000
        if kind not in {0, 0o100000} or member.flag_bits & _ENCRYPTED:
            raise BundleError(f"its member {shown} is not a regular file.")
        if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise BundleError(f"its member {shown} uses a compression that is not allowed in a bundle.")
        if member.file_size > largest(member.filename):
            raise BundleError(
                f"its member {shown} is {member.file_size} bytes long, which is too large: at most"
                f" {largest(member.filename)} are read."
            )
        seen.add(member.filename.lower())
    for name in seen:
        if any(other.startswith(f"{name}/") for other in seen):
            raise BundleError(f"its member {name!a} is both a file and a folder.")


def is_plain(name: str) -> bool:
    """Whether a member may have this name: relative, with few plain parts, and the same on every system."""
    return len(name) <= _LONGEST_NAME and _NAME.fullmatch(name) is not None


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, directory: Path, rest: int) -> int:
    target = directory / member.filename
    target.parent.mkdir(parents=True, exist_ok=True)
    length = 0
    with archive.open(member) as packed, target.open("xb") as unpacked:
        while data := packed.read(_STEP):
            length += len(data)
            if length > rest:
                raise BundleError(f"its member {member.filename!a} unpacks to more than a bundle may contain.")
            unpacked.write(data)
    return length
