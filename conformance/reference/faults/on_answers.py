"""Faults of the objects of an answer: the completion, and the body of an error."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from conformance.contract.dialect import Dialect
from conformance.reference.answer import Outline
from conformance.reference.errors import Refusal
from conformance.reference.faults.actions import ActionError, fault_action
from conformance.reference.faults.answer_edits import ABSENT, edit_from, edited, filled
from conformance.reference.generation import Call, Finish, Increments, Text
from conformance.reference.hooks import Hooks
from conformance.reference.provider import CompletionRequest, Provider
from conformance.reference.request_context import current


def with_completion(hooks: Hooks, change: Callable[[dict[str, Any], CompletionRequest], Any]) -> Hooks:
    """Changes the completion object."""
    build = hooks.stages.build_completion

    async def faulty(dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Any) -> Any:
        return change(await build(dialect, outline, request, increments), request)

    return replace(hooks, stages=replace(hooks.stages, build_completion=faulty))


@fault_action("completion.set")
def set_in_completion(hooks: Hooks, at: str, to: Any) -> Hooks:
    """Changes the value at a JSON pointer in the completion."""
    edit = edit_from(to)
    return with_completion(hooks, lambda body, _: edited(body, at, edit))


@fault_action("completion.fill")
def fill_in_completion(hooks: Hooks, at: str, to: Any) -> Hooks:
    """Puts a value at a JSON pointer in the completion where there is none; what a deployment may leave out."""
    return with_completion(hooks, lambda body, _: filled(body, at, to))


@fault_action("completion.drop")
def drop_from_completion(hooks: Hooks, at: str) -> Hooks:
    """Leaves out a member or an item of the completion."""
    return with_completion(hooks, lambda body, _: edited(body, at, lambda _value: ABSENT))


@fault_action("completion.rename")
def rename_in_completion(hooks: Hooks, at: str, names: Mapping[str, str]) -> Hooks:
    """Renames members of an object in the completion."""

    def renamed(value: Any) -> Any:
        return {names.get(name, name): one for name, one in value.items()} if isinstance(value, dict) else value

    return with_completion(hooks, lambda body, _: edited(body, at, renamed))


@fault_action("completion.null-when-empty")
def null_when_empty(hooks: Hooks) -> Hooks:
    """Gives null in place of a text that is empty."""
    return with_completion(hooks, lambda body, _: edited(body, "/choices/*/message/content", lambda text: text or None))


@fault_action("created.backwards")
def created_backwards(hooks: Hooks, seconds: int = 60) -> Hooks:
    """Gives each answer an earlier `created` than the one before."""
    faulty = with_completion(
        hooks, lambda body, _: {**body, "created": body["created"] - seconds * current.get().number}
    )
    return replace(faulty, needs_context=True)


@fault_action("error.set")
def set_in_error(hooks: Hooks, at: str, to: Any, status: int | None = None) -> Hooks:
    """Changes the value at a JSON pointer in the error object; with `status`, only in answers with this status."""
    edit, word = edit_from(to), hooks.stages.error_body

    def faulty(dialect: Dialect, refusal: Refusal) -> Any:
        body = word(dialect, refusal)
        return edited(body, at, edit) if status in {None, refusal.status} else body

    return replace(hooks, stages=replace(hooks.stages, error_body=faulty))


@fault_action("error.drop")
def drop_from_error(hooks: Hooks, at: str, status: int | None = None) -> Hooks:
    """Leaves out a member of the error object."""
    return set_in_error(hooks, at, {"as": "absent"}, status)


def with_increments(hooks: Hooks, wrap: Callable[[CompletionRequest, Increments], Increments]) -> Hooks:
    """Changes the increments of a completion, streamed or not."""
    generate = hooks.stages.generate

    def faulty(provider: Provider, request: CompletionRequest) -> Increments:
        return wrap(request, generate(provider, request))

    return replace(hooks, stages=replace(hooks.stages, generate=faulty))


def with_finish(hooks: Hooks, change: Callable[[Finish, CompletionRequest], Finish]) -> Hooks:
    """Changes the finish reason and the token counts of each choice."""

    async def increments(request: CompletionRequest, made: Increments) -> Increments:
        async for increment in made:
            yield change(increment, request) if isinstance(increment, Finish) else increment

    return with_increments(hooks, increments)


@fault_action("finish.set")
def set_finish(
    hooks: Hooks,
    reason: str | None = None,
    completion_tokens: int | None = None,
    prompt_tokens: int | None = None,
    instead_of: str | None = None,
) -> Hooks:
    """Ends choices with another reason or other token counts; with `instead_of`, only this reason is replaced."""

    def change(finish: Finish, _: CompletionRequest) -> Finish:
        given = {"reason": reason, "completion_tokens": completion_tokens, "prompt_tokens": prompt_tokens}
        changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        return finish if instead_of not in {None, finish.reason} else replace(finish, **changes)

    return with_finish(hooks, change)


@fault_action("finish.used-up")
def used_up(hooks: Hooks, reason: str) -> Hooks:
    """Ends with this reason the choices of which the limit left nothing but thoughts."""

    async def increments(_: CompletionRequest, made: Increments) -> Increments:
        said: set[int] = set()
        async for increment in made:
            if isinstance(increment, Text | Call):
                said.add(increment.choice)
            if isinstance(increment, Finish) and increment.reason == "length" and increment.choice not in said:
                yield replace(increment, reason=reason)
            else:
                yield increment

    return with_increments(hooks, increments)


@fault_action("finish.count-share")
def count_share(hooks: Hooks, of: int) -> Hooks:
    """Counts one completion token of so many, as where only some of the chunks or of the choices are counted."""
    return with_finish(
        hooks, lambda finish, _: replace(finish, completion_tokens=max(1, finish.completion_tokens // of))
    )


@fault_action("finish.count-less")
def count_less(hooks: Hooks, tokens: int) -> Hooks:
    """Counts so many completion tokens less for each choice that its limit ended."""

    def change(finish: Finish, _: CompletionRequest) -> Finish:
        cut = finish.reason == "length"
        return replace(finish, completion_tokens=finish.completion_tokens - tokens) if cut else finish

    return with_finish(hooks, change)


@fault_action("text.add")
def add_text(hooks: Hooks, text: str, at: str = "end") -> Hooks:
    """Adds text that the model did not generate, at the start or the end of each choice."""

    async def increments(request: CompletionRequest, made: Increments) -> Increments:
        if at == "start":
            for choice in range(request.choices):
                yield Text(choice, text)
        async for increment in made:
            if isinstance(increment, Finish) and at == "end":
                yield Text(increment.choice, text)
            yield increment

    return with_increments(hooks, increments)


@fault_action("text.only")
def say_only(hooks: Hooks, word: str) -> Hooks:
    """Answers everything with one word of one token, and ends by itself."""

    async def increments(request: CompletionRequest, made: Increments) -> Increments:
        async for increment in made:
            if isinstance(increment, Text):
                continue
            if isinstance(increment, Finish):
                yield Text(increment.choice, word)
                increment = replace(increment, reason="stop", completion_tokens=1)  # noqa: PLW2901
            yield increment

    return with_increments(hooks, increments)


@fault_action("text.keep-stop")
def keep_stop(hooks: Hooks) -> Hooks:
    """Keeps the stop sequence at the end of the text that it ended."""

    async def increments(request: CompletionRequest, made: Increments) -> Increments:
        async for increment in made:
            if isinstance(increment, Finish) and increment.reason == "stop" and request.stop:
                yield Text(increment.choice, request.stop[0])
            yield increment

    return with_increments(hooks, increments)


@fault_action("text.trim-at-stop")
def trim_at_stop(hooks: Hooks, what: str) -> Hooks:
    """Takes the last `word`, or only the white `space`, off the end of each text that a stop sequence ended."""
    if what not in ("word", "space"):
        raise ActionError(f"`what: {what}` is unknown; use word or space")

    def room(text: str) -> int:
        kept = text.rstrip()
        return len(kept) if what == "space" else len(kept) - len(kept.split()[-1]) if kept else 0

    async def increments(request: CompletionRequest, made: Increments) -> Increments:
        held: dict[int, list[Text]] = {}
        async for increment in made:
            if isinstance(increment, Text):
                held.setdefault(increment.choice, []).append(increment)
                continue
            if isinstance(increment, Finish):
                texts = held.pop(increment.choice, [])
                whole = "".join(text.text for text in texts)
                left = room(whole) if increment.reason == "stop" else len(whole)
                for text in texts:
                    if left > 0:
                        yield replace(text, text=text.text[:left])
                    left -= len(text.text)
            yield increment

    return with_increments(hooks, increments)


@fault_action("text.vary")
def vary_text(hooks: Hooks) -> Hooks:
    """Gives each request a different text of the same length: letters are shifted by the request's number.

    Where a stop sequence has letters, or the text has a form, it stays as it is: another text would not keep them.
    """

    async def increments(request: CompletionRequest, made: Increments) -> Increments:
        bound = request.alternatives is not None or bool(request.response_format)
        unchanged = bound or any(map(str.isalpha, "".join(request.stop)))
        shift = 0 if unchanged else current.get().number % 26
        async for increment in made:
            yield replace(increment, text=_shifted(increment.text, shift)) if isinstance(increment, Text) else increment

    return replace(with_increments(hooks, increments), needs_context=True)


def _shifted(text: str, places: int) -> str:
    """The text with each lower-case ASCII letter shifted in the alphabet."""
    return "".join(chr((ord(one) - 97 + places) % 26 + 97) if "a" <= one <= "z" else one for one in text)


@fault_action("ids.uuid")
def uuid_ids(hooks: Hooks) -> Hooks:
    """Uses UUIDs as the ids of answers."""
    stages = hooks.stages

    async def build_completion(dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Any) -> Any:
        return await stages.build_completion(dialect, replace(outline, id=str(uuid.uuid4())), request, increments)

    def build_events(dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Any) -> Any:
        return stages.build_events(dialect, replace(outline, id=str(uuid.uuid4())), request, increments)

    return replace(hooks, stages=replace(stages, build_completion=build_completion, build_events=build_events))
