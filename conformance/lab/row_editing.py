"""Edits single rows of the fault catalogue's YAML files; everything else in a file stays byte for byte as it is."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from conformance.contract.documents import Document
from conformance.contract.pointers import join

WIDTH = 118
"""Columns up to which a list of effects is written in one line."""
_INDENT = "  "
_DASH = "- "


@dataclass(frozen=True, slots=True)
class RowText:
    """One row as it is written, and the blank lines and comments that follow it."""

    id: str
    text: str
    after: str = ""


@dataclass(frozen=True, slots=True)
class RowsText:
    """A file of rows: the text before the first row, and the rows in their order."""

    head: str
    rows: tuple[RowText, ...]

    def __str__(self) -> str:
        """The text of the file."""
        return self.head + "".join(row.text + row.after for row in self.rows)


def rows_text(text: str, document: Document) -> RowsText:
    """Divide the text of a file into its rows; `document` is what was read from this text."""
    lines = text.splitlines(keepends=True)
    starts = [(document.line(join("", number)) or 1) - 1 for number in range(len(document.data))]
    ends = [*starts[1:], len(lines)]
    rows = [_row(row["id"], lines[start:end]) for row, start, end in zip(document.data, starts, ends, strict=True)]
    return RowsText("".join(lines[: starts[0]]) if starts else text.replace("[]\n", ""), tuple(rows))


def _row(row_id: str, lines: Sequence[str]) -> RowText:
    end = len(lines)
    while end and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
        end -= 1
    return RowText(row_id, "".join(lines[:end]), "".join(lines[end:]))


def edited(row: str, edit: Callable[[CommentedMap], None]) -> str:
    """The text of a row after an edit of its members; its comments, order and quoting stay."""
    yaml = _round_trip()
    members = yaml.load("".join(line[len(_INDENT) :] if line.strip() else line for line in row.splitlines(True)))
    edit(members)
    written = io.StringIO()
    yaml.dump(members, written)
    indented = "".join(_INDENT + line if line.strip() else line for line in written.getvalue().splitlines(True))
    return _DASH + indented[len(_DASH) :]


def new_row(row_id: str, edit: Callable[[CommentedMap], None]) -> str:
    """The text of a row with this id, and what an edit adds to it."""
    return edited(f'{_DASH}id: "{row_id}"\n', edit)


def _round_trip() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 2**16  # lines stay as long as they are
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.brace_single_entry_mapping_in_flow_sequence = True
    return yaml


def sequence(name: str, values: Sequence[Any], depth: int) -> CommentedSeq:
    """A list as the value of a member: in one line where it fits; `depth` is the column of the member's name.

    An item is text, or a mapping of one name.
    """
    items = CommentedSeq([_mapping(one) if isinstance(one, Mapping) else _text(one) for one in values])
    if depth + len(f"{name}: [{', '.join(map(_flow, values))}]") <= WIDTH:
        items.fa.set_flow_style()
        for item in items:
            if isinstance(item, CommentedMap):
                item.fa.set_flow_style()
    return items


def _mapping(value: Mapping[str, str]) -> CommentedMap:
    return CommentedMap(value)


def _text(value: str) -> str:
    return DoubleQuotedScalarString(value) if "*" in value else value


def _flow(value: str | Mapping[str, str]) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {one}" for name, one in value.items()) + "}"
    return f'"{value}"' if "*" in value else value
