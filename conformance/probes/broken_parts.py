"""Requests in which one part of a whole is broken: an item of a list at each place, or a structure in each wrong shape.

They are judged in groups. A deployment that refuses one of a group checks what it is about, and must refuse them all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from conformance.probes.conversations import TOOL
from conformance.probes.model import Probe, refused_probe
from conformance.probes.request_body import RequestBody

BROKEN_ITEM: Final = "error/item-"
"""What the names begin with of requests with a list of which one item is broken."""
WRONG_SHAPE: Final = "error/shape-"
"""The same for requests with a structure in a wrong shape."""
_PLACES: Final = ("first", "middle", "last")
_NAMELESS: Final = {"type": "function", "function": {"description": "Takes a city."}}
_LISTS: Final[Mapping[str, tuple[Sequence[Any], Any, str]]] = {
    "stop": (("\u241f1", "\u241f2", "\u241f3"), 7, "is a number"),
    "tools": (
        [{**TOOL, "function": {**TOOL["function"], "name": f"get_weather_{number}"}} for number in range(3)],
        _NAMELESS,
        "is a function without a name",
    ),
}
"""Lists of three, each with an item that no document allows, and what is wrong with it."""
_SCHEMA: Final = {"name": "answer", "schema": {"type": "object"}}
_SHAPES: Final[Mapping[str, Mapping[str, Any]]] = {
    "response_format": {
        "text": "json_object",
        "list": [{"type": "text"}],
        "no-type": {"json_schema": _SCHEMA},
        "unknown-type": {"type": "no-such-format"},
        "no-schema": {"type": "json_schema"},
    },
    "tools": {"text": "get_weather", "empty-item": [{}]},
    "tool_choice": {"unknown": "sometimes", "no-function": {"type": "function"}},
    "stream_options": {"text": "include_usage", "text-within": {"include_usage": "often"}},
}
"""Wrong shapes of fields that hold more than one value, by what is wrong."""


def broken_part_probes(body: RequestBody) -> Iterator[Probe]:
    """Requests that the contract forbids for one item of a list, or for the shape of one field."""
    for field, (items, broken, what) in _LISTS.items():
        if body.has(field) and body.accepts(_with(field, list(items), body)):
            for number, place in enumerate(_PLACES):
                changed = [broken if place_of == number else one for place_of, one in enumerate(items)]
                about = f"a request whose {place} item of three in `{field}` {what}"
                yield from _refused(f"{BROKEN_ITEM}{field}-{place}", about, _with(field, changed, body), body)
    for field, shapes in _SHAPES.items():
        for name, shape in shapes.items() if body.has(field) else ():
            about = f"a request with `{field}` in a wrong shape ({name.replace('-', ' ')})"
            yield from _refused(f"{WRONG_SHAPE}{field}.{name}", about, _with(field, shape, body), body)


def group_of(name: str) -> str:
    """What probes of one group have in common: the list, or the field."""
    if name.startswith(WRONG_SHAPE):
        return name.partition(".")[0]
    return name.rpartition("-")[0]


def _with(field: str, value: Any, body: RequestBody) -> dict[str, Any]:
    return {**body.around((field,)), field: value}


def _refused(name: str, about: str, request: dict[str, Any], body: RequestBody) -> Iterator[Probe]:
    if body.forbids(request):
        yield refused_probe(name, about, request)
