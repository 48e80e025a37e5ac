"""Says what is wrong with a conformance.toml, in which line, and what is allowed there."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import date, time
from typing import Any

from conformance.contract import ContractError, Document, schema_errors
from conformance.contract.pointers import join
from conformance.quoting import one_line

_SHOWN = 60
_TYPES = {
    "string": "text in quotes",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "object": "a table",
    "array": "an array",
}
_BOUNDS = {"minimum": "at least", "maximum": "at most", "exclusiveMinimum": "more than"}
_OF_ARRAYS = {"minItems": "must have one entry at least", "uniqueItems": "must not have an entry twice"}
_NO_TARGET = "there is no target; write one below [targets.NAME], with its base_url."
_TABLES_OF_VALUES = ("headers", "headers_env", "query", "query_env")
"""Their values may be secrets that stand in the wrong place: none is quoted."""


def first_problem(document: Document, schema: str, completed: Callable[[dict[str, Any]], None]) -> ContractError | None:
    """What departs from the schema first in the file, or None where nothing does."""
    errors = schema_errors(_plain(document.data), schema, completed=completed)
    # A misspelt [targets.x] comes before the fact that there is no target.
    errors = [one for one in errors if one.kind.name != "required"] or errors
    problems = [_problem(error, document, schema, completed) for error in errors]
    return min(problems, key=lambda problem: problem.line or 0, default=None)


def _problem(error: Any, document: Document, schema: str, completed: Callable[[dict[str, Any]], None]) -> ContractError:
    path = [str(step) for step in error.instance_path]
    kind = error.kind.name
    if kind in {"unevaluatedProperties", "additionalProperties"}:
        name = str(error.kind.unexpected[0])
        known = _settings(schema, completed)
        return document.error(_unknown(name, path, *known), join("", *path, name))
    if kind == "propertyNames":
        path.append(str(error.kind.value.instance))
    return document.error(_departure(error, kind, path), join("", *path))


def _unknown(name: str, path: list[str], settings: list[str], tables: Mapping[str, list[str]]) -> str:
    shown = one_line(name, _SHOWN)
    if not path:
        if name in settings or name == "base_url":
            return f"{shown} is a setting of a target; put it below [targets.NAME], or [defaults] for all targets."
        near = difflib.get_close_matches(name, ("targets", "defaults", *tables), n=1, cutoff=0.7)
        hint = f"did you mean {near[0]}?" if near else "the file has [defaults], [targets.NAME], [fleet] and [watch]."
        return f"{shown} is not known here; {hint}"
    where = f"[{path[0]}]" if path[0] in {"defaults", *tables} else "a target"
    if name == "base_url":
        return "base_url is not a setting of [defaults]; each target has its own."
    allowed = tables.get(path[0]) or [*settings, *(["base_url"] if where == "a target" else [])]
    near = difflib.get_close_matches(name, allowed, n=3, cutoff=0.7)
    if near:
        return f"{shown} is not a setting of {where}; did you mean {' or '.join(near)}?"
    return f"{shown} is not a setting of {where}; it takes {', '.join(sorted(allowed))}."


def _departure(error: Any, kind: str, path: list[str]) -> str:
    *_, name = ("the file", *(one_line(step, _SHOWN) for step in path if not step.isdecimal()))
    if len(path) > 1 and path[-2] in _TABLES_OF_VALUES:
        return f"the value of {name} in {path[-2]} must be text in quotes that is not empty."
    if path[:1] == ["targets"] and len(path) < 3:
        return _of_a_target(kind, path, error)
    if kind in _OF_ARRAYS:
        return f"{name} {_OF_ARRAYS[kind]}."
    wanted = _wanted(kind, error.kind.value)
    if wanted is not None:
        near = difflib.get_close_matches(str(error.instance), error.kind.value, n=1) if kind == "enum" else []
        hint = f"; did you mean {near[0]}?" if near else "."
        return f"{name} must be {wanted}, not {_shown(error.instance, path)}{hint}"
    return _NO_TARGET if kind == "required" else f"{name}: {one_line(error.message, 200)}"


def _wanted(kind: str, value: Any) -> str | None:
    """What a keyword of the schema demands, in words."""
    match kind:
        case "type":
            return " or ".join(_TYPES.get(one, one) for one in value)
        case "enum":
            return f"{', '.join(value[:-1])} or {value[-1]}"
        case "pattern":
            return "text that is not empty"
    return f"{_BOUNDS[kind]} {value}" if kind in _BOUNDS else None


def _of_a_target(kind: str, path: list[str], error: Any) -> str:
    """What is wrong with the table of all targets, or with one of them as a whole."""
    match kind:
        case "required":
            return (
                f"[targets.{one_line(path[1], _SHOWN)}] has no base_url; add what stands before the operation's path."
            )
        case "propertyNames":
            return f"{one_line(path[1], _SHOWN)!r} is not a name for a target; use letters, digits, '.', '_' and '-'."
        case "minProperties":
            return _NO_TARGET
    name = one_line(".".join(path), _SHOWN)
    return f"{name} must be a table of settings, written as [targets.NAME], not {_shown(error.instance, [])}."


def _shown(value: Any, path: Iterable[str]) -> str:
    """A value as a message may show it: one for a variable may be a secret that stands in the wrong place."""
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return "an array"
    if isinstance(value, str):
        hidden = any(step.endswith(("_env", "_url", "proxy")) or step in _TABLES_OF_VALUES for step in path)
        return "text" if hidden else repr(one_line(value, _SHOWN))
    return str(value).lower() if isinstance(value, bool) else f"{value}"


def _settings(schema: str, completed: Callable[[dict[str, Any]], None]) -> tuple[list[str], dict[str, list[str]]]:
    """The names of all settings of a target, and those of the tables for many targets, by their names."""
    from conformance.contract import schema_of  # noqa: PLC0415 - only a mistake needs it

    whole = schema_of(schema, completed)
    tables = {name: list(whole["properties"][name]["properties"]) for name in ("fleet", "watch")}
    return list(whole["$defs"]["settings"]["properties"]), tables


def _plain(value: Any) -> Any:
    """The value with dates, times, `inf` and `nan` as text: JSON has none of them, and no setting takes one."""
    if isinstance(value, Mapping):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_plain(element) for element in value]
    if isinstance(value, (date, time)):
        return value.isoformat()
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
