"""The transfer layer: what the HTTP message of an answer says about its body, and whether that is true."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from conformance.contract.media_types import essence, parameters
from conformance.quoting import quoted
from conformance.reading.content import ContentDecoder
from conformance.reading.deviation import DeviationLog, Position
from conformance.wire.exchange import Answer, BodyKept, EndKind, Exchange, Headers, Read

_CUT_BY_TARGET: Final = (EndKind.TRUNCATED, EndKind.RESET, EndKind.MALFORMED)

TARGET_ENDED: Final = frozenset({EndKind.COMPLETE, *_CUT_BY_TARGET, EndKind.IDLE_TIMEOUT})
"""Endings by the target, which ended the body or went silent: what has not come is missing."""

_STATUS_LINE: Final = re.compile(rb"[\r\n]HTTP/1\.[01] [1-5][0-9][0-9][ \r\n]")
_LARGE_BODY: Final = 64 * 1024
"""Bytes of a request from which a target may answer before it has read all of them."""
_CARRIED: Final = 13
"""One byte less than a match of `_STATUS_LINE`."""


class Framing(StrEnum):
    """How a message shows where its body ends (RFC 9112 §6.3)."""

    CHUNKED = "chunked"
    LENGTH = "length"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class TransferReading:
    """What an HTTP message says about its body.

    `media_type` is lower-case and without parameters, `parameters` has those, with lower-case names. `codings` are the
    content codings in the order in which they were applied; there are none where evidence kept the body decoded.
    """

    status: int
    media_type: str | None
    parameters: Mapping[str, str]
    framing: Framing
    codings: tuple[str, ...]


def read_transfer(answer: Answer, log: DeviationLog, exchange: Exchange) -> TransferReading:
    """Judges the header and the framing of an exchange's answer."""
    chunked = "chunked" in _listed(answer.header("Transfer-Encoding"))
    length = answer.header("Content-Length")
    is_decoded = exchange.body_kept is BodyKept.DECODED
    # RFC 9110 section 9.3.2: the answer to HEAD has the header of another, and no body.
    is_head = exchange.request.method == "HEAD"
    is_whole = _is_whole(exchange) and not is_decoded and not is_head
    _judge_length(answer, length, chunked=chunked, is_whole=is_whole, log=log)
    if exchange.ending.kind in _CUT_BY_TARGET and not _closed_unread(answer, exchange):
        actual = f"{exchange.ending.kind.value} after {_size(answer)} bytes"
        detail = f" ({quoted(exchange.ending.detail)})" if exchange.ending.detail else ""
        log.note("transport.body-complete", "a body that ends as its framing says", actual + detail, _end_of(exchange))
    # RFC 9110 §8.4.1.3: x-gzip is gzip by an older name.
    named = (coding.removeprefix("x-") for coding in _listed(answer.header("Content-Encoding")))
    codings = tuple(coding for coding in named if coding != "identity")
    _judge_coding(exchange, answer, codings, log)
    if is_decoded or is_head:
        codings = ()
    declared = answer.header("Content-Type")
    media_type = None if declared is None else essence(declared)
    framing = Framing.CHUNKED if chunked else Framing.LENGTH if length is not None else Framing.CLOSE
    return TransferReading(answer.status, media_type, parameters(declared), framing, codings)


def content_reads(answer: Answer, exchange: Exchange, decoder: ContentDecoder, log: DeviationLog) -> Iterator[Read]:
    """The body's reads after content decoding. A second HTTP message inside the body is reported."""
    watch = _MessageWatch(log)
    kept = exchange.body_kept
    if kept is BodyKept.HIDDEN:
        decoder.hide()
        return
    for read in _looked_into(answer) if kept is BodyKept.IN_PART else answer.reads:
        for piece in decoder.feed(read.data, read.at):
            watch.feed(piece, read.at)
            yield Read(read.at, piece)
    at = answer.reads[-1].at if answer.reads else answer.headers_at
    if kept is BodyKept.IN_PART:
        decoder.cut(at)
        return
    for piece in decoder.end(at, is_complete=exchange.ending.kind is EndKind.COMPLETE):
        watch.feed(piece, at)
        yield Read(at, piece)


