"""Where a deployment can be bent: its stages, the messages of an answer, and the bytes that reach the socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field, fields, replace
from enum import Enum, auto
from typing import Any

from starlette.types import Message

from conformance.reference.request_context import Asked
from conformance.reference.stages import Stages


class Act(Enum):
    """What can be done to a connection beside writing."""

    CLOSE = auto()
    """End it in order (FIN)."""
    RESET = auto()
    """Break it off (RST)."""
    HANG = auto()
    """Write nothing more of this answer, and leave it open."""


class PartKind(Enum):
    """What a write to the socket is."""

    HEAD = auto()
    """Status line and header fields."""
    BODY = auto()
    """A piece of the body, in its transfer coding."""
    END = auto()
    """What ends the body: the last chunk, or nothing."""


@dataclass(frozen=True, slots=True)
class Part:
    """One write of an answer."""

    kind: PartKind
    data: bytes
    """As it would be written."""
    payload: bytes
    """A piece of the body without its transfer coding."""
    number: int
    """Pieces of the body before this one."""


Messages = AsyncIterator[Message]
BendMessages = Callable[[Asked, Messages], Messages]
"""Takes the ASGI messages of an answer, and gives those that are sent."""
BendPart = Callable[[Asked, Part], Iterable[bytes | Act]]
"""Takes one write of an answer, and gives what is written."""
BendProtocol = Callable[[type[Any]], type[Any]]
"""Takes the class of the server's HTTP protocol, and gives the class that is used."""
Holds = Callable[[Asked], bool]
"""A condition on a request."""


@dataclass(frozen=True, slots=True)
class Seams:
    """A deployment as it is bent; without anything, it is the reference as it stands.

    `messages` and `parts` are applied in order.
    """

    stages: Stages = field(default_factory=Stages)
    messages: tuple[BendMessages, ...] = ()
    parts: tuple[BendPart, ...] = ()
    knows_requests: bool = False
    """Whether a stage looks at the request that is being answered (`asked.current`)."""
    reads_first: bool = False
    """Whether a request is read to its end before anything else: so that conditions know what it asks for."""
    protocols: tuple[BendProtocol, ...] = ()
    """What reads requests from the socket. No condition holds for them: there is no request yet."""

    @property
    def bends(self) -> bool:
        """Whether more than the stages is needed: an application or a transport that is bent."""
        return bool(self.messages or self.parts or self.protocols or self.knows_requests)


def only_when(holds: Holds, before: Seams, after: Seams, asked: Callable[[], Asked]) -> Seams:
    """The seams `after` for requests for which the condition holds, and `before` for all others.

    `asked` gives the request that is being answered.
    """
    changed = {
        one.name: _chosen(holds, getattr(before.stages, one.name), getattr(after.stages, one.name), asked)
        for one in fields(Stages)
        if getattr(before.stages, one.name) is not getattr(after.stages, one.name)
    }
    return Seams(
        stages=replace(before.stages, **changed),
        messages=before.messages + tuple(_messages_when(holds, one) for one in after.messages[len(before.messages) :]),
        parts=before.parts + tuple(_part_when(holds, one) for one in after.parts[len(before.parts) :]),
        knows_requests=True,
        reads_first=True,
        protocols=after.protocols,
    )


def _chosen(holds: Holds, usual: Any, bent: Any, asked: Callable[[], Asked]) -> Any:
    def stage(*arguments: Any, **named: Any) -> Any:
        return (bent if holds(asked()) else usual)(*arguments, **named)

    return stage


def _messages_when(holds: Holds, bend: BendMessages) -> BendMessages:
    async def bent(asked: Asked, messages: Messages) -> Messages:
        # The condition can only be judged once the request has been read: that is when the first message comes.
        first = await anext(messages, None)
        if first is None:
            return

        async def all_of_them() -> Messages:
            yield first
            async for message in messages:
                yield message

        async for message in bend(asked, all_of_them()) if holds(asked) else all_of_them():
            yield message

    return bent


def _part_when(holds: Holds, bend: BendPart) -> BendPart:
    return lambda asked, part: bend(asked, part) if holds(asked) else (part.data,)
