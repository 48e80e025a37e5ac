"""Reads requests from bytes, and refuses those of which two servers could disagree where they end (RFC 9112)."""

from __future__ import annotations

import re

import h11
from h11._receivebuffer import ReceiveBuffer

_BARE_LF = re.compile(rb"(?<!\r)\n")
_FOLDED = (b" ", b"\t")


class StrictConnection(h11.Connection):
    """The server's side of a connection, which takes less than h11 does.

    It refuses Content-Length beside Transfer-Encoding (section 6.3), Transfer-Encoding in HTTP/1.0 (6.1), lines that
    end with LF alone (2.2) and folded ones (5.2); h11 refuses lengths that differ, space before a colon, bare CR and
    malformed chunk sizes. There is no public way to see the head as it was sent, hence the buffer in its place.
    """

    def __init__(self, max_incomplete_event_size: int) -> None:
        super().__init__(h11.SERVER, max_incomplete_event_size)
        self._receive_buffer = _StrictBuffer()


class _StrictBuffer(ReceiveBuffer):
    def maybe_extract_lines(self) -> list[bytearray] | None:
        """The lines of a head, or of trailers, once they are complete."""
        held = bytes(self)
        lines = super().maybe_extract_lines()
        if lines is not None:
            _refuse_ambiguous(held[: len(held) - len(self)], lines)
        return lines


def _refuse_ambiguous(raw: bytes, lines: list[bytearray]) -> None:
    if _BARE_LF.search(raw):
        raise h11.LocalProtocolError("a line ends with LF alone")
    if any(line.startswith(_FOLDED) for line in lines):
        raise h11.LocalProtocolError("a line is folded")
    names = {bytes(line.partition(b":")[0]).lower() for line in lines}
    if b"transfer-encoding" in names:
        if b"content-length" in names:
            raise h11.LocalProtocolError("Content-Length beside Transfer-Encoding")
        if lines[0].endswith(b" HTTP/1.0"):
            raise h11.LocalProtocolError("Transfer-Encoding in HTTP/1.0")
