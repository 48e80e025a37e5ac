"""Faults of the order of a stream's events, and of the bytes of each event."""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from conformance.contract.dialect import Dialect
from conformance.reference.answer import EventData, Outline
from conformance.reference.errors import ProviderError
from conformance.reference.faults.actions import fault_action
from conformance.reference.faults.answer_edits import edited
from conformance.reference.faults.on_chunks import Item, choices_of, encoding_bytes, selected, with_bytes, with_items
from conformance.reference.hooks import Hooks
from conformance.reference.provider import CompletionRequest


@fault_action("events.drop")
def drop_events(hooks: Hooks, of: str, every: int = 1) -> Hooks:
    """Leaves out the events of a kind; with `every`, only each so-many-th of them."""
    selected([], of)

    def change(items: list[Item], _: CompletionRequest) -> list[Item]:
        dropped = set(selected(items, of)[every - 1 :: every])
        return [item for number, item in enumerate(items) if number not in dropped]

    return with_items(hooks, change)


@fault_action("events.twice")
def repeat_events(hooks: Hooks, of: str) -> Hooks:
    """Sends each event of a kind twice."""
    selected([], of)

    def change(items: list[Item], _: CompletionRequest) -> list[Item]:
        chosen = set(selected(items, of))
        return [one for number, item in enumerate(items) for one in ((item, item) if number in chosen else (item,))]

    return with_items(hooks, change)


@fault_action("events.add")
def add_event(
    hooks: Hooks,
    event: Any = None,
    raw: str | None = None,
    before: str | None = None,
    after: str | None = None,
    like: str | None = None,
) -> Hooks:
    """Adds an event, or `raw` text, before the first or after the last event of a kind; by default at the end.

    With `like`, it is a copy of the first chunk of that kind in which the members of `event` replace their own.
    """
    for of in (before, after, like):
        selected([], of or "all")

    def change(items: list[Item], _: CompletionRequest) -> list[Item]:
        at = _place(items, before, after)
        if at is None:
            return items
        added: Item = raw.encode() if raw is not None else copy.deepcopy(event)
        if like is not None:
            found = selected(items, like)
            if not found:
                return items
            added = {**copy.deepcopy(items[found[0]]), **(event or {})}
        return [*items[:at], added, *items[at:]]

    return with_items(hooks, change)


def _place(items: list[Item], before: str | None, after: str | None) -> int | None:
    found = selected(items, before or after or "last events")
    if not found:
        return None
    return found[0] if before else found[-1] + 1


@fault_action("events.move")
def move_event(hooks: Hooks, of: str, before: str | None = None, after: str | None = None) -> Hooks:
    """Moves the events of a kind to another place."""

    def change(items: list[Item], _: CompletionRequest) -> list[Item]:
        chosen = selected(items, of)
        rest = [item for number, item in enumerate(items) if number not in chosen]
        at = _place(rest, before, after)
        return items if at is None else [*rest[:at], *(items[number] for number in chosen), *rest[at:]]

    return with_items(hooks, change)


@fault_action("events.cut")
def cut_events(hooks: Hooks, after: str = "text", share: float = 0.5, then: Any = None) -> Hooks:
    """Ends the stream after a share of the events of a kind; `then` are events to send instead of the rest."""
    selected([], after)

    def change(items: list[Item], _: CompletionRequest) -> list[Item]:
        found = selected(items, after)
        if not found:
            return items
        kept = items[: found[max(0, min(len(found) - 1, int(len(found) * share)))] + 1]
        return [*kept, *([] if then is None else then if isinstance(then, list) else [then])]

    return with_items(hooks, change)


@fault_action("events.cut-at")
def cut_at(hooks: Hooks, text: str, then: str = "[DONE]") -> Hooks:
    """Ends the stream with `then` once this text has been sent, as if it belonged to the protocol."""

    def change(items: list[Item], _: CompletionRequest) -> list[Item]:
        written = ""
        for number in selected(items, "text"):
            written += items[number]["choices"][0]["delta"]["content"]
            if text in written:
                return [*items[: number + 1], then]
        return items

    return with_items(hooks, change)


@fault_action("events.only")
def only_events(hooks: Hooks, of: str = "all", events: list[Any] | None = None, raw: str | None = None) -> Hooks:
    """Sends only the events of a kind, or these events, or this raw text."""

    def change(items: list[Item], _: CompletionRequest) -> list[Item]:
        if raw is not None:
            return [raw.encode()]
        return events if events is not None else [items[number] for number in selected(items, of)]

    return with_items(hooks, change)


@fault_action("events.raw")
def raw_events(hooks: Hooks, of: str, old: str, new: str) -> Hooks:
    """Replaces text in the bytes of the events of a kind, which include `data:` and the line ends."""
    selected([], of)
    encode = hooks.stages.encode_event

    def change(items: list[Item], _: CompletionRequest) -> list[Item]:
        chosen = set(selected(items, of))
        return [
            encode(item).replace(old.encode(), new.encode()) if number in chosen else item
            for number, item in enumerate(items)
        ]

    return with_items(hooks, change)


@fault_action("events.whole-again")
def whole_again(hooks: Hooks) -> Hooks:
    """Sends the whole text again as one delta, before the finish."""

    def change(items: list[Item], _: CompletionRequest) -> list[Item]:
        text = "".join(
            choice["delta"]["content"]
            for item in items
            for choice in choices_of(item)
            if choice["index"] == 0 and choice["delta"].get("content")
        )
        at = _place(items, "finish", None)
        first = selected(items, "first text")
        if at is None or not first:
            return items
        return [*items[:at], edited(items[first[0]], "/choices/*/delta/content", lambda _: text), *items[at:]]

    return with_items(hooks, change)


