"""The small parts of which the held-out faults and variations on tools and structured output are made."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from held_out import Body, EventEdit

from conformance.reference.generation import Increments, Thinking
from conformance.reference.provider import CallPiece, CompletionRequest, Piece
from conformance.reference.providers.echo import EchoProvider

Rewrite = Callable[[CompletionRequest, Sequence[Piece]], Iterable[Piece]]


class RewritingProvider(EchoProvider):
    """The echo, whose pieces of one choice are changed as a whole before they are counted."""

    def __init__(self, rewrite: Rewrite) -> None:
        self._rewrite = rewrite

    async def generate(self, request: CompletionRequest, choice: int) -> AsyncGenerator[Piece, None]:
        """The changed pieces of the echo."""
        pieces = [piece async for piece in super().generate(request, choice)]
        for piece in self._rewrite(request, pieces):
            yield piece


def text_in(pieces: Iterable[Piece]) -> str:
    """The text that pieces add up to."""
    return "".join(piece for piece in pieces if isinstance(piece, str))


def calls_in(pieces: Iterable[Piece]) -> list[tuple[str, str]]:
    """The name and the input of each call that pieces add up to."""
    found: dict[int, tuple[str, str]] = {}
    for piece in pieces:
        if isinstance(piece, CallPiece):
            name, text = found.get(piece.index, (piece.name or "", ""))
            found[piece.index] = name, text + piece.text
    return list(found.values())


def thinks(request: CompletionRequest) -> bool:
    """Whether a request asks for reasoning."""
    return request.effort not in (None, "none")


def named_choice(body: Body) -> str:
    """The name of the function that `tool_choice` names; empty where it names none."""
    choice = body.get("tool_choice")
    held = choice.get("function") if isinstance(choice, Mapping) else None
    return str(held.get("name")) if isinstance(held, Mapping) else ""


def rows(value: Any) -> Iterator[Mapping[str, Any]]:
    """The objects of what may be a list."""
    return (one for one in (value if isinstance(value, list) else ()) if isinstance(one, Mapping))


def editing_call_deltas(edit: Callable[[dict[str, Any], dict[str, Any]], None]) -> EventEdit:
    """Changes each delta of a call; the function gets the delta, and the choice that it is of."""

    def edit_event(event: dict[str, Any], _: CompletionRequest) -> None:
        for choice in event["choices"]:
            for call in choice["delta"].get("tool_calls") or ():
                edit(call, choice)

    return edit_event


async def tapped(increments: Increments, thoughts: list[Thinking]) -> Increments:
    """The same increments, of which those of reasoning are kept as well."""
    async with aclosing(increments):
        async for increment in increments:
            if isinstance(increment, Thinking):
                thoughts.append(increment)
            yield increment
