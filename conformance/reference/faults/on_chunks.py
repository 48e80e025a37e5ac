"""Faults of the chunks of a stream, and the ways in which the events of a stream are bent."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from conformance.reference.answer import DONE, Event, Outline
from conformance.reference.dialect import Dialect
from conformance.reference.faults.actions import DeedError, deed
from conformance.reference.faults.places import as_told, changed
from conformance.reference.hooks import Seams
from conformance.reference.request import CompletionRequest

Item = Any
"""An event, or bytes as they are."""
Bend = Callable[[list[Item], CompletionRequest], Iterable[Item]]


def choices_of(item: Item) -> list[dict[str, Any]]:
    """The choices of a chunk; none of anything else."""
    choices = item.get("choices") if isinstance(item, Mapping) else None
    return choices if isinstance(choices, list) else []


def _deltas(item: Item, name: str) -> list[Any]:
    deltas = (choice.get("delta") for choice in choices_of(item))
    return [delta[name] for delta in deltas if isinstance(delta, Mapping) and delta.get(name)]


_KINDS: Mapping[str, Callable[[Item], bool]] = {
    "all": lambda item: isinstance(item, Mapping),
    "events": lambda item: True,
    "role": lambda item: bool(_deltas(item, "role")),
    "text": lambda item: bool(_deltas(item, "content")),
    "finish": lambda item: any(choice.get("finish_reason") for choice in choices_of(item)),
    "open": lambda item: bool(choices_of(item)) and not _KINDS["finish"](item),
    "usage": lambda item: isinstance(item, Mapping) and isinstance(item.get("usage"), Mapping),
    "done": lambda item: item == DONE,
}
_NTH = {"first": 0, "second": 1, "third": 2, "last": -1}


def selected(items: list[Item], of: str) -> list[int]:
    """Where the items of a kind stand: `text`, or with a place before it, `first text`, `last finish`.

    Raises:
        DeedError: there is no such kind.
    """
    place, _, kind = of.rpartition(" ")
    if kind not in _KINDS or (place and place not in _NTH):
        raise DeedError(f"`{of}` is no kind of event; there are {', '.join(_KINDS)}, with or without {', '.join(_NTH)}")
    found = [number for number, item in enumerate(items) if _KINDS[kind](item)]
    if not place:
        return found
    nth = _NTH[place]
    return found[nth : nth + 1 or None] if len(found) > max(nth, 0) else []


def with_items(seams: Seams, bend: Bend) -> Seams:
    """Bends the events of a stream as a whole; they are gathered before the first is sent."""
    build = seams.stages.build_events

    async def bent(
        dialect: Dialect, outline: Outline, request: CompletionRequest, steps: Any
    ) -> AsyncGenerator[Event, None]:
        items = [item async for item in build(dialect, outline, request, steps)]
        for item in bend(items, request):
            yield item

    return encoding_bytes(replace(seams, stages=replace(seams.stages, build_events=bent)))


def encoding_bytes(seams: Seams) -> Seams:
    """Lets bytes through that stand among the events."""
    encode = seams.stages.encode_event

    def encoded(item: Item) -> bytes:
        return item if isinstance(item, bytes) else encode(item)

    return replace(seams, stages=replace(seams.stages, encode_event=encoded))


def with_bytes(seams: Seams, bend: Callable[[bytes], bytes]) -> Seams:
    """Bends the bytes of each event."""
    encode = seams.stages.encode_event
    return replace(seams, stages=replace(seams.stages, encode_event=lambda event: bend(encode(event))))


@deed("chunks.set")
def set_in_chunks(seams: Seams, at: str, to: Any, of: str = "all") -> Seams:
    """Puts something else at a place of each chunk of a kind."""
    selected([], of)
    change = as_told(to)

    def bend(items: list[Item], _: CompletionRequest) -> list[Item]:
        chosen = set(selected(items, of))
        return [changed(item, at, change) if number in chosen else item for number, item in enumerate(items)]

    return with_items(seams, bend)


@deed("chunks.drop")
def drop_from_chunks(seams: Seams, at: str, of: str = "all") -> Seams:
    """Leaves a member of each chunk of a kind out."""
    return set_in_chunks(seams, at, {"as": "absent"}, of)


@deed("chunks.number")
def number_chunks(seams: Seams, at: str) -> Seams:
    """Makes a member of each chunk another one: text grows by a number, a number by one for each chunk."""

    def bend(items: list[Item], _: CompletionRequest) -> list[Item]:
        return [_numbered(item, at, number) for number, item in enumerate(items)]

    return with_items(seams, bend)


def _numbered(item: Item, at: str, number: int) -> Item:
    if not isinstance(item, Mapping):
        return item
    return changed(item, at, lambda value: f"{value}-{number}" if isinstance(value, str) else int(value or 0) + number)


@deed("chunks.rename")
def rename_in_chunks(seams: Seams, at: str, names: Mapping[str, str]) -> Seams:
    """Gives members of an object of each chunk other names."""

    def renamed(value: Any) -> Any:
        return {names.get(name, name): one for name, one in value.items()} if isinstance(value, dict) else value

    return with_items(seams, lambda items, _: [_renamed(item, at, renamed) for item in items])


def _renamed(item: Item, at: str, renamed: Callable[[Any], Any]) -> Item:
    return changed(item, at, renamed) if isinstance(item, Mapping) else item