@fault_action("events.cumulative")
def cumulative(hooks: Hooks) -> Hooks:
    """Sends in each delta all of the text so far."""

    def change(items: list[Item], _: CompletionRequest) -> list[Item]:
        so_far: dict[int, str] = {}
        return [_with_all(item, so_far) for item in items]

    return with_items(hooks, change)


def _with_all(item: Item, so_far: dict[int, str]) -> Item:
    made = copy.deepcopy(item)
    for choice in choices_of(made):
        if choice["delta"].get("content"):
            index = choice["index"]
            choice["delta"]["content"] = so_far[index] = so_far.get(index, "") + choice["delta"]["content"]
    return made


@fault_action("events.merge")
def merge_text(hooks: Hooks, into: str = "finish") -> Hooks:
    """Sends the last text of a single choice together with its finish, or its whole text in one delta."""

    def change(items: list[Item], request: CompletionRequest) -> list[Item]:
        texts, finishes = selected(items, "text"), selected(items, "finish")
        if request.choices > 1 or request.alternatives is not None or not texts or not finishes:
            return items
        merged = texts[-1:] if into == "finish" else texts
        text = "".join(items[number]["choices"][0]["delta"]["content"] for number in merged)
        target = finishes[0] if into == "finish" else texts[0]
        made = edited(items[target], "/choices/0/delta/content", lambda _: text)
        return [
            made if number == target else item
            for number, item in enumerate(items)
            if number == target or number not in merged
        ]

    return with_items(hooks, change)


@fault_action("events.usage-on-finish")
def usage_on_finish(hooks: Hooks) -> Hooks:
    """Sends the usage in the chunk of the last finish, and not in a chunk of its own."""

    def change(items: list[Item], _: CompletionRequest) -> list[Item]:
        usages, finishes = selected(items, "usage"), selected(items, "last finish")
        if not usages or not finishes:
            return items
        usage = items[usages[0]]["usage"]
        return [
            {**item, "usage": usage} if number == finishes[0] else item
            for number, item in enumerate(items)
            if number not in usages
        ]

    return with_items(hooks, change)


@fault_action("events.always-usage")
def always_usage(hooks: Hooks) -> Hooks:
    """Sends a chunk with the usage even if the request does not ask for it."""
    build = hooks.stages.build_events

    def faulty(
        dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Any
    ) -> AsyncGenerator[EventData, None]:
        return build(dialect, outline, replace(request, include_usage=True), increments)

    return replace(hooks, stages=replace(hooks.stages, build_events=faulty))


@fault_action("events.fail")
def fail_in_the_middle(hooks: Hooks, after: int = 2) -> Hooks:
    """Lets the provider fail after so many increments: an error event follows, and the end without `[DONE]`."""
    build = hooks.stages.build_events

    async def failing(increments: Any) -> AsyncGenerator[Any, None]:
        count = 0
        async with aclosing(increments):
            async for increment in increments:
                if count == after:
                    raise ProviderError("The provider failed.")
                count += 1
                yield increment

    def faulty(
        dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Any
    ) -> AsyncGenerator[EventData, None]:
        return build(dialect, outline, request, failing(increments))

    return replace(hooks, stages=replace(hooks.stages, build_events=faulty))


@fault_action("bytes.replace")
def replace_bytes(hooks: Hooks, old: str, new: str) -> Hooks:
    """Replaces text in the bytes of each event, which include the line ends."""
    return with_bytes(hooks, lambda data: data.replace(old.encode(), new.encode()))


@fault_action("bytes.surround")
def surround_bytes(hooks: Hooks, before: str = "", after: str = "") -> Hooks:
    """Writes text before and after each event."""
    return with_bytes(hooks, lambda data: before.encode() + data + after.encode())


@fault_action("bytes.half-characters")
def half_characters(hooks: Hooks) -> Hooks:
    """Leaves out the last byte of each character outside ASCII."""

    def halved(data: bytes) -> bytes:
        return b"".join(one.encode()[:-1] if not one.isascii() else one.encode() for one in data.decode())

    return with_bytes(hooks, halved)


@fault_action("bytes.json")
def other_json(hooks: Hooks, escaped: bool = False, spaced: bool = False, indented: bool = False) -> Hooks:
    """Serializes the same JSON differently: escaped to ASCII, with spaces, or over several lines of data."""

    def written(item: Item) -> bytes:
        if isinstance(item, str):
            return b"data: " + item.encode() + b"\n\n"
        separators = None if spaced or indented else (",", ":")
        text = json.dumps(item, ensure_ascii=escaped, separators=separators, indent=1 if indented else None)
        return "".join(f"data: {line}\n" for line in text.split("\n")).encode() + b"\n"

    return encoding_bytes(replace(hooks, stages=replace(hooks.stages, encode_event=written)))


@fault_action("events.azure")
def azure(hooks: Hooks) -> Hooks:
    """Opens the stream with a chunk of filter results that has no id, model or choices."""
    first = {"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": [{}]}
    return with_items(hooks, lambda items, _: [first, *items])


@fault_action("bytes.chunked")
def chunked_again(hooks: Hooks) -> Hooks:
    """Applies the chunked coding to each event, inside the chunks that the HTTP library writes."""
    return with_bytes(hooks, lambda data: b"%x\r\n" % len(data) + data + b"\r\n")


@fault_action("events.keep-texts")
def keep_texts(hooks: Hooks, count: int) -> Hooks:
    """Leaves out all events with text except the first `count`."""

    def change(items: list[Item], _: CompletionRequest) -> list[Item]:
        dropped = set(selected(items, "text")[count:])
        return [item for number, item in enumerate(items) if number not in dropped]

    return with_items(hooks, change)
