"""Lets output succeed whatever reads it: a pipe whose reader has left, or a console that is not UTF-8.

Whether anyone reads the output (`… | head -1`) does not change the exit status; what an encoding does not have is
replaced.
"""

from __future__ import annotations

import codecs
import io
import json
import sys
from typing import Any

import click

REPLACED = "conformance-replaced"
"""The name of the error handler, for `codecs`."""

_PLAIN = {"…": "...", "·": "-", "—": "-", "→": "->", "✓": "+", "✕": "x"}


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


def replaced(error: UnicodeError) -> tuple[str, int]:
    """Something that reads alike in ASCII for each character, or a question mark."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(character, "?") for character in error.object[error.start : error.end]), error.end


def replace_unencodable() -> None:
    """Let standard output and standard error replace what they cannot encode, instead of failing."""
    codecs.register_error(REPLACED, replaced)
    _let_replace(sys.stdout)
    _let_replace(sys.stderr)


def print_json(text: str) -> None:
    """Print JSON; on a console that is not UTF-8 with escapes, so that nothing in it is replaced."""
    encoding = (sys.stdout.encoding or "utf-8").lower().replace("-", "").replace("_", "")
    if encoding != "utf8":
        text = json.dumps(json.loads(text), ensure_ascii=True, indent=2)
    click.echo(text.removesuffix("\n"))


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


def _let_replace(stream: Any) -> None:
    if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
        stream.reconfigure(errors=REPLACED)
