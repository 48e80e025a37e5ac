"""Faults of tool calls as they are generated, so that whole answers and streams show them alike."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from conformance.reference.faults.actions import ActionError, fault_action
from conformance.reference.faults.on_answers import with_increments
from conformance.reference.generation import Call, Finish, Increment, Increments, Text
from conformance.reference.hooks import Hooks
from conformance.reference.provider import CallPiece, CompletionRequest

WholeCall = list[CallPiece]
"""The pieces of one call: the first has its id and name."""
CallsChange = Callable[[list[WholeCall], CompletionRequest], Iterable[Increment | WholeCall]]
"""Takes the calls of one choice, and gives what is generated in their place."""


def with_calls(hooks: Hooks, change: CallsChange) -> Hooks:
    """Changes the calls of each choice, which are gathered until the choice ends."""

    async def increments(request: CompletionRequest, made: Increments) -> AsyncGenerator[Increment, None]:
        gathered: dict[int, dict[int, WholeCall]] = {}
        async with aclosing(made):
            async for increment in made:
                if isinstance(increment, Call):
                    calls = gathered.setdefault(increment.choice, {})
                    calls.setdefault(increment.piece.index, []).append(increment.piece)
                    continue
                if isinstance(increment, Finish) and increment.choice in gathered:
                    whole = list(gathered.pop(increment.choice).values())
                    for one in _increments(change(whole, request), increment.choice):
                        yield one
                yield increment

    return with_increments(hooks, increments)


def _increments(changed: Iterable[Increment | WholeCall], choice: int) -> Iterator[Increment]:
    for one in changed:
        if isinstance(one, list):
            yield from (Call(choice, piece) for piece in one)
        elif isinstance(one, Text):
            yield replace(one, choice=choice)
        else:
            yield one


def _input(call: WholeCall) -> str:
    return "".join(piece.text for piece in call)


def _with_input(call: WholeCall, text: str) -> WholeCall:
    """The call with another input, in pieces of eight characters."""
    return [replace(call[0], text=""), *(CallPiece(call[0].index, piece) for piece in _eights(text))]


def _eights(text: str) -> Iterator[str]:
    return (text[at : at + 8] for at in range(0, len(text), 8))


def _as_json(call: WholeCall) -> str:
    try:
        arguments = json.loads(_input(call))
    except ValueError:
        arguments = _input(call)
    return json.dumps({"name": call[0].name, "arguments": arguments}, ensure_ascii=False)


@fault_action("calls.drop")
def drop_calls(hooks: Hooks, after: int = 0) -> Hooks:
    """Loses all calls of a choice but the first `after`, and says nothing in their place."""
    return with_calls(hooks, lambda calls, _: calls[:after])


@fault_action("calls.as-text")
def calls_as_text(hooks: Hooks, before: str = "", end: str = "", form: str = "json") -> Hooks:
    """Writes each call into the text, between the tags of a template, and has no call.

    `form` is `json` for the call as JSON, `arguments` for its arguments alone, `function` for a call in code.
    """
    word = _form(form)

    def change(calls: list[WholeCall], _: CompletionRequest) -> Iterator[Increment | WholeCall]:
        for call in calls:
            yield from (Text(0, piece) for piece in _eights(before + word(call) + end))

    return with_calls(hooks, change)


@fault_action("calls.beside-text")
def calls_beside_text(hooks: Hooks, before: str = "", end: str = "", form: str = "json") -> Hooks:
    """Writes each call into the text as well, before the calls."""
    word = _form(form)

    def change(calls: list[WholeCall], _: CompletionRequest) -> Iterator[Increment | WholeCall]:
        for call in calls:
            yield Text(0, before + word(call) + end)
        yield from calls

    return with_calls(hooks, change)


def _form(form: str) -> Callable[[WholeCall], str]:
    forms: Mapping[str, Callable[[WholeCall], str]] = {
        "json": _as_json,
        "arguments": _input,
        "function": lambda call: f"{call[0].name}({_input(call)})",
        "nothing": lambda _: "",
    }
    if form not in forms:
        raise ActionError(f"`form: {form}` is unknown; use one of {', '.join(forms)}")
    return forms[form]


@fault_action("calls.add")
def add_calls(hooks: Hooks, name: str | None = None, *, same_id: bool = False) -> Hooks:
    """Makes a further call like the first one, of a function of this name, with an id of its own or the same one."""

    def change(calls: list[WholeCall], _: CompletionRequest) -> list[WholeCall]:
        first = calls[0]
        index, given = len(calls), first[0].id if same_id else f"{first[0].id}x"
        opening = replace(first[0], index=index, id=given, name=name or first[0].name)
        return [*calls, [opening, *(replace(piece, index=index) for piece in first[1:])]]

    return with_calls(hooks, change)


@fault_action("calls.id")
def set_call_id(hooks: Hooks, to: str) -> Hooks:
    """Gives every call this id; `{place}` is its place in the answer, `{turn}` that in the whole conversation."""

    def named(call: WholeCall, request: CompletionRequest) -> WholeCall:
        earlier = sum(len(message.raw.get("tool_calls") or ()) for message in request.messages)
        given = to.replace("{place}", str(call[0].index)).replace("{turn}", str(earlier + call[0].index))
        return [replace(call[0], id=given), *call[1:]]

    return with_calls(hooks, lambda calls, request: [named(call, request) for call in calls])


@fault_action("calls.name")
def set_call_name(hooks: Hooks, to: str | None = None, before: str = "", end: str = "") -> Hooks:
    """Gives every call another name, or one with text before or after it."""
    return _renaming(hooks, lambda name: before + (name if to is None else to) + end)


@fault_action("calls.name-spelled")
def spell_call_name(hooks: Hooks, how: str) -> Hooks:
    """Writes the name of every call otherwise: `underscores` for dashes, `lower-case`, or `cut` after 48 characters."""
    spellings: Mapping[str, Callable[[str], str]] = {
        "underscores": lambda name: name.replace("-", "_"),
        "lower-case": str.lower,
        "cut": lambda name: name[:48],
    }
    if how not in spellings:
        raise ActionError(f"`how: {how}` is unknown; use one of {', '.join(spellings)}")
    return _renaming(hooks, spellings[how])


def _renaming(hooks: Hooks, change: Callable[[str], str]) -> Hooks:
    def named(call: WholeCall) -> WholeCall:
        return [replace(call[0], name=change(call[0].name or "")), *call[1:]]

    return with_calls(hooks, lambda calls, _: [named(call) for call in calls])


@fault_action("calls.lost-behind-empty")
def lost_behind_empty(hooks: Hooks) -> Hooks:
    """Gives each call that comes behind one without arguments no arguments, either."""

    def change(calls: list[WholeCall], _: CompletionRequest) -> list[WholeCall]:
        empty = next((number for number, call in enumerate(calls) if _input(call).strip() == "{}"), len(calls))
        return [call if number <= empty else _with_input(call, "{}") for number, call in enumerate(calls)]

    return with_calls(hooks, change)


@fault_action("calls.other-tool")
def other_tool(hooks: Hooks) -> Hooks:
    """Calls the first of the request's tools, whichever is chosen; where that is called, the last."""
    from conformance.reference.request_context import current  # noqa: PLC0415 - the request as it was sent

    def change(calls: list[WholeCall], _: CompletionRequest) -> list[WholeCall]:
        given = [tool["function"]["name"] for tool in current.get().body.get("tools", ()) if "function" in tool]
        named = calls[0][0].name
        other = next((name for name in given if name != named), named)
        return [[replace(call[0], name=other), *call[1:]] for call in calls]

    return replace(with_calls(hooks, change), needs_context=True)


