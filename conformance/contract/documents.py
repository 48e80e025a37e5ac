"""Reads the YAML and JSON files that contracts are made of: the line of every value, and what is wrong with it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from conformance.contract.pointers import join, look_up, split
from conformance.contract.regular_files import LARGEST_DOCUMENT, UnreadableError, read_regular_file
from conformance.contract.yaml_values import MAX_DEPTH, MAX_NODES, YamlError, read_yaml
from conformance.shipped import specs_directory
from conformance.strict_json import has_more_values

_LONGEST_REASON = 200
_LINES_UP_TO = 1_000_000
"""Size of a JSON text in characters up to which its lines are worth a second parse."""


class ContractError(Exception):
    """A specification, catalogue or profile cannot be used as it is.

    The message is one sentence that says what is wrong, where (file and line, when they are known) and what to do.
    """

    def __init__(self, message: str, *, path: Path | None = None, line: int | None = None) -> None:
        self.path = path
        self.line = line
        where = "" if path is None else f"{path}:{line}: " if line else f"{path}: "
        super().__init__(f"{where}{message}")


@dataclass(frozen=True, slots=True)
class Document:
    """A file's value, where each part of it stands, and the sha256 (hexadecimal) of its bytes."""

    path: Path
    data: Any = field(hash=False)
    lines: Mapping[str, int] = field(hash=False, repr=False)
    """JSON pointer to line, from 1. Parts that came through an alias or a merge key have no entry of their own."""
    sha256: str

    def line(self, pointer: str = "") -> int | None:
        """The line of a JSON pointer, or of the nearest part around it that has one."""
        tokens = split(pointer)
        for length in range(len(tokens), -1, -1):
            line = self.lines.get(join("", *tokens[:length]))
            if line is not None:
                return line
        return None

    def error(self, message: str, pointer: str = "") -> ContractError:
        """An error of this file at a JSON pointer."""
        return ContractError(message, path=self.path, line=self.line(pointer))


def read_document(path: Path) -> Document:
    """Reads a YAML or JSON file.

    Raises:
        ContractError: the file cannot be read, or is not a single document of JSON values without duplicate keys.
    """
    try:
        content = read_regular_file(path, LARGEST_DOCUMENT)
    except FileNotFoundError as error:
        raise ContractError("there is no such file; check the path", path=path) from error
    except UnreadableError as error:
        raise ContractError(f"the file cannot be read because {error}", path=path) from error
    return parse_document(content, path)


def parse_document(content: bytes, path: Path) -> Document:
    """The document that a file's bytes hold; `path` stands in messages, and its suffix `.json` forbids YAML.

    Raises:
        ContractError: as `read_document`.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ContractError("the file is not UTF-8; save it as UTF-8", path=path, line=line) from error
    sha256 = hashlib.sha256(content).hexdigest()
    strict = path.suffix.lower() == ".json"
    if strict or text.lstrip()[:1] in ("{", "["):
        data = _read_json(text, path, strict=strict)
        if data is not _NOT_JSON:
            return Document(path, data, _json_lines(text), sha256)
    try:
        data, lines = read_yaml(text)
    except YamlError as error:
        raise ContractError(str(error), path=path, line=error.line) from error
    return Document(path, data, lines, sha256)


def enforce(
    document: Document,
    schema: str,
    pointer: str = "",
    *,
    definition: str | None = None,
    completed: Callable[[dict[str, Any]], None] | None = None,
) -> None:
    """Checks the value at a pointer by a schema of specs/, or by one of its `$defs`.

    `completed` adds to the schema what depends on the installed profiles.

    Raises:
        ContractError: the value departs from the schema; the message names the row, where it has an id.
    """
    value = look_up(document.data, pointer)
    errors = list(_validator(schema, definition, completed).iter_errors(value))
    if not errors:
        return
    deepest = max(errors, key=lambda error: len(error.instance_path))
    inner = join("", *deepest.instance_path)
    reason = deepest.message if len(deepest.message) <= _LONGEST_REASON else f"{deepest.message[:_LONGEST_REASON]}…"
    raise document.error(f"{_row(value, inner)}{reason} (see specs/{schema})", pointer + inner)


def schema_errors(value: Any, schema: str, *, completed: Callable[[dict[str, Any]], None] | None = None) -> list[Any]:
    """Every departure of a value from a schema of specs/, as the validator gives it, for messages of one's own."""
    return list(_validator(schema, None, completed).iter_errors(value))


def schema_of(name: str, completed: Callable[[dict[str, Any]], None] | None = None) -> dict[str, Any]:
    """A schema of specs/; `completed` adds what depends on the installed profiles."""
    schema: dict[str, Any] = json.loads((specs_directory() / name).read_text(encoding="utf-8"))
    if completed is not None:
        completed(schema)
    return schema


_NOT_JSON = object()


def _read_json(text: str, path: Path, *, strict: bool) -> Any:
    """The value of a JSON text; where it need not be JSON, `_NOT_JSON` when it is not."""
    if has_more_values(text, MAX_NODES):
        raise ContractError(f"the document has more than {MAX_NODES} values", path=path)
    try:
        data = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite, parse_int=_whole
        )
    except (ValueError, RecursionError) as error:
        if not strict:
            return _NOT_JSON
        raise _json_error(error, text, path) from error
    if deeper_than(data, MAX_DEPTH):
        raise ContractError(f"values are nested more than {MAX_DEPTH} deep", path=path)
    return data


def _json_error(error: ValueError | RecursionError, text: str, path: Path) -> ContractError:
    if isinstance(error, RecursionError):
        return ContractError(f"values are nested more than {MAX_DEPTH} deep", path=path)
    if isinstance(error, json.JSONDecodeError):
        return ContractError(f"this is not JSON: {error.msg}", path=path, line=error.lineno)
    try:
        read_yaml(text)
    except YamlError as same:  # The same mistake, and its line.
        return ContractError(str(same), path=path, line=same.line)
    return ContractError(str(error), path=path)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise ValueError(f"the key `{twice[:80]}` stands twice in one object; keep one")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"`{name}` is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"the number `{text[:20]}` is too large")
    return number


def _whole(text: str) -> int:
    _finite(text)
    return int(text)


def deeper_than(data: Any, depth: int) -> bool:
    """Whether objects and arrays are nested deeper than so many levels."""
    level = [data]
    for _ in range(depth + 1):
        level = [
            child
            for value in level
            if isinstance(value, (dict, list))
            for child in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return False
    return True


def _json_lines(text: str) -> Mapping[str, int]:
    """Lines of a JSON text, read as YAML; what YAML cannot read (tabs) has none."""
    if len(text) > _LINES_UP_TO:
        return {}
    try:
        return read_yaml(text)[1]
    except YamlError:
        return {}


def _row(value: Any, pointer: str) -> str:
    number = next(iter(split(pointer)), "")
    if not isinstance(value, list) or not number.isdecimal():
        return ""
    row = value[int(number)]
    name = row.get("id") if isinstance(row, dict) else None
    return f"row `{name[:_LONGEST_REASON]}`: " if isinstance(name, str) else f"row {int(number) + 1}: "


@cache
def _validator(name: str, definition: str | None, completed: Callable[[dict[str, Any]], None] | None) -> Any:
    from jsonschema_rs import Draft202012Validator  # noqa: PLC0415 - takes 50 ms

    schema = schema_of(name, completed)
    if definition is not None:
        schema = {"$ref": f"#/$defs/{definition}", "$defs": schema["$defs"]}
    return Draft202012Validator(schema, validate_formats=True)
