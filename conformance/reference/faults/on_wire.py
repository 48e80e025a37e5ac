"""Faults below the HTTP library: the bytes of head, chunks and end, and what happens to the connection."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from conformance.reference.faults.actions import DeedError, deed
from conformance.reference.hooks import Act, BendPart, Part, PartKind, Seams
from conformance.reference.request_context import Asked

_ENDINGS = {"close": Act.CLOSE, "reset": Act.RESET, "hang": Act.HANG}


def with_parts(seams: Seams, bend: BendPart) -> Seams:
    """Bends each write of an answer."""
    return replace(seams, parts=(*seams.parts, bend))


def _ending(how: str) -> Act:
    if how not in _ENDINGS:
        raise DeedError(f"`how: {how}` is unknown; there are {', '.join(_ENDINGS)}")
    return _ENDINGS[how]


@deed("wire.head-replace")
def replace_in_head(seams: Seams, old: str, new: str) -> Seams:
    """Writes other text in the head where some text stands; names are in lower case there."""

    def bend(_: Asked, part: Part) -> Iterable[bytes | Act]:
        head = part.kind is PartKind.HEAD
        return (part.data.replace(old.encode("latin-1"), new.encode("latin-1"), 1) if head else part.data,)

    return with_parts(seams, bend)


@deed("wire.head-line")
def add_line(seams: Seams, line: str) -> Seams:
    """Writes a further line into the head, whatever it is."""

    def bend(_: Asked, part: Part) -> Iterable[bytes | Act]:
        if part.kind is not PartKind.HEAD:
            return (part.data,)
        return (part.data.removesuffix(b"\r\n") + line.encode("latin-1") + b"\r\n\r\n",)

    return with_parts(seams, bend)


@deed("wire.before")
def write_before(seams: Seams, text: str) -> Seams:
    """Writes text before the head."""

    def bend(_: Asked, part: Part) -> Iterable[bytes | Act]:
        return (text.encode("latin-1") + part.data if part.kind is PartKind.HEAD else part.data,)

    return with_parts(seams, bend)


@deed("wire.behind")
def write_behind(seams: Seams, text: str) -> Seams:
    """Writes text behind the end of the answer, on a connection that stays open."""

    def bend(_: Asked, part: Part) -> Iterable[bytes | Act]:
        return (part.data + text.encode("latin-1") if part.kind is PartKind.END else part.data,)

    return with_parts(seams, bend)


@deed("wire.cut")
def cut(seams: Seams, after: int = 1, how: str = "close") -> Seams:
    """Ends the connection after so many pieces of the body: `close`, `reset`, or `hang` for ever."""
    ending = _ending(how)

    def bend(_: Asked, part: Part) -> Iterable[bytes | Act]:
        if part.kind is PartKind.HEAD:
            return (part.data,) if after else (part.data, ending)
        if part.kind is PartKind.END:
            return (part.data,)
        return (part.data,) if part.number < after - 1 else (part.data, ending)

    return with_parts(seams, bend)


@deed("wire.cut-head")
def cut_head(seams: Seams, size: int = 20, how: str = "close") -> Seams:
    """Ends the connection in the middle of the head, or before it with `size: 0`."""
    ending = _ending(how)

    def bend(_: Asked, part: Part) -> Iterable[bytes | Act]:
        return (part.data[:size], ending) if part.kind is PartKind.HEAD else (part.data,)

    return with_parts(seams, bend)


@deed("wire.end")
def end(seams: Seams, how: str = "close") -> Seams:
    """Ends the connection in place of the body: without the last chunk `close`, `reset` or `hang`."""
    ending = _ending(how)

    def bend(_: Asked, part: Part) -> Iterable[bytes | Act]:
        return (ending,) if part.kind is PartKind.END else (part.data,)

    return with_parts(seams, bend)


@deed("wire.until-close")
def until_close(seams: Seams, *, said: bool = True) -> Seams:
    """Ends the body with the connection, without a length and without chunks."""

    def bend(_: Asked, part: Part) -> Iterable[bytes | Act]:
        if part.kind is PartKind.HEAD:
            lines = part.data.removesuffix(b"\r\n\r\n").split(b"\r\n")
            kept = [line for line in lines if not line.lower().startswith((b"transfer-encoding:", b"content-length:"))]
            return (b"\r\n".join([*kept, *([b"connection: close"] if said else [])]) + b"\r\n\r\n",)
        return (Act.CLOSE,) if part.kind is PartKind.END else (part.payload,)

    return with_parts(seams, bend)


@deed("wire.within")
def within(seams: Seams, text: str) -> Seams:
    """Writes bytes between the pieces of a body that no coding has counted."""

    def bend(_: Asked, part: Part) -> Iterable[bytes | Act]:
        return (part.data + text.encode("latin-1") if part.kind is PartKind.BODY else part.data,)

    return with_parts(seams, bend)


@deed("wire.trailers")
def trailers(seams: Seams, line: str = "x-checksum: 1") -> Seams:
    """Sends a trailer field after the last chunk (RFC 9112 section 7.1.2)."""

    def bend(_: Asked, part: Part) -> Iterable[bytes | Act]:
        return (b"0\r\n" + line.encode() + b"\r\n\r\n" if part.data == b"0\r\n\r\n" else part.data,)

    return with_parts(seams, bend)


@deed("wire.chunks")
def chunk_form(seams: Seams, extension: str = "", zeros: int = 0, add: int = 0, *, upper: bool = False) -> Seams:
    """Writes the sizes of chunks in another form: with an extension, with zeros before, in upper case, or wrong."""

    def bend(_: Asked, part: Part) -> Iterable[bytes | Act]:
        size, line_end, rest = part.data.partition(b"\r\n")
        if part.kind is not PartKind.BODY or part.data == part.payload:
            return (part.data,)
        written = f"{'0' * zeros}{int(size, 16) + add:x}".encode()
        written = written.upper() if upper else written
        return (written + extension.encode() + line_end + rest,)

    return with_parts(seams, bend)


@deed("wire.unchunked")
def unchunked(seams: Seams) -> Seams:
    """Says that the body is chunked, and writes it without chunks."""

    def bend(_: Asked, part: Part) -> Iterable[bytes | Act]:
        if part.kind is PartKind.END:
            return (Act.CLOSE,)
        return (part.data if part.kind is PartKind.HEAD else part.payload,)

    return with_parts(seams, bend)


@deed("wire.length")
def wrong_length(seams: Seams, add: int, how: str = "close") -> Seams:
    """Declares a Content-Length that is more or less than the body, and ends the connection after it."""
    ending = _ending(how)

    def bend(_: Asked, part: Part) -> Iterable[bytes | Act]:
        if part.kind is PartKind.END:
            return (part.data, ending)
        if part.kind is not PartKind.HEAD:
            return (part.data,)
        lines = [
            b"content-length: %d" % (int(line.split(b":")[1]) + add)
            if line.lower().startswith(b"content-length:")
            else line
            for line in part.data.split(b"\r\n")
        ]
        return (b"\r\n".join(lines),)

    return with_parts(seams, bend)


@deed("wire.one-write")
def one_write(seams: Seams) -> Seams:
    """Writes head and body of a plain answer at once."""
    held: dict[int, bytes] = {}

    def bend(asked: Asked, part: Part) -> Iterable[bytes | Act]:
        key = id(asked)
        if part.kind is PartKind.END:
            return (held.pop(key, b"") + part.data,)
        held[key] = held.get(key, b"") + part.data
        return ()

    return with_parts(seams, bend)
