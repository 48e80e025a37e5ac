"""The digest of this program: its modules, templates and specifications, wherever they are installed."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from conformance.bundle.manifest import file_digest
from conformance.shipped import specs_directory

_PACKAGE = Path(__file__).parents[1]
_KINDS = {".py", ".j2", ".css", ".js", ".json", ".yaml"}


@cache
def program_digest() -> str:
    """The sha256 over the names and digests of all files that decide a verdict: the same in a wheel and a checkout."""
    digest = hashlib.sha256()
    for name, path in sorted(_files()):
        digest.update(f"{name} {file_digest(path)}\n".encode())
    return digest.hexdigest()


def _files() -> list[tuple[str, Path]]:
    specs = specs_directory()
    return [
        (f"{folder.name}/{path.relative_to(folder).as_posix()}", path)
        for folder in (_PACKAGE, specs)
        for path in folder.rglob("*")
        if path.suffix in _KINDS and not (folder != specs and path.is_relative_to(specs))
    ]