def _looked_into(answer: Answer) -> Iterator[Read]:
    """The reads of a body without the asterisks at its end."""
    left = len(answer.body.rstrip(b"*"))
    for read in answer.reads:
        if left > 0:
            yield Read(read.at, read.data[:left])
        left -= len(read.data)


class _MessageWatch:
    """Searches the body for a line that is the status line of another HTTP message."""

    def __init__(self, log: DeviationLog) -> None:
        self._log = log
        # The body begins a line.
        self._carried = b"\n"
        self._offset = 0

    def feed(self, data: bytes, at: float) -> None:
        text = self._carried + data
        if b"HTTP/1." in text:
            found = _STATUS_LINE.search(text)
            if found:
                start = found.start() + 1
                offset = self._offset - len(self._carried) + start
                line = quoted(text[start : start + 40].splitlines()[0])
                expected = "nothing of another HTTP message in the body"
                self._log.note("transport.single-message", expected, f"the line {line}", Position(offset, at))
        self._offset += len(data)
        self._carried = text[-_CARRIED:]


def _judge_length(answer: Answer, length: str | None, *, chunked: bool, is_whole: bool, log: DeviationLog) -> None:
    if length is None:
        return
    if answer.header("Transfer-Encoding") is not None:
        expected = "no Content-Length beside Transfer-Encoding"
        log.note("transport.single-framing", expected, f"both, Content-Length: {quoted(length)}")
    values = {value.strip() for value in length.split(",")}
    value = values.pop()
    if values or not (value.isascii() and value.isdigit()):
        log.note("transport.length-truthful", "one number as Content-Length", quoted(length))
    elif is_whole and not chunked and value.lstrip("0") != str(_size(answer)).lstrip("0"):
        actual = f"Content-Length: {quoted(value)} and {_size(answer)} bytes"
        log.note("transport.length-truthful", "a Content-Length that is the length of the body", actual)


def _judge_coding(exchange: Exchange, answer: Answer, codings: tuple[str, ...], log: DeviationLog) -> None:
    refused = [coding for coding in codings if not _accepts(exchange.request.headers, coding)]
    if refused:
        actual = f"Content-Encoding: {quoted(', '.join(codings))}"
        log.note("transport.content-encoding-accepted", "a content coding that the request accepts, or none", actual)
    if not codings and answer.reads and answer.reads[0].data.startswith(b"\x1f\x8b"):
        actual = "a body in gzip without Content-Encoding"
        log.note("transport.content-encoding", "a body coded as Content-Encoding says", actual, Position(0))


def _accepts(headers: Headers, coding: str) -> bool:
    """Whether a request accepts a coding (RFC 9110 §12.5.3): without Accept-Encoding, every one."""
    fields = [value for name, value in headers if name.lower() == "accept-encoding"]
    if not fields:
        return True
    weights: dict[str, bool] = {}
    for item in ",".join(fields).split(","):
        name, _, weight = item.partition(";")
        weights[name.strip().lower()] = not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight, re.IGNORECASE)
    return weights.get(coding, weights.get("*", False))


def _closed_unread(answer: Answer, exchange: Exchange) -> bool:
    """Whether the target refused the request without reading its body, said so, and closed the connection.

    Bytes that it has not read then become a reset, which may erase what the client has not read yet (RFC 9112 section
    9.6). Only a large body, or one that is sent in steps, goes unread.
    """
    unread = bool(exchange.request.steps) or len(exchange.request.body) > _LARGE_BODY
    closes = "close" in _listed(answer.header("Connection"))
    return exchange.ending.kind is EndKind.RESET and answer.status >= 400 and closes and unread


def _listed(value: str | None) -> list[str]:
    return [item.strip().lower() for item in (value or "").split(",") if item.strip()]


def _is_whole(exchange: Exchange) -> bool:
    return exchange.ending.kind is EndKind.COMPLETE


def _size(answer: Answer) -> int:
    return sum(len(read.data) for read in answer.reads)


def _end_of(exchange: Exchange) -> Position:
    answer = exchange.answer
    return Position(None if answer is None else _size(answer), exchange.ending.at)
