"""Keeps the results of a fleet: in a folder, or behind a URL that fsspec knows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from conformance.fleet.workers import FleetError
from conformance.quoting import one_line
from conformance.report import write_atomically
from conformance.running.ownership import owned

EXTRA = "pip install 'chat-conformance[fleet]'"


class Storage(Protocol):
    """A place for files by their names, which are relative paths with slashes."""

    @property
    def place(self) -> str:
        """Where it is, as the user said."""

    def read(self, names: Sequence[str]) -> dict[str, bytes]:
        """The contents of those of the files that are there."""

    def write(self, name: str, content: bytes) -> None:
        """Write a file as a whole."""


@contextlib.contextmanager
def storage_at(place: str) -> Iterator[Storage]:
    """What keeps files at a path or URL; a folder belongs to one fleet at a time.

    Raises:
        FleetError: the URL cannot be used.
        TargetError: another fleet writes to the folder, or it cannot be written to.
    """
    if "://" in place:
        yield _remote(place)
        return
    with owned(Path(place)):
        yield FolderStorage(Path(place))


@dataclass(frozen=True, slots=True)
class FolderStorage:
    """A folder of this machine."""

    folder: Path

    @property
    def place(self) -> str:
        """The path of the folder."""
        return str(self.folder)

    def read(self, names: Sequence[str]) -> dict[str, bytes]:
        """The contents of those of the files that are there."""
        return {name: path.read_bytes() for name in names if (path := self.folder / name).is_file()}

    def write(self, name: str, content: bytes) -> None:
        """Write a file as a whole."""
        write_atomically(self.folder / name, content)


@dataclass(frozen=True, slots=True)
class RemoteStorage:
    """A place that fsspec reaches; what it needs for that (keys, region) it takes from its own settings."""

    place: str
    filesystem: Any
    root: str

    def read(self, names: Sequence[str]) -> dict[str, bytes]:
        """The contents of those of the files that are there."""
        paths = {f"{self.root}/{name}": name for name in names}
        with self._as_fleet_errors("read"):
            found = [path for path in paths if self.filesystem.exists(path)] if len(paths) == 1 else list(paths)
            contents = self.filesystem.cat(found, on_error="omit") if found else {}
        return {paths[path]: content for path, content in contents.items() if path in paths}

    def write(self, name: str, content: bytes) -> None:
        """Write a file as a whole, as far as the place can do that: object stores can."""
        path = f"{self.root}/{name}"
        with self._as_fleet_errors("written to"):
            self.filesystem.makedirs(path.rpartition("/")[0], exist_ok=True)
            self.filesystem.pipe_file(path, content)

    @contextlib.contextmanager
    def _as_fleet_errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # each kind of storage has errors of its own
            raise FleetError(
                f"{self.place} cannot be {what} ({type(error).__name__}: {one_line(str(error), 200)}); what was judged"
                " before is kept."
            ) from error


def _remote(url: str) -> RemoteStorage:
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise FleetError(f"--out {_shown(url)} needs fsspec; install it: {EXTRA}.") from error
    if urlsplit(url).password is not None:
        raise FleetError("--out must not contain a password; fsspec takes it from its own settings or variables.")
    try:
        filesystem, root = url_to_fs(url)
    except (ImportError, ValueError, OSError) as error:
        raise FleetError(f"--out {_shown(url)} cannot be used: {one_line(str(error), 200)}.") from error
    return RemoteStorage(url, filesystem, root.rstrip("/"))


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return one_line(url if parts.password is None else f"{parts.scheme}://…", 100)
