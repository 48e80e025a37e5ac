"""Content decoding: the bytes of a body as they were before gzip, br or another coding, in bounded pieces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from conformance.quoting import quoted
from conformance.reading.deviation import DeviationLog, Position
from conformance.wire.decompression import (
    GZIP_MAGIC,
    MOST_DECODED,
    MOST_LAYERS,
    BrokenCodingError,
    Decompressor,
    ManyMembersError,
    decompressor,
    is_zlib,
)

_HEAD: Final = 16
"""Bytes of a body that show whether it is text, for a coding without a magic number."""
_TEXT: Final = frozenset(range(0x20, 0x7F)) | {0x09, 0x0A, 0x0D}


class ContentDecoder:
    """Decodes one body. Feed it each read; it gives pieces of at most 256 KB.

    A body that is not coded as its header says is reported and passed through unchanged, so that it can still be
    judged. `problem` says why nothing more can be decoded, once that is so.
    """

    def __init__(self, codings: tuple[str, ...], log: DeviationLog, limit: int = MOST_DECODED) -> None:
        self._log = log
        self._codings = codings
        self._problem: str | None = None
        # The coding that was applied last is undone first.
        self._layers = [_Layer(coding, log, limit) for coding in reversed(codings[:MOST_LAYERS])]
        if len(codings) > MOST_LAYERS:
            self._problem = f"the body has {len(codings)} content codings, one over the other"

    @property
    def problem(self) -> str | None:
        """Why nothing more can be decoded, None where it can."""
        return next((one.problem for one in self._layers if one.problem is not None), self._problem)

    def feed(self, data: bytes, at: float = 0.0) -> Iterator[bytes]:
        """The content that these bytes of the body complete."""
        if self.problem is not None:
            return
        pieces: Iterable[bytes] = (data,)
        for layer in self._layers:
            pieces = layer.decode(pieces, at)
        yield from pieces

    def end(self, at: float = 0.0, *, is_complete: bool = True) -> Iterator[bytes]:
        """What is left at the end of the body; `is_complete` says whether the HTTP message was complete."""
        if self.problem is not None:
            return
        pieces: Iterable[bytes] = ()
        for layer in self._layers:
            pieces = layer.end(pieces, at, is_complete=is_complete)
        yield from pieces

    def hide(self) -> None:
        """Gives up a body that evidence kept as asterisks."""
        self._problem = self.problem or f"the content coding {quoted(', '.join(self._codings))} cannot be decoded here"

    def cut(self, at: float = 0.0) -> None:
        """Ends a body that evidence kept in part, since it decodes to more than the limit."""
        if self.problem is None:
            self._problem = _note_too_large(self._log, f"more than {MOST_DECODED} bytes", at)


class _Layer:
    """One coding of a body."""

    def __init__(self, coding: str, log: DeviationLog, limit: int) -> None:
        self.problem: str | None = None
        self._coding = coding
        self._log = log
        self._limit = limit
        self._head = b""
        self._is_open = True
        self._decompressor: Decompressor | None = None
        self._size = 0

    def decode(self, pieces: Iterable[bytes], at: float) -> Iterator[bytes]:
        """What the pieces decode to."""
        for piece in pieces:
            data = self._begin(piece, at) if self._is_open else piece
            if self._decompressor is not None:
                yield from self._decompress(self._decompressor, data, at)
            elif data and self.problem is None:
                yield data
            if self.problem is not None:
                return

    def end(self, pieces: Iterable[bytes], at: float, *, is_complete: bool) -> Iterator[bytes]:
        """What the last pieces and the bytes held back decode to."""
        yield from self.decode(pieces, at)
        if self._is_open and self._head and (is_complete or not GZIP_MAGIC.startswith(self._head)):
            self._choose(self._head, at)
            yield from self.decode((self._head,), at)
        decoder = self._decompressor
        if decoder is None or self.problem is not None:
            return
        if decoder.rest:
            self._note_rest(decoder, at)
        elif not decoder.ended and is_complete:
            self._note(f"the {self._coding} content breaks off before its end", at)

    def _begin(self, data: bytes, at: float) -> bytes:
        """Chooses how to decode by the first bytes; returns the bytes to decode, none while they are too few."""
        self._head += data
        if len(self._head) < (len(GZIP_MAGIC) if self._coding == "gzip" else _HEAD):
            return b""
        self._choose(self._head, at)
        return self._head

    def _choose(self, head: bytes, at: float) -> None:
        self._is_open = False
        coded = head.startswith(GZIP_MAGIC) if self._coding == "gzip" else not _is_text(self._coding, head)
        if not coded:
            self._note(
                f"Content-Encoding: {quoted(self._coding)} and a body that is not, beginning {quoted(head[:32])}", at
            )
            return
        self._decompressor = decompressor(self._coding, head)
        if self._coding == "deflate" and not is_zlib(head):
            expected = "deflate data in the zlib format (RFC 1950)"
            self._log.note(
                "transport.deflate-wrapped", expected, f"bare data, beginning {quoted(head[:8])}", Position(at=at)
            )
        if self._decompressor is None:
            self.problem = f"the content coding {quoted(self._coding)} cannot be decoded here"

    def _decompress(self, decoder: Decompressor, data: bytes, at: float) -> Iterator[bytes]:
        try:
            for piece in decoder.feed(data):
                self._size += len(piece)
                if self._size > self._limit:
                    self.problem = _note_too_large(self._log, f"more than {self._limit} bytes", at)
                    return
                yield piece
        except BrokenCodingError as error:
            self._note(f"{self._coding} content that cannot be decoded ({error})", at)
            self.problem = "the coded content is broken"
        except ManyMembersError as error:
            self.problem = _note_too_large(self._log, str(error), at)
        if decoder.rest and not GZIP_MAGIC.startswith(decoder.rest):
            self._note_rest(decoder, at)

    def _note_rest(self, decoder: Decompressor, at: float) -> None:
        self._note(f"{quoted(decoder.rest)} after the end of the {self._coding} content", at)
        self.problem = "more follows the coded content"

    def _note(self, actual: str, at: float) -> None:
        self._log.note("transport.content-encoding", "a body coded as Content-Encoding says", actual, Position(at=at))


def _note_too_large(log: DeviationLog, actual: str, at: float) -> str:
    expected = f"coded content of at most {MOST_DECODED} bytes"
    log.note("transport.content-bounded", expected, f"{actual}; nothing after it was read", Position(at=at))
    return "the decoded content is too large"


def _is_text(coding: str, head: bytes) -> bool:
    """Whether a body is text and not coded as its header says. Very few coded bytes may look like text."""
    if not _TEXT.issuperset(head[:_HEAD].removeprefix(b"\xef\xbb\xbf")):
        return False
    return len(head) >= _HEAD or not _is_whole(decompressor(coding, head), head)


def _is_whole(decoder: Decompressor | None, data: bytes) -> bool:
    if decoder is None:
        return False
    try:
        for _ in decoder.feed(data):
            pass
    except ValueError:
        return False
    return decoder.ended and not decoder.rest
