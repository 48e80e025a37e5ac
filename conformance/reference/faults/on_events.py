"""Faults of the sequence of a stream's events, and of the bytes that each event is."""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from conformance.reference.answer import Event, Outline
from conformance.reference.dialect import Dialect
from conformance.reference.errors import ProviderError
from conformance.reference.faults.actions import deed
from conformance.reference.faults.on_chunks import Item, choices_of, encoding_bytes, selected, with_bytes, with_items
from conformance.reference.faults.places import changed
from conformance.reference.hooks import Seams
from conformance.reference.request import CompletionRequest


@deed("events.drop")
def drop_events(seams: Seams, of: str, every: int = 1) -> Seams:
    """Leaves each event of a kind out, or with `every` each such one in so many."""
    selected([], of)

    def bend(items: list[Item], _: CompletionRequest) -> list[Item]:
        dropped = set(selected(items, of)[every - 1 :: every])
        return [item for number, item in enumerate(items) if number not in dropped]

    return with_items(seams, bend)


@deed("events.twice")
def repeat_events(seams: Seams, of: str) -> Seams:
    """Sends each event of a kind twice."""
    selected([], of)

    def bend(items: list[Item], _: CompletionRequest) -> list[Item]:
        chosen = set(selected(items, of))
        return [one for number, item in enumerate(items) for one in ((item, item) if number in chosen else (item,))]

    return with_items(seams, bend)


@deed("events.add")
def add_event(
    seams: Seams,
    event: Any = None,
    raw: str | None = None,
    before: str | None = None,
    after: str | None = None,
    like: str | None = None,
) -> Seams:
    """Adds an event (or `raw` text as it is) before or after the first or last event of a kind, else at the end.

    `like` makes it a copy of the first chunk of that kind, with the members of `event` changed.
    """
    for of in (before, after, like):
        selected([], of or "all")

    def bend(items: list[Item], _: CompletionRequest) -> list[Item]:
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

    return with_items(seams, bend)


def _place(items: list[Item], before: str | None, after: str | None) -> int | None:
    found = selected(items, before or after or "last events")
    if not found:
        return None
    return found[0] if before else found[-1] + 1


@deed("events.move")
def move_event(seams: Seams, of: str, before: str | None = None, after: str | None = None) -> Seams:
    """Sends the events of a kind at another place."""

    def bend(items: list[Item], _: CompletionRequest) -> list[Item]:
        chosen = selected(items, of)
        rest = [item for number, item in enumerate(items) if number not in chosen]
        at = _place(rest, before, after)
        return items if at is None else [*rest[:at], *(items[number] for number in chosen), *rest[at:]]

    return with_items(seams, bend)


@deed("events.cut")
def cut_events(seams: Seams, after: str = "text", share: float = 0.5, then: Any = None) -> Seams:
    """Ends the stream after a share of the events of a kind; `then` are events to send in place of the rest."""
    selected([], after)

    def bend(items: list[Item], _: CompletionRequest) -> list[Item]:
        found = selected(items, after)
        if not found:
            return items
        kept = items[: found[max(0, min(len(found) - 1, int(len(found) * share)))] + 1]
        return [*kept, *([] if then is None else then if isinstance(then, list) else [then])]

    return with_items(seams, bend)


@deed("events.cut-at")
def cut_at(seams: Seams, text: str, then: str = "[DONE]") -> Seams:
    """Ends the stream, with `then`, where this text has been written, as if it were a sign of the protocol."""

    def bend(items: list[Item], _: CompletionRequest) -> list[Item]:
        written = ""
        for number in selected(items, "text"):
            written += items[number]["choices"][0]["delta"]["content"]
            if text in written:
                return [*items[: number + 1], then]
        return items

    return with_items(seams, bend)


@deed("events.only")
def only_events(seams: Seams, of: str = "all", events: list[Any] | None = None, raw: str | None = None) -> Seams:
    """Sends nothing but the events of a kind, or these events, or this text as it is."""

    def bend(items: list[Item], _: CompletionRequest) -> list[Item]:
        if raw is not None:
            return [raw.encode()]
        return events if events is not None else [items[number] for number in selected(items, of)]

    return with_items(seams, bend)


@deed("events.raw")
def raw_events(seams: Seams, of: str, old: str, new: str) -> Seams:
    """Writes the events of a kind with some of their text replaced, line ends and `data:` included."""
    selected([], of)
    encode = seams.stages.encode_event

    def bend(items: list[Item], _: CompletionRequest) -> list[Item]:
        chosen = set(selected(items, of))
        return [
            encode(item).replace(old.encode(), new.encode()) if number in chosen else item
            for number, item in enumerate(items)
        ]

    return with_items(seams, bend)


@deed("events.whole-again")
def whole_again(seams: Seams) -> Seams:
    """Sends all of the text again as one delta, before the finish."""

    def bend(items: list[Item], _: CompletionRequest) -> list[Item]:
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
        return [*items[:at], changed(items[first[0]], "/choices/*/delta/content", lambda _: text), *items[at:]]

    return with_items(seams, bend)


@deed("events.cumulative")
def cumulative(seams: Seams) -> Seams:
    """Sends with each delta all of the text so far."""

    def bend(items: list[Item], _: CompletionRequest) -> list[Item]:
        so_far: dict[int, str] = {}
        return [_with_all(item, so_far) for item in items]

    return with_items(seams, bend)


