"""Decompressors of content codings: coded bytes in, bounded pieces out. They know nothing about HTTP."""

from __future__ import annotations

import zlib
from collections.abc import Generator, Iterator
from typing import Any, Final, Protocol

import brotli

MOST_DECODED: Final = 8 * 1024 * 1024
"""Bytes that a body is decoded to at most."""
MOST_LAYERS: Final = 4
"""Content codings over one another that are decoded at most."""
PIECE: Final = 256 * 1024
"""Bytes of a piece that a decompressor gives, at most."""
MEMBERS: Final = 10_000
"""Members of a gzip body that are decoded at most (RFC 1952 section 2.2 allows any number)."""
GZIP_MAGIC: Final = b"\x1f\x8b"

_STEP: Final = 16 * 1024
_BROTLI_PIECE: Final = 64 * 1024
"""The limit that is given to brotli, which exceeds it by up to a half."""


class BrokenCodingError(ValueError):
    """The bytes are not what their coding allows. Everything before the mistake has been decoded."""


class ManyMembersError(ValueError):
    """A gzip body has more members than are decoded."""


class Decompressor(Protocol):
    """Decodes one body. `ended` says whether the coded data came to its end, `rest` holds what followed it.

    `feed` gives what the bytes decode to. It raises BrokenCodingError or ManyMembersError after the last piece that
    can be decoded. What follows the end of a gzip body may still turn out to be another member.
    """

    ended: bool
    rest: bytes

    def feed(self, data: bytes, /) -> Iterator[bytes]: ...  # noqa: D102 - the class says it


def decompressor(coding: str, head: bytes) -> Decompressor | None:
    """The decompressor for a body that begins with `head` (two bytes are enough); None for an unknown coding."""
    if coding in ("gzip", "x-gzip"):
        return _Gzip()
    if coding == "deflate":
        # zlib data by RFC 9110 section 8.4.1.2; some send bare deflate data.
        return _Zlib(zlib.MAX_WBITS if is_zlib(head) else -zlib.MAX_WBITS)
    return _Brotli() if coding == "br" else None


def is_zlib(head: bytes) -> bool:
    """Whether data begins with the header of the zlib format (RFC 1950 section 2.2)."""
    return len(head) > 1 and head[0] & 0x8F == 8 and int.from_bytes(head[:2], "big") % 31 == 0


class _Zlib:
    def __init__(self, window: int) -> None:
        self.ended = False
        self.rest = b""
        self._decoder = zlib.decompressobj(window)

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data and not self.ended:
            before = self._decoder.copy()
            try:
                piece = self._decoder.decompress(data, PIECE)
            except zlib.error as error:
                yield from _until_mistake(before, data)
                raise BrokenCodingError(str(error)) from error
            if piece:
                yield piece
            self.ended = self._decoder.eof
            data = self._decoder.unused_data if self.ended else self._decoder.unconsumed_tail
        self.rest += data


def _until_mistake(decoder: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    """What comes before a mistake, decoded byte by byte: the call that meets the mistake gives nothing."""
    for at in range(len(data)):
        try:
            piece = decoder.decompress(data[at : at + 1])
        except zlib.error:
            return
        if piece:
            yield piece


class _Gzip:
    """One member after another (RFC 1952 section 2.2)."""

    def __init__(self) -> None:
        self.ended = False
        self.rest = b""
        self._member = _Zlib(16 + zlib.MAX_WBITS)
        self._members = 1

    def feed(self, data: bytes) -> Iterator[bytes]:
        data = self.rest + data
        self.rest = b""
        while data:
            if self._member.ended:
                if not data.startswith(GZIP_MAGIC):
                    break
                if self._members >= MEMBERS:
                    raise ManyMembersError(f"more than {MEMBERS} members")
                self._member = _Zlib(16 + zlib.MAX_WBITS)
                self._members += 1
            yield from self._member.feed(data)
            data = self._member.rest
        self.ended = self._member.ended
        self.rest = data


class _Brotli:
    """RFC 7932. A call of the library that fails gives nothing, and a call fails where anything follows the end."""

    def __init__(self) -> None:
        self.ended = False
        self.rest = b""
        self._decoder = brotli.Decompressor()
        self._taken: list[bytes] = []

    def feed(self, data: bytes) -> Iterator[bytes]:
        for at in range(0, len(data), _STEP):
            if self.ended:
                self.rest += data[at:]
                return
            step = data[at : at + _STEP]
            given = 0
            try:
                for piece in _pieces(self._decoder, step):
                    given += len(piece)
                    yield piece
            except brotli.error as error:
                rest = yield from self._again(step, given)
                if rest is None:
                    raise BrokenCodingError("not brotli") from error
                self.ended = True
                self.rest = rest + data[at + _STEP :]
                return
            self._taken.append(step)
            self.ended = self._decoder.is_finished()

    def _again(self, step: bytes, given: int) -> Generator[bytes, None, bytes | None]:
        """Decode everything again, the last step byte by byte; returns what follows the end, None without an end."""
        decoder = brotli.Decompressor()
        for taken in self._taken:
            for _ in _pieces(decoder, taken):
                pass
        for at in range(len(step)):
            try:
                for piece in _pieces(decoder, step[at : at + 1]):
                    fresh = piece[given:]
                    given -= len(piece) - len(fresh)
                    if fresh:
                        yield fresh
            except brotli.error:
                return None
            if decoder.is_finished():
                return step[at + 1 :]
        return None


def _pieces(decoder: Any, data: bytes) -> Iterator[bytes]:
    piece = decoder.process(data, output_buffer_limit=_BROTLI_PIECE)
    while piece:
        yield piece
        # Only after a full piece may the decoder hold more.
        piece = decoder.process(b"", output_buffer_limit=_BROTLI_PIECE) if len(piece) >= _BROTLI_PIECE else b""
