"""Where a fault takes hold of a deployment: its stages, the messages of an answer, and the bytes on the socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field, fields, replace
from enum import Enum, auto
from typing import Any

from starlette.types import Message

from conformance.reference.request_context import RequestContext
from conformance.reference.stages import Stages


class Ending(Enum):
    """How a fault can end an answer on the connection, besides writing bytes."""

    CLOSE = auto()
    """Close the connection in order (FIN)."""
    RESET = auto()
    """Break the connection off (RST)."""
    HANG = auto()
    """Write nothing more of this answer, and leave the connection open."""


class WriteKind(Enum):
    """What a write to the socket contains."""

    HEAD = auto()
    """The status line and the header fields."""
    BODY = auto()
    """A piece of the body, in its transfer coding."""
    END = auto()
    """What ends the body: the last chunk, or nothing."""


@dataclass(frozen=True, slots=True)
class Write:
    """One write of an answer to the socket."""

    kind: WriteKind
    data: bytes
    """As it would be written without a fault."""
    payload: bytes
    """A piece of the body without its transfer coding."""
    number: int
    """How many pieces of the body precede this one."""


Messages = AsyncIterator[Message]
MessageHook = Callable[[RequestContext, Messages], Messages]
"""Takes the ASGI messages of an answer, and gives those that are sent."""
WriteHook = Callable[[RequestContext, Write], Iterable[bytes | Ending]]
"""Takes one write of an answer, and gives what is written."""
ProtocolHook = Callable[[type[Any]], type[Any]]
"""Takes the class of the server's HTTP protocol, and gives the class that is used."""
RequestCondition = Callable[[RequestContext], bool]
"""Whether a fault applies to a request."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """Everything that faults change in a deployment; the default changes nothing.

    `messages` and `writes` are applied in order.
    """

    stages: Stages = field(default_factory=Stages)
    messages: tuple[MessageHook, ...] = ()
    writes: tuple[WriteHook, ...] = ()
    needs_context: bool = False
    """Whether a stage looks at the request that is being answered (`request_context.current`)."""
    reads_first: bool = False
    """Whether a request is read to its end before anything else, so that conditions can look at its body."""
    protocols: tuple[ProtocolHook, ...] = ()
    """What reads requests from the socket. No condition applies to them: there is no request yet."""

    @property
    def beyond_stages(self) -> bool:
        """Whether more than the stages changes, so that the application or the transport has to be wrapped."""
        return bool(self.messages or self.writes or self.protocols or self.needs_context)


def only_when(condition: RequestCondition, before: Hooks, after: Hooks, context: Callable[[], RequestContext]) -> Hooks:
    """The hooks `after` for requests that meet the condition, and `before` for all others.

    `context` gives the request that is being answered.
    """
    changed = {
        one.name: _chosen(condition, getattr(before.stages, one.name), getattr(after.stages, one.name), context)
        for one in fields(Stages)
        if getattr(before.stages, one.name) is not getattr(after.stages, one.name)
    }
    further_messages = after.messages[len(before.messages) :]
    further_writes = after.writes[len(before.writes) :]
    return Hooks(
        stages=replace(before.stages, **changed),
        messages=before.messages + tuple(_messages_when(condition, one) for one in further_messages),
        writes=before.writes + tuple(_writes_when(condition, one) for one in further_writes),
        needs_context=True,
        reads_first=True,
        protocols=after.protocols,
    )


def _chosen(condition: RequestCondition, usual: Any, faulty: Any, context: Callable[[], RequestContext]) -> Any:
    def stage(*arguments: Any, **named: Any) -> Any:
        return (faulty if condition(context()) else usual)(*arguments, **named)

    return stage


def _messages_when(condition: RequestCondition, hook: MessageHook) -> MessageHook:
    async def conditional(context: RequestContext, messages: Messages) -> Messages:
        # The condition can only be evaluated once the request has been read, which is when the first message arrives.
        first = await anext(messages, None)
        if first is None:
            return

        async def all_messages() -> Messages:
            yield first
            async for message in messages:
                yield message

        async for message in hook(context, all_messages()) if condition(context) else all_messages():
            yield message

    return conditional


def _writes_when(condition: RequestCondition, hook: WriteHook) -> WriteHook:
    return lambda context, write: hook(context, write) if condition(context) else (write.data,)
