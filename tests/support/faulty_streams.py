"""Streams of a good deployment, each changed in one way: the building blocks of faults on the wire."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from raw_deployment import Deployment, Item, Script, StreamRequest, encoded


@dataclass(frozen=True)
class Fault:
    """A deviation: the requirement that finds it, a pattern of its message, and what else the same bytes break."""

    deployment: Deployment
    found_by: str
    message: str
    also: frozenset[str] = frozenset()
    only: tuple[str, ...] = ("stream.*",)
    has_no_place: bool = False
    """Whether it is found only by comparing answers, or in an answer without events."""


def choices_of(item: Item) -> list[dict[str, Any]]:
    choices: list[dict[str, Any]] = item.get("choices", []) if isinstance(item, dict) else []
    return choices


def is_finish(item: Item) -> bool:
    return any(choice.get("finish_reason") is not None for choice in choices_of(item))


def has_text(item: Item) -> bool:
    return any(choice["delta"].get("content") for choice in choices_of(item))


def with_choice(item: Item, **changes: Any) -> Item:
    """The chunk with these members in each of its choices."""
    assert isinstance(item, dict)
    return {**item, "choices": [{**choice, **changes} for choice in choices_of(item)]}


def with_text(item: Item, text: Callable[[str], str]) -> Item:
    assert isinstance(item, dict)
    choices = [{**one, "delta": {**one["delta"], "content": text(one["delta"]["content"])}} for one in choices_of(item)]
    return {**item, "choices": choices}


def items(change: Callable[[list[Item], StreamRequest], list[Item]]) -> Deployment:
    return Deployment(items=change)


def each(
    change: Callable[[Item], Item | None], where: Callable[[Item], bool] = lambda item: isinstance(item, dict)
) -> Deployment:
    """Changes each item that is of a kind; None leaves it out."""

    def all_of_them(good: list[Item], _: StreamRequest) -> list[Item]:
        changed = [change(item) if where(item) else item for item in good]
        return [item for item in changed if item is not None]

    return items(all_of_them)


def streams(change: Callable[[Script], Script]) -> Deployment:
    """Changes what is written for every stream."""
    return Deployment(script=lambda script, request: change(script) if request.streamed else script)


def before_finish(*further: Item) -> Deployment:
    def put(good: list[Item], _: StreamRequest) -> list[Item]:
        at = next(number for number, item in enumerate(good) if is_finish(item))
        return [*good[:at], *further, *good[at:]]

    return items(put)


def after_finish(make: Callable[[dict[str, Any]], Item]) -> Deployment:
    def put(good: list[Item], _: StreamRequest) -> list[Item]:
        finish = [item for item in good if is_finish(item)][-1]
        assert isinstance(finish, dict)
        at = good.index(finish)
        return [*good[: at + 1], make(finish), *good[at + 1 :]]

    return items(put)


def half(good: list[Item]) -> list[Item]:
    return good[: max(1, len(good) // 2)]


def cut_after_text(good: list[Item]) -> list[Item]:
    return [item for item in good if item != "[DONE]" and not is_finish(item) and choices_of(item)]


def numbered_ids(good: list[Item], _: StreamRequest) -> list[Item]:
    return [
        {**item, "id": f"{item['id']}-{number}"} if isinstance(item, dict) else item for number, item in enumerate(good)
    ]


def counting_index(good: list[Item], _: StreamRequest) -> list[Item]:
    return [with_choice(item, index=number) if choices_of(item) else item for number, item in enumerate(good)]


def whole_again(good: list[Item], _: StreamRequest) -> list[Item]:
    at = next(number for number, item in enumerate(good) if is_finish(item))
    text = "".join(
        choice["delta"].get("content", "") for item in good for choice in choices_of(item) if choice["index"] == 0
    )
    again = {**good[0], "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}
    return [*good[:at], again, *good[at:]]


def bare_tail(good: list[Item], request: StreamRequest) -> list[Item]:
    if not request.wants_usage:
        return good
    bare: list[Item] = []
    for item in good:
        tail = is_finish(item) or item == "[DONE]"
        bare.append(encoded(item).removeprefix(b"data: ") if tail and not isinstance(item, float) else item)
    return bare


def first_unreadable(good: list[Item], _: StreamRequest) -> list[Item]:
    return [b"data: error: engine failed\n\n"]


def frozen_after_damage(good: list[Item], _: StreamRequest) -> list[Item]:
    texts = [number for number, item in enumerate(good) if has_text(item)]
    if len(texts) < 4:
        return good
    return [
        with_text(item, lambda text: text + "\ufffd") if number == texts[1] else item
        for number, item in enumerate(good)
        if number not in texts[2:]
    ]


def wrong_finish_index(good: list[Item], request: StreamRequest) -> list[Item]:
    return [with_choice(item, index=0) if is_finish(item) else item for item in good]


def dropped_events(good: list[Item], _: StreamRequest) -> list[Item]:
    texts = [number for number, item in enumerate(good) if has_text(item)]
    return [item for number, item in enumerate(good) if number not in texts[2::5]]


def usage_twice(good: list[Item], request: StreamRequest) -> list[Item]:
    return [*good[:-1], good[-2], good[-1]] if request.wants_usage else good


def stale_coding(script: Script, request: StreamRequest) -> Script:
    accepted = request.headers.get("accept-encoding")
    if accepted in {None, "identity"}:
        return script
    return replace(script, headers=(*script.headers, ("Content-Encoding", str(accepted))))


def always_a_stream(script: Script, request: StreamRequest) -> Script:
    if request.streamed:
        return script
    body = b"".join(write for write in script.writes if isinstance(write, bytes))
    return Script((b"data: " + body + b"\n\ndata: [DONE]\n\n",), headers=(("Content-Type", "text/event-stream"),))


def bom_on_json(script: Script, request: StreamRequest) -> Script:
    if request.streamed:
        return script
    body = b"\xef\xbb\xbf" + b"".join(write for write in script.writes if isinstance(write, bytes))
    headers = (("Content-Type", "application/json"), ("Content-Length", str(len(body))))
    return replace(script, writes=(body,), headers=headers)


def lossy(item: Item) -> Item:
    """Each character outside of ASCII is decoded by halves."""
    return with_text(item, lambda text: "".join(one if one.isascii() else "\ufffd\ufffd" for one in text))


def breaking(*names: str) -> frozenset[str]:
    return frozenset(f"stream.{name}" for name in names)


NO_SENTINEL = each(lambda _: None, lambda item: item == "[DONE]")
TEXT_TO_DAMAGE = each(lambda item: with_text(item, lambda text: text[:-1] + "\ufffd"), has_text)
