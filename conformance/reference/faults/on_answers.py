"""Faults of the objects of an answer: the completion, and the body of an error."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import replace
from typing import Any

from conformance.reference.answer import Outline
from conformance.reference.dialect import Dialect
from conformance.reference.errors import Refusal
from conformance.reference.faults.actions import deed
from conformance.reference.faults.places import ABSENT, as_told, changed
from conformance.reference.generation import Finish, Step, Text
from conformance.reference.hooks import Seams
from conformance.reference.providers.model import Provider
from conformance.reference.request import CompletionRequest
from conformance.reference.request_context import current


def with_completion(seams: Seams, bend: Callable[[dict[str, Any], CompletionRequest], Any]) -> Seams:
    """Bends the completion object."""
    build = seams.stages.build_completion

    async def bent(dialect: Dialect, outline: Outline, request: CompletionRequest, steps: Any) -> Any:
        return bend(await build(dialect, outline, request, steps), request)

    return replace(seams, stages=replace(seams.stages, build_completion=bent))


@deed("completion.set")
def set_in_completion(seams: Seams, at: str, to: Any) -> Seams:
    """Puts something else at a place of the completion."""
    change = as_told(to)
    return with_completion(seams, lambda body, _: changed(body, at, change))


@deed("completion.drop")
def drop_from_completion(seams: Seams, at: str) -> Seams:
    """Leaves a member or an item of the completion out."""
    return with_completion(seams, lambda body, _: changed(body, at, lambda _value: ABSENT))


@deed("completion.rename")
def rename_in_completion(seams: Seams, at: str, names: Mapping[str, str]) -> Seams:
    """Gives members of an object other names."""

    def renamed(value: Any) -> Any:
        return {names.get(name, name): one for name, one in value.items()} if isinstance(value, dict) else value

    return with_completion(seams, lambda body, _: changed(body, at, renamed))


@deed("created.backwards")
def created_backwards(seams: Seams, seconds: int = 60) -> Seams:
    """Counts `created` back with each request of the deployment."""
    bent = with_completion(seams, lambda body, _: {**body, "created": body["created"] - seconds * current.get().number})
    return replace(bent, knows_requests=True)


@deed("error.set")
def set_in_error(seams: Seams, at: str, to: Any, status: int | None = None) -> Seams:
    """Puts something else at a place of the error object; only where the status is this one, if one is given."""
    change, word = as_told(to), seams.stages.error_body

    def bent(dialect: Dialect, refusal: Refusal) -> Any:
        body = word(dialect, refusal)
        return changed(body, at, change) if status in {None, refusal.status} else body

    return replace(seams, stages=replace(seams.stages, error_body=bent))


@deed("error.drop")
def drop_from_error(seams: Seams, at: str, status: int | None = None) -> Seams:
    """Leaves a member of the error object out."""
    return set_in_error(seams, at, {"as": "absent"}, status)


def with_steps(
    seams: Seams, bend: Callable[[CompletionRequest, AsyncGenerator[Step, None]], AsyncGenerator[Step, None]]
) -> Seams:
    """Bends the steps of a completion, streamed or not."""
    generate = seams.stages.generate

    def bent(provider: Provider, request: CompletionRequest) -> AsyncGenerator[Step, None]:
        return bend(request, generate(provider, request))

    return replace(seams, stages=replace(seams.stages, generate=bent))


def with_finish(seams: Seams, bend: Callable[[Finish, CompletionRequest], Finish]) -> Seams:
    """Bends why and with what figures each choice ends."""

    async def steps(request: CompletionRequest, made: AsyncGenerator[Step, None]) -> AsyncGenerator[Step, None]:
        async for step in made:
            yield bend(step, request) if isinstance(step, Finish) else step

    return with_steps(seams, steps)


@deed("finish.set")
def set_finish(
    seams: Seams,
    reason: str | None = None,
    completion_tokens: int | None = None,
    prompt_tokens: int | None = None,
    instead_of: str | None = None,
) -> Seams:
    """Ends choices with another reason, or other figures; `instead_of` is the only reason that is replaced."""

    def bend(finish: Finish, _: CompletionRequest) -> Finish:
        given = {"reason": reason, "completion_tokens": completion_tokens, "prompt_tokens": prompt_tokens}
        told: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        return finish if instead_of not in {None, finish.reason} else replace(finish, **told)

    return with_finish(seams, bend)


@deed("text.add")
def add_text(seams: Seams, text: str, at: str = "end") -> Seams:
    """Adds text that no model made, at the start or the end of each choice."""

    async def steps(request: CompletionRequest, made: AsyncGenerator[Step, None]) -> AsyncGenerator[Step, None]:
        if at == "start":
            for choice in range(request.choices):
                yield Text(choice, text)
        async for step in made:
            if isinstance(step, Finish) and at == "end":
                yield Text(step.choice, text)
            yield step

    return with_steps(seams, steps)


@deed("text.keep-stop")
def keep_stop(seams: Seams) -> Seams:
    """Leaves the stop sequence at the end of the text that it ended."""

    async def steps(request: CompletionRequest, made: AsyncGenerator[Step, None]) -> AsyncGenerator[Step, None]:
        async for step in made:
            if isinstance(step, Finish) and step.reason == "stop" and request.stop:
                yield Text(step.choice, request.stop[0])
            yield step

    return with_steps(seams, steps)


@deed("text.vary")
def vary_text(seams: Seams) -> Seams:
    """Answers each request in other words of the same length: letters are moved on by the request's number.

    Where letters are to stop it, they stay: an answer in other words would have stopped elsewhere.
    """

    async def steps(request: CompletionRequest, made: AsyncGenerator[Step, None]) -> AsyncGenerator[Step, None]:
        stays = request.alternatives is not None or any(map(str.isalpha, "".join(request.stop)))
        moved = 0 if stays else current.get().number % 26
        async for step in made:
            yield replace(step, text=_moved(step.text, moved)) if isinstance(step, Text) else step

    return replace(with_steps(seams, steps), knows_requests=True)


def _moved(text: str, places: int) -> str:
    """The text with each lower-case letter of ASCII moved on in the alphabet."""
    return "".join(chr((ord(one) - 97 + places) % 26 + 97) if "a" <= one <= "z" else one for one in text)


@deed("ids.uuid")
def uuid_ids(seams: Seams) -> Seams:
    """Gives answers UUIDs for ids."""
    stages = seams.stages

    async def build_completion(dialect: Dialect, outline: Outline, request: CompletionRequest, steps: Any) -> Any:
        return await stages.build_completion(dialect, replace(outline, id=str(uuid.uuid4())), request, steps)

    def build_events(dialect: Dialect, outline: Outline, request: CompletionRequest, steps: Any) -> Any:
        return stages.build_events(dialect, replace(outline, id=str(uuid.uuid4())), request, steps)

    return replace(seams, stages=replace(stages, build_completion=build_completion, build_events=build_events))
