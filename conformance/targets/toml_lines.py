"""Finds the line of each key of a TOML document, which `tomllib` does not give."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from conformance.contract.pointers import join

_HEADER = re.compile(r"\s*\[(?!\[)([^\]\n]+)\]\s*(#.*)?$")
_KEY = re.compile(
    r"""\s*((?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*'))*)\s*="""
)


_LONG_TEXT = re.compile(r"""\s*(\"{3}|'{3})""")


def toml_lines(text: str) -> dict[str, int]:
    """The line, from 1, of each table and key of a valid TOML document, by JSON pointer.

    Entries of inline tables and arrays have no line of their own.
    """
    lines = {"": 1}
    table: tuple[str, ...] = ()
    text_until: str | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if text_until is not None:
            text_until = None if text_until in line else text_until
            continue
        header, key = _HEADER.match(line), _KEY.match(line)
        if header:
            table = _names(f"[{header[1]}]") or table
            for length in range(1, len(table) + 1):
                lines.setdefault(join("", *table[:length]), number)
        elif key:
            inside = _names(f"{key[1]} = 0")
            for length in range(1, len(inside) + 1):
                lines.setdefault(join("", *table, *inside[:length]), number)
            opened = _LONG_TEXT.match(line, key.end())
            text_until = opened[1] if opened and line.count(opened[1]) == 1 else None
    return lines


def _names(statement: str) -> tuple[str, ...]:
    """The names that a header or key leads through."""
    try:
        value: Any = tomllib.loads(statement)
    except tomllib.TOMLDecodeError:
        return ()
    names = []
    while isinstance(value, Mapping) and value:
        name, value = next(iter(value.items()))
        names.append(name)
    return tuple(names)
