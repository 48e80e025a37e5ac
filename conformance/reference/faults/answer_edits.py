"""Edits of a JSON value, at JSON pointers in which `*` stands for every item or member."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any

ABSENT = object()
"""What an edit returns where the member is to be left out."""
ValueEdit = Callable[[Any], Any]
"""Takes the value at a pointer, None where there is none, and gives the new one."""


def edited(value: Any, pointer: str, edit: ValueEdit) -> Any:
    """A copy of a value with `edit` applied wherever the pointer leads; a missing last member is added."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    if not steps:
        return edit(value)
    copied = copy.deepcopy(value)
    for holder in _holders(copied, steps[:-1]):
        _edit_in(holder, steps[-1], edit)
    return copied


def _holders(value: Any, steps: list[str]) -> Iterator[Any]:
    if not steps:
        yield value
        return
    for below in _below(value, steps[0]):
        yield from _holders(below, steps[1:])


def _below(value: Any, step: str) -> Iterator[Any]:
    if step == "*":
        yield from value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    elif isinstance(value, dict) and step in value:
        yield value[step]
    elif isinstance(value, list) and _is_index(value, step):
        yield value[int(step)]


def _is_index(value: list[Any], step: str) -> bool:
    return step.lstrip("-").isdigit() and -len(value) <= int(step) < len(value)


def _edit_in(holder: Any, step: str, edit: ValueEdit) -> None:
    if isinstance(holder, dict):
        for name in list(holder) if step == "*" else [step]:
            _put(holder, name, edit(holder.get(name)))
    elif isinstance(holder, list):
        for index in range(len(holder)) if step == "*" else [int(step)] if _is_index(holder, step) else []:
            holder[index] = edit(holder[index])
        holder[:] = [item for item in holder if item is not ABSENT]


def _put(holder: dict[str, Any], name: str, new: Any) -> None:
    if new is ABSENT:
        holder.pop(name, None)
    else:
        holder[name] = new


def filled(value: Any, pointer: str, to: Any) -> Any:
    """A copy of a value with `to` wherever the pointer leads and nothing, null or an empty list is there."""
    return edited(value, pointer, lambda held: copy.deepcopy(to) if held in (None, []) else held)


def edit_from(to: Any) -> ValueEdit:
    """The edit that a row's `to` describes: a new value, or `{as: …}` for one that is made from the old value.

    Raises:
        ValueError: there is no such `as`.
    """
    if isinstance(to, dict) and set(to) == {"as"}:
        if to["as"] not in _MADE:
            raise ValueError(f"`as: {to['as']}` is unknown; use one of {', '.join(_MADE)}")
        return _MADE[to["as"]]
    return lambda _: copy.deepcopy(to)


_MADE: dict[str, ValueEdit] = {
    "absent": lambda _: ABSENT,
    "text": str,
    "list": lambda value: [value],
    "object": lambda value: {"value": value},
    "negative": lambda value: -1 - value if isinstance(value, int) else -1,
    "fraction": lambda value: value + 0.5 if isinstance(value, int | float) else 0.5,
    "float": lambda value: float(value) if isinstance(value, int) else value,
    "one-more": lambda value: value + 1 if isinstance(value, int) else 1,
    "twice": lambda value: value * 2 if isinstance(value, int | list | str) else value,
    "milliseconds": lambda value: value * 1000 if isinstance(value, int) else value,
    "damaged": lambda value: f"{value[:-1]}\ufffd" if isinstance(value, str) and value else value,
    "damaged-outside-ascii": lambda value: (
        "".join(one if one.isascii() else "\ufffd\ufffd" for one in value) if isinstance(value, str) else value
    ),
    "mojibake": lambda value: value.encode().decode("latin-1") if isinstance(value, str) else value,
    "question-marks": lambda value: value.encode("ascii", "replace").decode() if isinstance(value, str) else value,
    "without-line-breaks": lambda value: value.replace("\n", "") if isinstance(value, str) else value,
    "separators-as-spaces": lambda value: re.sub("[\u0085\u2028]", " ", value) if isinstance(value, str) else value,
    "repetition-dropped": lambda value: value.replace("6666", "66") if isinstance(value, str) else value,
    "after-a-space": lambda value: f" {value}" if isinstance(value, str) else value,
    "raw-name": lambda value: value.replace(" ", "\u0120") if isinstance(value, str) else value,
    "reversed": lambda value: value[::-1] if isinstance(value, list) else value,
    "hours-later": lambda value: value + 7200 if isinstance(value, int) else value,
    "stripped": lambda value: value.strip() if isinstance(value, str) else value,
    "upper-case": lambda value: value.upper() if isinstance(value, str) else value,
    "parts": lambda value: [{"type": "text", "text": value}],
    "huge": lambda _: "x" * 17_000_000,
    "nothing": lambda _: None,
}