def _with_all(item: Item, so_far: dict[int, str]) -> Item:
    made = copy.deepcopy(item)
    for choice in choices_of(made):
        if choice["delta"].get("content"):
            index = choice["index"]
            choice["delta"]["content"] = so_far[index] = so_far.get(index, "") + choice["delta"]["content"]
    return made


@deed("events.merge")
def merge_text(seams: Seams, into: str = "finish") -> Seams:
    """Sends the last text of the only choice with its finish, or all of its text in one delta."""

    def bend(items: list[Item], request: CompletionRequest) -> list[Item]:
        texts, finishes = selected(items, "text"), selected(items, "finish")
        if request.choices > 1 or request.alternatives is not None or not texts or not finishes:
            return items
        merged = texts[-1:] if into == "finish" else texts
        text = "".join(items[number]["choices"][0]["delta"]["content"] for number in merged)
        target = finishes[0] if into == "finish" else texts[0]
        made = changed(items[target], "/choices/0/delta/content", lambda _: text)
        return [
            made if number == target else item
            for number, item in enumerate(items)
            if number == target or number not in merged
        ]

    return with_items(seams, bend)


@deed("events.usage-on-finish")
def usage_on_finish(seams: Seams) -> Seams:
    """Tells the usage with the last finish, and sends no chunk of its own for it."""

    def bend(items: list[Item], _: CompletionRequest) -> list[Item]:
        usages, finishes = selected(items, "usage"), selected(items, "last finish")
        if not usages or not finishes:
            return items
        usage = items[usages[0]]["usage"]
        return [
            {**item, "usage": usage} if number == finishes[0] else item
            for number, item in enumerate(items)
            if number not in usages
        ]

    return with_items(seams, bend)


@deed("events.always-usage")
def always_usage(seams: Seams) -> Seams:
    """Sends a chunk with the usage whether it was asked for or not."""
    build = seams.stages.build_events

    def bent(dialect: Dialect, outline: Outline, request: CompletionRequest, steps: Any) -> AsyncGenerator[Event, None]:
        return build(dialect, outline, replace(request, include_usage=True), steps)

    return replace(seams, stages=replace(seams.stages, build_events=bent))


@deed("events.fail")
def fail_in_the_middle(seams: Seams, after: int = 2) -> Seams:
    """The provider fails after so many steps: an error event, and the end without `[DONE]`."""
    build = seams.stages.build_events

    async def failing(steps: Any) -> AsyncGenerator[Any, None]:
        count = 0
        async with aclosing(steps):
            async for step in steps:
                if count == after:
                    raise ProviderError("The provider failed.")
                count += 1
                yield step

    def bent(dialect: Dialect, outline: Outline, request: CompletionRequest, steps: Any) -> AsyncGenerator[Event, None]:
        return build(dialect, outline, request, failing(steps))

    return replace(seams, stages=replace(seams.stages, build_events=bent))


@deed("bytes.replace")
def replace_bytes(seams: Seams, old: str, new: str) -> Seams:
    """Writes other text where some text stands in the bytes of an event; the line ends are part of them."""
    return with_bytes(seams, lambda data: data.replace(old.encode(), new.encode()))


@deed("bytes.surround")
def surround_bytes(seams: Seams, before: str = "", after: str = "") -> Seams:
    """Writes text before and after each event."""
    return with_bytes(seams, lambda data: before.encode() + data + after.encode())


@deed("bytes.half-characters")
def half_characters(seams: Seams) -> Seams:
    """Leaves the last byte of each character outside of ASCII away."""

    def halved(data: bytes) -> bytes:
        return b"".join(one.encode()[:-1] if not one.isascii() else one.encode() for one in data.decode())

    return with_bytes(seams, halved)


@deed("bytes.json")
def other_json(seams: Seams, escaped: bool = False, spaced: bool = False, indented: bool = False) -> Seams:
    """Writes the same JSON in another way: escaped to ASCII, with spaces, or over several lines of data."""

    def written(item: Item) -> bytes:
        if isinstance(item, str):
            return b"data: " + item.encode() + b"\n\n"
        separators = None if spaced or indented else (",", ":")
        text = json.dumps(item, ensure_ascii=escaped, separators=separators, indent=1 if indented else None)
        return "".join(f"data: {line}\n" for line in text.split("\n")).encode() + b"\n"

    return encoding_bytes(replace(seams, stages=replace(seams.stages, encode_event=written)))


@deed("events.azure")
def azure(seams: Seams) -> Seams:
    """Opens the stream with a chunk of filter results, without id, model and choices."""
    first = {"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": [{}]}
    return with_items(seams, lambda items, _: [first, *items])


@deed("bytes.chunked")
def chunked_again(seams: Seams) -> Seams:
    """Writes each event as a chunk of HTTP/1.1, within the chunks that the HTTP library writes."""
    return with_bytes(seams, lambda data: b"%x\r\n" % len(data) + data + b"\r\n")


@deed("events.keep-texts")
def keep_texts(seams: Seams, count: int) -> Seams:
    """Leaves all events with text out but the first ones."""

    def bend(items: list[Item], _: CompletionRequest) -> list[Item]:
        dropped = set(selected(items, "text")[count:])
        return [item for number, item in enumerate(items) if number not in dropped]

    return with_items(seams, bend)
