"""Ignores a broken pipe (`… | head -1`): whether anyone reads the output does not change the exit status."""

from __future__ import annotations

import io
import sys
from typing import Any


class _IgnoringBrokenPipe(io.FileIO):
    """A file descriptor that accepts output even if nobody reads it any more."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            return memoryview(data).nbytes


def ignore_broken_pipes() -> None:
    """Let writing to standard output and standard error succeed after their readers have left.

    Terminals are left as they are.
    """
    sys.stdout, sys.stderr = _ignoring(sys.stdout), _ignoring(sys.stderr)


def _ignoring(stream: Any) -> Any:
    try:
        descriptor = stream.fileno()
    except (AttributeError, OSError):  # None, or an object of the embedding program
        return stream
    if not isinstance(stream, io.TextIOWrapper) or stream.isatty():
        return stream
    stream.flush()
    raw = _IgnoringBrokenPipe(descriptor, "wb", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
