"""The bytes of a request as they are written: request line, header, and a body plain or in chunks (RFC 9112)."""

from __future__ import annotations

from collections.abc import Iterable


def head_bytes(method: str, target: bytes, fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The request line and the header (RFC 9112 sections 3 and 5)."""
    lines = [b"%b %b HTTP/1.1" % (method.encode("ascii"), target)]
    lines += [b"%b: %b" % field for field in fields]
    return b"\r\n".join([*lines, b"", b""])


def body_bytes(body: bytes, begin: int, end: int, *, chunked: bool) -> bytes:
    """A piece of a body: as it is, or as one chunk, the last with what ends the body (RFC 9112 section 7.1)."""
    piece = body[begin:end]
    if not chunked:
        return piece
    chunk = b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""
    return chunk + b"0\r\n\r\n" if end >= len(body) else chunk
