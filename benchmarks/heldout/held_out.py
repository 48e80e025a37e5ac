"""What one held-out deployment is, and the small parts of which the faults and variations are made."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from starlette.types import Message

from conformance.contract.dialect import Dialect, read_dialect
from conformance.reference import EmbeddedReference
from conformance.reference.answer import EventData, Outline, build_completion, build_events
from conformance.reference.errors import Refusal
from conformance.reference.generation import Increments, generate
from conformance.reference.hooks import Hooks, Messages
from conformance.reference.interpretation import interpret
from conformance.reference.provider import CompletionRequest, Piece, Provider
from conformance.reference.providers.echo import EchoProvider
from conformance.reference.request_context import RequestContext
from conformance.reference.server import settings_from_environment
from conformance.reference.stages import Interpret, Stages
from conformance.reference.tokens import split_tokens

PROFILE = "openai"
Body = Mapping[str, Any]
HeaderFields = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """One deployment: the reference of a profile with a fault, or with an allowed variation."""

    id: str
    kind: str
    """A kind of its set (a letter from A to N in the first), or `allowed`."""
    about: str
    """One sentence: what the deployment does."""
    hooks: Callable[[], Hooks]
    """Makes the hooks anew, so that no state is left of an earlier run."""
    seen: tuple[str, ...] = ()
    """Public reports of the kind, where this member is near to one."""
    provider: Callable[[], Provider] | None = None
    profile: str = PROFILE

    def reference(self) -> EmbeddedReference:
        """The deployment, with the public demo keys, not yet serving."""
        return deployment(self.hooks(), None if self.provider is None else self.provider(), self.profile)


def deployment(
    hooks: Hooks | None = None, provider: Provider | None = None, profile: str = PROFILE
) -> EmbeddedReference:
    """The reference deployment with the public demo keys; unharmed without hooks."""
    first, second = settings_from_environment(read_dialect(profile), {}).tenants
    return EmbeddedReference(profile, hooks=hooks or Hooks(), provider=provider, tenants=(first, second))


def by_kind(kinds: Iterable[str], *tables: Iterable[HeldOut]) -> tuple[HeldOut, ...]:
    """The deployments of several tables, in the order of their kinds."""
    order = list(kinds)
    return tuple(sorted((one for table in tables for one in table), key=lambda one: order.index(one.kind)))


# --- requests ---


def crash() -> Refusal:
    """The answer of a server that failed at a request which it should serve."""
    return Refusal(500, "internal_error", "Internal server error")


def crashing_when(broken: Callable[[Body], bool]) -> Hooks:
    """Answers 500 to valid requests for which `broken` holds."""

    def stage(operation: Any, dialect: Any, settings: Any, *, scores_tokens: bool, body: Body) -> CompletionRequest:
        request = interpret(operation, dialect, settings, scores_tokens=scores_tokens, body=body)
        if broken(body):
            raise crash()
        return request

    return Hooks(Stages(interpret=stage))


def reading(change: Callable[[Body], Body]) -> Hooks:
    """Has the deployment read another body than the valid one that was sent."""
    return Hooks(Stages(interpret=reading_stage(change)))


def reading_stage(change: Callable[[Body], Body]) -> Interpret:
    """The stage that reads another body than the valid one that was sent."""

    def stage(operation: Any, dialect: Any, settings: Any, *, scores_tokens: bool, body: Body) -> CompletionRequest:
        return interpret(operation, dialect, settings, scores_tokens=scores_tokens, body=change(body))

    return stage


def roles(body: Body) -> list[str]:
    """The roles of the messages, in order."""
    return [str(message.get("role")) for message in body["messages"]]


# --- answers ---

Increasing = Callable[[Provider, CompletionRequest, Increments], Increments]


def generating(change: Increasing) -> Hooks:
    """Changes what is generated, before it becomes an answer or a stream."""

    async def stage(provider: Provider, request: CompletionRequest) -> Increments:
        async with aclosing(generate(provider, request)) as usual, aclosing(change(provider, request, usual)) as made:
            async for increment in made:
                yield increment

    return Hooks(Stages(generate=stage))


class PrefacingProvider(EchoProvider):
    """The echo, with a preface to the text of some choices that counts like all other text."""

    def __init__(self, preface: Callable[[CompletionRequest, int], str]) -> None:
        self._preface = preface

    async def generate(self, request: CompletionRequest, choice: int) -> AsyncGenerator[Piece, None]:
        """The pieces of the echo; those of text are split into tokens again, behind the preface."""
        pieces = [piece async for piece in super().generate(request, choice)]
        text = "".join(piece for piece in pieces if isinstance(piece, str))
        for piece in pieces[:-1]:
            if not isinstance(piece, str):
                yield piece
        for token in split_tokens(self._preface(request, choice) + text) if text else ():
            yield token
        yield pieces[-1]


WholeEdit = Callable[[dict[str, Any], CompletionRequest], None]
EventEdit = Callable[[dict[str, Any], CompletionRequest], None]


def whole_stage(edit: WholeEdit) -> Any:
    """The stage that changes a whole answer."""

    async def stage(dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Increments) -> Any:
        body = await build_completion(dialect, outline, request, increments)
        edit(body, request)
        return body

    return stage


def events_stage(editor: Callable[[], EventEdit]) -> Any:
    """The stage that changes the chunks of a stream; `editor` makes what changes those of one stream, in order."""

    async def stage(
        dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Increments
    ) -> AsyncGenerator[EventData, None]:
        edit = editor()
        async with aclosing(build_events(dialect, outline, request, increments)) as events:
            async for event in events:
                if isinstance(event, dict) and "choices" in event:
                    edit(event, request)
                yield event

    return stage


# --- messages of HTTP ---


def without(fields: Iterable[tuple[bytes, bytes]], *names: bytes) -> HeaderFields:
    """The header fields but for those with these names, in lower case."""
    return [(name, value) for name, value in fields if name.lower() not in names]


def answering_when(
    applies: Callable[[RequestContext], bool], status: int, body: bytes, media_type: bytes = b"text/html"
) -> Hooks:
    """Answers some requests from a layer in front of the deployment."""

    async def hook(context: RequestContext, messages: Messages) -> Messages:
        first = await anext(messages, None)
        if first is None:
            return
        if applies(context):
            fields = [(b"content-type", media_type), (b"content-length", str(len(body)).encode())]
            yield {"type": "http.response.start", "status": status, "headers": fields}
            yield {"type": "http.response.body", "body": body}
            return
        yield first
        async for message in messages:
            yield message

    return Hooks(messages=(hook,), reads_first=True, needs_context=True)


def header_of(message: Message, name: bytes) -> bytes:
    """The value of a header field of an answer; empty where there is none."""
    return next((value for field, value in message.get("headers", ()) if field.lower() == name), b"")
