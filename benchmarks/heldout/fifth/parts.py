"""The small parts of which the faults and variations of the fifth set are made, beside those of the other sets."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

from held_out import Body, crash

from conformance.reference.errors import Refusal
from conformance.reference.hooks import Hooks
from conformance.reference.provider import CallPiece, CompletionRequest, Piece
from conformance.reference.providers.echo import EchoProvider
from conformance.reference.stages import Stages
from conformance.reference.tokens import split_tokens


def refused(status: int, reason: str, message: str, param: str | None = None) -> Refusal:
    """A refusal, with its place where it has one."""
    return Refusal(status, reason, message, param=param)


def crashing_before(broken: Callable[[Any], bool]) -> Hooks:
    """Answers 500 to bodies for which `broken` holds, though they should be refused for what they say."""

    def check(rules: Any, body: Any) -> None:
        if broken(body):
            raise crash()
        rules.check_body(body)

    return Hooks(Stages(check_body=check))


def order_of(message: Body) -> Sequence[str]:
    """The names of a message's members, as they stand."""
    return list(message)


class RewritingProvider(EchoProvider):
    """The echo, whose whole text, or the whole arguments of whose calls, are written anew before they are sent."""

    def text(self, _request: CompletionRequest, text: str) -> str:
        """What the text becomes."""
        return text

    def arguments(self, text: str) -> str:
        """What the arguments of a call become."""
        return text

    async def generate(self, request: CompletionRequest, choice: int) -> AsyncGenerator[Piece, None]:
        """The pieces of the echo, split into tokens anew."""
        pieces = [piece async for piece in super().generate(request, choice)]
        said = "".join(piece for piece in pieces if isinstance(piece, str))
        written: dict[int, str] = {}
        for piece in pieces:
            if isinstance(piece, CallPiece):
                written[piece.index] = written.get(piece.index, "") + piece.text
        for piece in pieces[:-1]:
            if isinstance(piece, str):
                continue
            if not isinstance(piece, CallPiece):
                yield piece
            elif piece.name is not None:
                yield piece
                for token in split_tokens(self.arguments(written[piece.index])):
                    yield CallPiece(piece.index, token, kind=piece.kind)
        for token in split_tokens(self.text(request, said)) if said else ():
            yield token
        yield pieces[-1]
