"""Faults of a stream's chunks, and how faults change the events of a stream."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from conformance.contract.dialect import Dialect
from conformance.reference.answer import DONE, EventData, Outline
from conformance.reference.faults.actions import ActionError, fault_action
from conformance.reference.faults.answer_edits import edit_from, edited, filled
from conformance.reference.hooks import Hooks
from conformance.reference.provider import CompletionRequest

Item = Any
"""The data of an event, or bytes that are sent as they are."""
ItemsChange = Callable[[list[Item], CompletionRequest], Iterable[Item]]


def choices_of(item: Item) -> list[dict[str, Any]]:
    """The choices of a chunk; empty for anything else."""
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
    "call": lambda item: bool(_deltas(item, "tool_calls")),
    "finish": lambda item: any(choice.get("finish_reason") for choice in choices_of(item)),
    "open": lambda item: bool(choices_of(item)) and not _KINDS["finish"](item),
    "usage": lambda item: isinstance(item, Mapping) and isinstance(item.get("usage"), Mapping),
    "done": lambda item: item == DONE,
}
_NTH = {"first": 0, "second": 1, "third": 2, "last": -1}


def selected(items: list[Item], of: str) -> list[int]:
    """The positions of the items of a kind: `text`, or with an ordinal before it, `first text`, `last finish`.

    Raises:
        ActionError: there is no such kind.
    """
    place, _, kind = of.rpartition(" ")
    if kind not in _KINDS or (place and place not in _NTH):
        raise ActionError(
            f"`{of}` is not a kind of event; use one of {', '.join(_KINDS)}, with or without {', '.join(_NTH)}"
        )
    found = [number for number, item in enumerate(items) if _KINDS[kind](item)]
    if not place:
        return found
    nth = _NTH[place]
    return found[nth : nth + 1 or None] if len(found) > max(nth, 0) else []


def with_items(hooks: Hooks, change: ItemsChange) -> Hooks:
    """Changes the events of a stream as a whole; they are gathered before the first is sent."""
    build = hooks.stages.build_events

    async def faulty(
        dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Any
    ) -> AsyncGenerator[EventData, None]:
        items = [item async for item in build(dialect, outline, request, increments)]
        for item in change(items, request):
            yield item

    return encoding_bytes(replace(hooks, stages=replace(hooks.stages, build_events=faulty)))


def encoding_bytes(hooks: Hooks) -> Hooks:
    """Sends bytes among the events as they are."""
    encode = hooks.stages.encode_event

    def encoded(item: Item) -> bytes:
        return item if isinstance(item, bytes) else encode(item)

    return replace(hooks, stages=replace(hooks.stages, encode_event=encoded))


def with_bytes(hooks: Hooks, change: Callable[[bytes], bytes]) -> Hooks:
    """Changes the bytes of each event."""
    encode = hooks.stages.encode_event
    return replace(hooks, stages=replace(hooks.stages, encode_event=lambda event: change(encode(event))))


@fault_action("chunks.set")
def set_in_chunks(hooks: Hooks, at: str, to: Any, of: str = "all") -> Hooks:
    """Changes the value at a JSON pointer in each chunk of a kind."""
    selected([], of)
    edit = edit_from(to)

    def change(items: list[Item], _: CompletionRequest) -> list[Item]:
        chosen = set(selected(items, of))
        return [edited(item, at, edit) if number in chosen else item for number, item in enumerate(items)]

    return with_items(hooks, change)


@fault_action("chunks.set-later")
def set_later(hooks: Hooks, at: str, to: Any, after: int) -> Hooks:
    """Changes the value at a JSON pointer in each chunk after the first so many."""
    edit = edit_from(to)

    def change(items: list[Item], _: CompletionRequest) -> list[Item]:
        chosen = set(selected(items, "all")[after:])
        return [edited(item, at, edit) if number in chosen else item for number, item in enumerate(items)]

    return with_items(hooks, change)


@fault_action("chunks.fill")
def fill_in_chunks(hooks: Hooks, at: str, to: Any, of: str = "all") -> Hooks:
    """Puts a value at a JSON pointer in each chunk of a kind where there is none."""
    selected([], of)

    def change(items: list[Item], _: CompletionRequest) -> list[Item]:
        chosen = set(selected(items, of))
        return [filled(item, at, to) if number in chosen else item for number, item in enumerate(items)]

    return with_items(hooks, change)


@fault_action("chunks.drop")
def drop_from_chunks(hooks: Hooks, at: str, of: str = "all") -> Hooks:
    """Leaves out a member of each chunk of a kind."""
    return set_in_chunks(hooks, at, {"as": "absent"}, of)


@fault_action("chunks.number")
def number_chunks(hooks: Hooks, at: str) -> Hooks:
    """Makes a member differ in each chunk: a number is appended to text, and added to a number."""

    def change(items: list[Item], _: CompletionRequest) -> list[Item]:
        return [_numbered(item, at, number) for number, item in enumerate(items)]

    return with_items(hooks, change)


def _numbered(item: Item, at: str, number: int) -> Item:
    if not isinstance(item, Mapping):
        return item
    return edited(item, at, lambda value: f"{value}-{number}" if isinstance(value, str) else int(value or 0) + number)


@fault_action("chunks.rename")
def rename_in_chunks(hooks: Hooks, at: str, names: Mapping[str, str]) -> Hooks:
    """Renames members of an object in each chunk."""

    def renamed(value: Any) -> Any:
        return {names.get(name, name): one for name, one in value.items()} if isinstance(value, dict) else value

    return with_items(hooks, lambda items, _: [_renamed(item, at, renamed) for item in items])


def _renamed(item: Item, at: str, renamed: Callable[[Any], Any]) -> Item:
    return edited(item, at, renamed) if isinstance(item, Mapping) else item