_ARGUMENTS: Mapping[str, Callable[[str], str]] = {
    "encoded-twice": lambda text: json.dumps(text, ensure_ascii=False),
    "cut": lambda text: text[: len(text) // 2],
    "empty": lambda _: "",
    "null": lambda _: "null",
    "list": lambda text: f"[{text}]",
    "fenced": lambda text: f"```json\n{text}\n```",
    "single-quotes": lambda text: text.replace('"', "'"),
    "trailing-comma": lambda text: f"{text[:-1]},}}" if len(text) > 2 else text,
    "twice": lambda text: text + text,
    "without-end": lambda text: text[:-1],
    "empty-object": lambda _: "{}",
    "ascii": lambda text: text.encode("ascii", "replace").decode(),
    "damaged": lambda text: "".join(one if one.isascii() else "\ufffd" for one in text),
    "mojibake": lambda text: text.encode().decode("latin-1"),
    "escaped": lambda text: _written(text, ensure_ascii=True),
    "indented": lambda text: _written(text, ensure_ascii=False, indent=2),
    "spaced": lambda text: f" \n{text}\n ",
    "upper-case": lambda text: text.upper(),
    "further-member": lambda text: _edited(text, lambda value: {**value, "further": 1}),
    "without-first": lambda text: _edited(text, lambda value: dict(list(value.items())[1:])),
    "wrapped": lambda text: _edited(text, lambda value: {"arguments": value}),
    "texts": lambda text: _edited(text, lambda value: {name: _as_text(one) for name, one in value.items()}),
    "nulls": lambda text: _edited(text, dict.fromkeys),
    "inner-texts": lambda text: _edited(text, _with_inner_texts),
    "snake-names": lambda text: _edited(text, lambda value: {_snake(name): one for name, one in value.items()}),
    "empty-where-none": lambda text: "" if text == "{}" else text,
    "cut-long": lambda text: text[:800],
    "without-joiners": lambda text: text.replace("\u200d", ""),
    "further-inside": lambda text: _edited(text, lambda value: _inside(value, lambda one: {**one, "further": 1})),
    "missing-inside": lambda text: _edited(text, lambda value: _inside(value, lambda one: dict(list(one.items())[1:]))),
    "texts-inside": lambda text: _edited(text, lambda value: _inside(value, _members_as_text)),
    "longer-code": lambda text: _edited(text, _with_longer_code),
    "html-escaped": lambda text: text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"),
    "percent-decoded": unquote,
    "ended-at-a-tag": lambda text: text.partition("</tool_call>")[0],
    "variables-filled": lambda text: re.sub(r"\$\{\w*\}", "", text),
    "unescaped": lambda text: text.replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\"),
}


def _edited(text: str, edit: Callable[[dict[str, Any]], Any]) -> str:
    try:
        value = json.loads(text) if text else {}
    except ValueError:
        return text  # a limit has cut it
    return json.dumps(edit(value) if isinstance(value, dict) else value, ensure_ascii=False)


def _written(text: str, **form: Any) -> str:
    """The same JSON in another form; what is none, or was cut, as it is."""
    try:
        return json.dumps(json.loads(text), **form)
    except ValueError:
        return text


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _with_inner_texts(value: dict[str, Any]) -> dict[str, Any]:
    """Objects and lists within the arguments as JSON texts, as if they had been encoded on their own."""
    return {name: json.dumps(one) if isinstance(one, dict | list) else one for name, one in value.items()}


def _inside(value: Any, edit: Callable[[dict[str, Any]], dict[str, Any]], depth: int = 0) -> Any:
    """The value with each object edited that stands in another one, or in a list."""
    if isinstance(value, list):
        return [_inside(one, edit, depth + 1) for one in value]
    if not isinstance(value, dict):
        return value
    inner = {name: _inside(one, edit, depth + 1) for name, one in value.items()}
    return edit(inner) if depth else inner


def _members_as_text(value: dict[str, Any]) -> dict[str, Any]:
    return {name: one if isinstance(one, dict | list) else _as_text(one) for name, one in value.items()}


def _with_longer_code(value: dict[str, Any]) -> dict[str, Any]:
    """The member `code` several times as long, where it is one word in lower case; so its pattern may not forbid it."""
    code = value.get("code")
    if not isinstance(code, str) or not (code.isalpha() and code.islower()):
        return value
    return {**value, "code": code * 7}


def _snake(name: str) -> str:
    return "".join(one if one.isascii() and one.isalnum() else "_" for one in name)


@fault_action("calls.arguments")
def change_arguments(hooks: Hooks, how: str) -> Hooks:
    """Changes the arguments of each call as a whole, as JSON text."""
    if how not in _ARGUMENTS:
        raise ActionError(f"`how: {how}` is unknown; use one of {', '.join(_ARGUMENTS)}")
    edit = _ARGUMENTS[how]
    return with_calls(hooks, lambda calls, _: [_with_input(call, edit(_input(call))) for call in calls])


_PIECES: Mapping[str, Callable[[WholeCall], WholeCall]] = {
    "one": lambda call: [replace(call[0], text=_input(call))],
    "two": lambda call: [call[0], CallPiece(call[0].index, _input(call))],
    "characters": lambda call: [call[0], *(CallPiece(call[0].index, one) for one in _input(call))],
    "twice": lambda call: [call[0], *(piece for piece in call[1:] for _ in range(2))],
    "reversed": lambda call: [call[0], *reversed(call[1:])],
    "without-last": lambda call: call[:-1] if len(call) > 2 else call[:1],
    "without-second": lambda call: [*call[:2], *call[3:]] if len(call) > 3 else call[:1],
    "growing": lambda call: [call[0], *(CallPiece(call[0].index, _input(call[: n + 1])) for n in range(1, len(call)))],
    "empty-beside": lambda call: [*call, CallPiece(call[0].index, "")],
}


@fault_action("calls.pieces")
def change_pieces(hooks: Hooks, how: str) -> Hooks:
    """Cuts the arguments of each call into other pieces, or loses, repeats or moves some of them."""
    if how not in _PIECES:
        raise ActionError(f"`how: {how}` is unknown; use one of {', '.join(_PIECES)}")
    return with_calls(hooks, lambda calls, _: [_PIECES[how](call) for call in calls])


@fault_action("calls.interleaved")
def interleave(hooks: Hooks, *, one_index: bool = False) -> Hooks:
    """Sends the pieces of several calls in turn; with `one_index`, as if they were of one call."""

    def change(calls: list[WholeCall], _: CompletionRequest) -> list[WholeCall]:
        openings = [call[0] for call in calls]
        longest = max(map(len, calls))
        rest = [call[n] for n in range(1, longest) for call in calls if n < len(call)]
        together = [*openings, *rest]
        return [[replace(piece, index=0) if one_index else piece for piece in together]]

    return with_calls(hooks, change)


@fault_action("calls.invented")
def invent_call(hooks: Hooks, name: str = "set_city", arguments: str = "{}") -> Hooks:
    """Calls a function where the model wrote a text."""

    async def increments(request: CompletionRequest, made: Increments) -> AsyncGenerator[Increment, None]:
        async with aclosing(made):
            async for increment in made:
                if isinstance(increment, Text):
                    continue
                if isinstance(increment, Finish):
                    opening = CallPiece(0, "", f"call_{id(increment):x}", "function", name)
                    yield Call(increment.choice, opening)
                    yield Call(increment.choice, CallPiece(0, arguments))
                    increment = replace(increment, reason="tool_calls")  # noqa: PLW2901
                yield increment

    return with_increments(hooks, increments)


@fault_action("text.change")
def change_text(hooks: Hooks, how: str | None = None, before: str = "", end: str = "", to: str | None = None) -> Hooks:
    """Changes the text of each choice as a whole: as arguments of calls are changed, surrounded, or another one."""
    if how is not None and how not in _ARGUMENTS:
        raise ActionError(f"`how: {how}` is unknown; use one of {', '.join(_ARGUMENTS)}")

    async def increments(request: CompletionRequest, made: Increments) -> AsyncGenerator[Increment, None]:
        held: dict[int, list[str]] = {}
        async with aclosing(made):
            async for increment in made:
                if isinstance(increment, Text):
                    held.setdefault(increment.choice, []).append(increment.text)
                    continue
                if isinstance(increment, Finish):
                    text = "".join(held.pop(increment.choice, ()))
                    changed = to if to is not None else _ARGUMENTS[how](text) if how else text
                    for piece in _eights(before + changed + end):
                        yield Text(increment.choice, piece)
                yield increment

    return with_increments(hooks, increments)
