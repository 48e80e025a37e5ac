"""Keeps an upstream's key from the gateway's clients in all that answers are made of: text, thoughts, tool calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.reference.provider import CallPiece, Declined, Piece, Thought
from conformance.reference.providers.key_gate import KeyGate
from conformance.reference.providers.upstream_calls import new_id


class PieceGate:
    """Passes pieces on without a key, each kind of text by itself; calls come one after another."""

    def __init__(self, key: str | None) -> None:
        self._key = key
        self._text, self._thoughts, self._declined = KeyGate(key), KeyGate(key), KeyGate(key)
        self._input = KeyGate(key)
        """Of the call that is under way."""
        self._call = CallPiece(0, "")

    def feed(self, piece: Piece) -> Iterator[Piece]:
        """What may be sent now that `piece` has arrived."""
        if not isinstance(piece, Thought):  # thoughts keep their place: they are counted by themselves
            yield from self._rest_of_thoughts()
        if isinstance(piece, CallPiece):
            yield from self._of_call(piece)
        elif isinstance(piece, str):
            yield from filter(None, [self._text.feed(piece)])
        elif isinstance(piece, Thought):
            yield from (Thought(text) for text in filter(None, [self._thoughts.feed(piece.text)]))
        elif isinstance(piece, Declined):
            yield from (Declined(text) for text in filter(None, [self._declined.feed(piece.text)]))
        else:
            yield piece

    def flush(self) -> Iterator[Piece]:
        """What is still held back, once no more arrives."""
        yield from self._rest_of_thoughts()
        if text := self._text.flush():
            yield text
        if declined := self._declined.flush():
            yield Declined(declined)
        if rest := self._input.flush():
            yield replace(self._call, text=rest)

    def _rest_of_thoughts(self) -> Iterator[Piece]:
        if thought := self._thoughts.flush():
            yield Thought(thought)

    def _of_call(self, piece: CallPiece) -> Iterator[Piece]:
        if piece.name is not None:
            yield from self.flush()
            self._input, self._call = KeyGate(self._key), CallPiece(piece.index, "", kind=piece.kind)
            kept = piece.id if piece.id and self._masked(piece.id) == piece.id else new_id()
            yield replace(piece, id=kept, name=self._masked(piece.name), text="")
        if text := self._input.feed(piece.text):
            yield replace(self._call, text=text)

    def _masked(self, word: str) -> str:
        gate = KeyGate(self._key)
        return gate.feed(word) + gate.flush()
