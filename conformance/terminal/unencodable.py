"""Lets output succeed on a console that is not UTF-8: what its encoding does not have is replaced."""

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


def _let_replace(stream: Any) -> None:
    if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
        stream.reconfigure(errors=REPLACED)
