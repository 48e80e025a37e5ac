"""Faults of the deltas of tool calls: which of them says what, under which index, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from conformance.reference.faults.actions import ActionError, fault_action
from conformance.reference.faults.on_chunks import Item, choices_of, with_items
from conformance.reference.hooks import Hooks


@fault_action("deltas.calls")
def change_deltas(hooks: Hooks, how: str) -> Hooks:
    """Changes how the deltas of a stream say which call they are of."""
    if how not in _DELTAS:
        raise ActionError(f"`how: {how}` is unknown; use one of {', '.join(_DELTAS)}")
    return with_items(hooks, lambda items, _: _DELTAS[how](items))


def _calls(item: Item) -> list[dict[str, Any]]:
    return [call for choice in choices_of(item) for call in (choice.get("delta") or {}).get("tool_calls") or () if call]


def _each_call(items: list[Item], edit: Callable[[dict[str, Any], dict[int, dict[str, Any]]], None]) -> list[Item]:
    """Edit each delta of a call; `edit` also gets the opening of each call, by its index."""
    openings: dict[int, dict[str, Any]] = {}
    for item in items:
        for call in _calls(item):
            index = call["index"]
            if "id" in call:
                openings[index] = {**call, "function": dict(call.get("function") or {})}
            edit(call, openings)
    return items


def _repeat_id(call: dict[str, Any], openings: dict[int, dict[str, Any]]) -> None:
    call["id"] = openings[call["index"]]["id"]


def _repeat_name(call: dict[str, Any], openings: dict[int, dict[str, Any]]) -> None:
    call["function"]["name"] = openings[call["index"]]["function"]["name"]


def _repeat_type(call: dict[str, Any], _: dict[int, dict[str, Any]]) -> None:
    call["type"] = "function"


def _null_later(call: dict[str, Any], _: dict[int, dict[str, Any]]) -> None:
    if "id" not in call:
        call.update(id=None, type=None)
        call["function"]["name"] = None


def _empty_later(call: dict[str, Any], _: dict[int, dict[str, Any]]) -> None:
    if "id" not in call:
        call["id"] = ""
        call["function"]["name"] = ""


def _new_id(call: dict[str, Any], _: dict[int, dict[str, Any]]) -> None:
    call["id"] = f"call_{id(call):x}"


def _arguments_elsewhere(call: dict[str, Any], _: dict[int, dict[str, Any]]) -> None:
    if "id" not in call:
        call["index"] += 1


def _null_arguments(call: dict[str, Any], _: dict[int, dict[str, Any]]) -> None:
    if "id" in call:
        call["function"]["arguments"] = None


def _without_arguments(call: dict[str, Any], _: dict[int, dict[str, Any]]) -> None:
    if "id" in call:
        call["function"].pop("arguments", None)


def _split_opening(items: list[Item]) -> list[Item]:
    """The id in one delta, the name in the next."""
    made: list[Item] = []
    for item in items:
        calls = _calls(item)
        if not any("id" in call for call in calls):
            made.append(item)
            continue
        (choice,) = choices_of(item)
        (call,) = calls
        deltas = ({"index": call["index"], "id": call["id"], "type": "function"}, _named(call))
        made += [{**item, "choices": [{**choice, "delta": {"tool_calls": [delta]}}]} for delta in deltas]
    return made


def _named(call: dict[str, Any]) -> dict[str, Any]:
    return {"index": call["index"], "function": call["function"]}


def _role_beside(items: list[Item]) -> list[Item]:
    """The first delta of a call with the role and a null content beside it, and none of its choice before it."""
    first: dict[Any, int] = {}
    for number, item in enumerate(items):
        if _calls(item):
            first.setdefault(choices_of(item)[0].get("index"), number)
    return [
        _with_role(item) if number in first.values() else item
        for number, item in enumerate(items)
        if not choices_of(item) or number >= first.get(choices_of(item)[0].get("index"), 0)
    ]


def _with_role(item: Item) -> Item:
    (choice,) = choices_of(item)
    delta = {"role": "assistant", "content": None, **choice["delta"]}
    return {**item, "choices": [{**choice, "delta": delta}]}


def _in_finish(items: list[Item]) -> list[Item]:
    """The last piece of a call in the chunk that finishes."""
    made = list(items)
    last = next((number for number in reversed(range(len(made))) if _calls(made[number])), None)
    if last is None or last + 1 >= len(made) or not choices_of(made[last + 1]):
        return made
    (choice,), (finish,) = choices_of(made[last]), choices_of(made[last + 1])
    made[last + 1] = {**made[last + 1], "choices": [{**finish, "delta": choice["delta"]}]}
    del made[last]
    return made


def _after_finish(items: list[Item]) -> list[Item]:
    """The last piece of a call after the chunk that finishes."""
    last = next((number for number in reversed(range(len(items))) if _calls(items[number])), None)
    if last is None or last + 1 >= len(items):
        return items
    return [*items[:last], items[last + 1], items[last], *items[last + 2 :]]


def _all_empty_lists(items: list[Item]) -> list[Item]:
    """An empty list of calls in every delta that has none."""
    for item in items:
        for choice in choices_of(item):
            choice.setdefault("delta", {}).setdefault("tool_calls", [])
    return items


_DELTAS: Mapping[str, Callable[[list[Item]], list[Item]]] = {
    "id-in-each": lambda items: _each_call(items, _repeat_id),
    "name-in-each": lambda items: _each_call(items, _repeat_name),
    "type-in-each": lambda items: _each_call(items, _repeat_type),
    "null-later": lambda items: _each_call(items, _null_later),
    "empty-later": lambda items: _each_call(items, _empty_later),
    "new-id-in-each": lambda items: _each_call(items, _new_id),
    "arguments-elsewhere": lambda items: _each_call(items, _arguments_elsewhere),
    "null-arguments-first": lambda items: _each_call(items, _null_arguments),
    "no-arguments-first": lambda items: _each_call(items, _without_arguments),
    "split-opening": _split_opening,
    "role-beside": _role_beside,
    "last-in-finish": _in_finish,
    "last-after-finish": _after_finish,
    "empty-lists": _all_empty_lists,
}
