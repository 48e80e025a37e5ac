"""Keeps a history: a file of lines to which one is added after each run, and which no crash can spoil."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from conformance.contract import schema_errors
from conformance.contract.regular_files import UnreadableError, read_regular_file
from conformance.quoting import one_line
from conformance.strict_json import JsonError, load
from conformance.targets import TargetError
from conformance.watch.entry import Entry, entry_from, line_of

FILE_NAME: Final = "history.jsonl"
_SCHEMA: Final = "watch-history.schema.json"
_LARGEST: Final = 512 * 1024 * 1024
"""Bytes of a history: ten years of a line a day, with a thousand requirements in each, take less."""


def read_history(folder: Path) -> tuple[Entry, ...]:
    """The runs of a history, oldest first; none where there is no file.

    A last line without an end was being written when something crashed: it does not count.

    Raises:
        TargetError: the file cannot be read, or a line of it is none of ours.
    """
    path = folder / FILE_NAME
    try:
        content = read_regular_file(path, _LARGEST)
    except FileNotFoundError:
        return ()
    except (UnreadableError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise TargetError(f"{path} cannot be read ({reason}); keep it safe, and choose another --out.") from error
    whole, _, _ = content.rpartition(b"\n")
    return tuple(_entries(path, whole))


def _entries(path: Path, content: bytes) -> Iterator[Entry]:
    for number, line in enumerate(content.split(b"\n") if content else (), start=1):
        try:
            data = load(line)
            problem = _problem(data)
        except JsonError as error:
            problem = one_line(str(error), 200)
        if problem is not None:
            raise TargetError(
                f"{path}:{number}: this is not a line of a history: {problem}; take the line out, or restore the file."
            )
        yield entry_from(data)


def _problem(data: Any) -> str | None:
    for error in schema_errors(data, _SCHEMA)[:1]:
        where = "".join(f"/{one}" for one in error.instance_path)
        return one_line(f"{where or 'it'}: {error.message}", 200)
    return None


def append(folder: Path, entry: Entry) -> None:
    """Add a line, and return once it is on the disk. Whoever calls owns the folder.

    The beginning of a line that a crash left is taken away first.

    Raises:
        OSError: it cannot be written; the file is then as it was, or has the beginning of a line more.
    """
    path = folder / FILE_NAME
    is_new = not path.exists()
    with path.open("ab+") as stream:
        stream.truncate(_end_of_lines(path))
        stream.seek(0, os.SEEK_END)
        stream.write(line_of(entry).encode("ascii") + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    if is_new:
        _sync(folder)


def _end_of_lines(path: Path) -> int:
    content = path.read_bytes()
    return content.rfind(b"\n") + 1


def _sync(folder: Path) -> None:
    """Bring the name of a new file to the disk, where folders can be opened for that."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
