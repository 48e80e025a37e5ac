"""Content decoding: the bytes of a body as they were before gzip or another coding, piece by piece and bounded."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final, Protocol

from conformance.evidence.content_coding import LIMIT
from conformance.reading.deviation import DeviationLog, Place, shown

MAX_CONTENT: Final = LIMIT - 1
"""Bytes that a coded body may decode to before reading stops.

Evidence looks for secrets in no more than `LIMIT`, and withholds what lies behind: a body that was cut there must be
seen as too large, and not as one that breaks off.
"""

_PIECE: Final = 256 * 1024
_GZIP_MAGIC: Final = b"\x1f\x8b"
_TEXT: Final = frozenset(range(0x20, 0x7F)) | {0x09, 0x0A, 0x0D}


class _Decompressor(Protocol):
    """What `zlib.decompressobj` gives."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def unconsumed_tail(self) -> bytes: ...
    def decompress(self, data: bytes, /, max_length: int = 0) -> bytes: ...


class ContentDecoder:
    """Decodes one body. Feed it each read; it gives pieces of at most 256 KB.

    A body that is not coded as its header says is reported and handed on as it is, so that it can still be judged.
    `problem` says why nothing more can be decoded, once that is so.
    """

    def __init__(self, codings: tuple[str, ...], log: DeviationLog, limit: int = MAX_CONTENT) -> None:
        self.problem: str | None = None
        self._log = log
        self._limit = limit
        self._codings = codings
        self._plain = not codings
        self._decompressor: _Decompressor | None = None
        self._head = b""
        self._size = 0

    def feed(self, data: bytes, at: float = 0.0) -> Iterator[bytes]:
        """The content that these bytes of the body complete."""
        if self.problem is not None:
            return
        if not self._plain and self._decompressor is None:
            data = self._begin(data, at)
        if self._plain:
            if data:
                yield data
        elif self._decompressor is not None:
            yield from self._decompress(data, at)

    def end(self, at: float = 0.0, *, is_complete: bool = True) -> Iterator[bytes]:
        """What is left at the end of the body; `is_complete` tells whether the HTTP message was complete."""
        decoder, coding = self._decompressor, ", ".join(self._codings)
        if self._head:
            self._note(f"Content-Encoding: {shown(coding)} and {shown(self._head)}, which is not", at)
        if self._head and decoder is None:
            self._plain = True
            yield self._head
        elif is_complete and decoder is not None and not decoder.eof and self.problem is None:
            self._note(f"the {coding} content breaks off before its end", at)

    def _begin(self, data: bytes, at: float) -> bytes:
        """Chooses how to decode, by what the body begins with; the bytes to decode, none while they are too few."""
        head = self._head + data
        if len(head) < len(_GZIP_MAGIC):
            self._head = head
            return b""
        self._head = b""
        coding = self._codings[0]
        if len(self._codings) > 1:
            self.problem = f"the body has several content codings, {shown(', '.join(self._codings))}"
        elif coding == "gzip" and head.startswith(_GZIP_MAGIC):
            self._decompressor = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        elif coding == "deflate" and not _looks_like_text(head):
            # zlib data by RFC 9110 §8.4.1.2; some send bare deflate data.
            is_zlib = head[0] & 0x0F == 8 and int.from_bytes(head[:2], "big") % 31 == 0
            self._decompressor = zlib.decompressobj(wbits=zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)
        elif coding in ("gzip", "deflate") or _looks_like_text(head):
            self._note(f"Content-Encoding: {shown(coding)} and a body that is not, beginning {shown(head[:32])}", at)
            self._plain = True
        else:
            self.problem = f"the content coding {shown(coding)} cannot be decoded here"
        return head

    def _decompress(self, data: bytes, at: float) -> Iterator[bytes]:
        decoder = self._decompressor
        while decoder is not None and data:
            if decoder.eof:
                following = self._following_member(data, at)
                if following is None:
                    return
                decoder, data = following
                self._decompressor = decoder
            try:
                piece = decoder.decompress(data, _PIECE)
            except zlib.error as error:
                self._note(f"{self._codings[0]} content that cannot be decoded ({error})", at)
                self.problem = "the coded content is broken"
                return
            self._size += len(piece)
            if self._size > self._limit:
                expected = f"coded content of at most {self._limit} bytes"
                self._log.note("transport.content-bounded", expected, "more; nothing after it was read", Place(at=at))
                self.problem = "the decoded content is too large"
                return
            if piece:
                yield piece
            data = decoder.unused_data if decoder.eof else decoder.unconsumed_tail

    def _following_member(self, data: bytes, at: float) -> tuple[_Decompressor, bytes] | None:
        """What decodes the gzip member behind one that has ended, and its bytes: nothing else may follow."""
        data = self._head + data
        self._head = b""
        if data.startswith(_GZIP_MAGIC):
            return zlib.decompressobj(wbits=16 + zlib.MAX_WBITS), data
        if _GZIP_MAGIC.startswith(data):
            self._head = data
        else:
            self._note(f"{shown(data)} behind the end of the {self._codings[0]} content", at)
            self.problem = "more follows the coded content"
        return None

    def _note(self, actual: str, at: float) -> None:
        self._log.note("transport.content-encoding", "a body coded as Content-Encoding says", actual, Place(at=at))


def _looks_like_text(head: bytes) -> bool:
    return _TEXT.issuperset(head[:16].removeprefix(b"\xef\xbb\xbf"))
