"""The head of an answer as it came, before a lenient parser: its lines, its fields, and what frames the body."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from conformance.quoting import quoted
from conformance.reading.applicability import head_requirements
from conformance.reading.deviation import Deviation, DeviationLog, Position

# RFC 9112 section 4: the space after the status code is due also where no reason follows.
_STATUS_LINE: Final = re.compile(rb"HTTP/[0-9]\.[0-9] ([0-9]{3}) [\t \x21-\x7e\x80-\xff]*")
_SWITCHES: Final = re.compile(rb"HTTP/1\.1 101(?: |\Z)")
# RFC 9110 sections 5.1 and 5.5.
_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_STATUS_LINE_WORDS: Final = (
    "a status line: HTTP/1.1, a status of three digits and a space, also where no reason follows"
)
_SINGLETONS: Final = frozenset(
    {
        *(b"content-type", b"content-length", b"date", b"location", b"retry-after"),
        *(b"access-control-allow-origin", b"access-control-allow-credentials", b"access-control-max-age"),
    }
)
"""Fields of an answer that are not lists, so that each may stand there once (RFC 9110 section 5.3)."""
_OF_CONNECTION: Final = frozenset({b"keep-alive", b"proxy-connection", b"te", b"upgrade"})
"""Fields about one connection, beside Connection and Transfer-Encoding (RFC 9110 section 7.6.1)."""
_LINE: Final = re.compile(rb"[^\n]*\n|[^\n]+\Z")
_HTTP: Final = b"HTTP/"
_TLS_ALERT: Final = (b"\x15\x03", b"\x15\x02")
"""How the only record begins that a TLS server sends to a client that speaks plain HTTP (RFC 8446 sections 5.1, 6)."""


@dataclass(frozen=True, slots=True)
class HeadReading:
    """All deviations of a head; `applicable` has the requirements that it was able to break."""

    deviations: tuple[Deviation, ...]
    applicable: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Line:
    """A line without its end, and where in the head it begins."""

    offset: int
    text: bytes


@lru_cache(maxsize=1024)  # each of several tests reads every head of a run
def read_head(head: bytes) -> HeadReading:
    """Judges the head of an answer, and the heads of the interim answers before it; deviations are from `transport.*`.

    A line without its end is not judged. Of bytes that do not even begin as an answer of HTTP/1, only that is reported.
    Nothing is judged behind the head of 101, where another protocol begins (RFC 9110 section 15.2.2).
    Offsets count from the first byte of the head.
    """
    log = DeviationLog()
    applicable: set[str] = set()
    if not begins_as_http(head):
        log.note("transport.status-line", _STATUS_LINE_WORDS, quoted(head), Position(0))
        return HeadReading(tuple(log.kept), frozenset({"transport.status-line"}))
    for lines in _messages(_lines(head, log)):
        applicable.update(_judge_message(lines, log))
        if _SWITCHES.match(lines[0].text):
            break
    return HeadReading(tuple(log.kept), frozenset(applicable | {one.requirement for one in log.kept}))


def begins_as_http(head: bytes) -> bool:
    """Whether the first bytes may be those of an answer of HTTP/1."""
    return _HTTP.startswith(head.lstrip(b"\r\n")[: len(_HTTP)])


def is_tls_alert(head: bytes) -> bool:
    """Whether a server that speaks TLS answered a plain request."""
    return head.startswith(_TLS_ALERT)


def _lines(head: bytes, log: DeviationLog) -> Iterator[_Line]:
    """The lines, each of which must end in CR LF and have no other CR (RFC 9112 sections 2.1 and 2.2)."""
    offset = 0
    for whole in _LINE.findall(head):
        if not whole.endswith(b"\n"):
            return
        text = whole.removesuffix(b"\n").removesuffix(b"\r")
        if not whole.endswith(b"\r\n"):
            actual = f"LF alone after {quoted(text)}"
            log.note("transport.line-ends", "CR LF at the end of each line", actual, Position(offset))
        if b"\r" in text:
            actual = f"a CR inside the line {quoted(text)}"
            log.note("transport.line-ends", "no CR but at the end of a line", actual, Position(offset))
        yield _Line(offset, text)
        offset += len(whole)


def _messages(lines: Iterator[_Line]) -> Iterator[list[_Line]]:
    """The lines of each message's head, without the empty one at its end."""
    message: list[_Line] = []
    for line in lines:
        if line.text:
            message.append(line)
        elif message:
            yield message
            message = []
    if message:
        yield message


def _judge_message(lines: list[_Line], log: DeviationLog) -> Iterator[str]:
    """Judges one head; returns the requirements that it can break."""
    first, *rest = lines
    status = _STATUS_LINE.fullmatch(first.text)
    if status is None:
        log.note("transport.status-line", _STATUS_LINE_WORDS, quoted(first.text), Position(first.offset))
    fields = list(_fields(rest, log))
    for name, count in Counter(name for name, _ in fields).items():
        if count > 1 and name in _SINGLETONS:
            actual = f"{count} of {quoted(name)}"
            log.note(
                "transport.singleton-fields", "one field of a name that is not a list", actual, Position(first.offset)
            )
    _judge_hop_by_hop(fields, log, Position(first.offset))
    _judge_length([value for name, value in fields if name == b"content-length"], log)
    codings = _judge_transfer_coding([value for name, value in fields if name == b"transfer-encoding"], log)
    code = int(status[1]) if status else 0
    is_bodiless = 100 <= code < 200 or code == 204
    if is_bodiless:
        _judge_bodiless(code, [name for name, _ in fields], log)
    return head_requirements(has_transfer_coding=bool(codings), is_bodiless=is_bodiless)


def _fields(lines: list[_Line], log: DeviationLog) -> Iterator[tuple[bytes, bytes]]:
    """The fields with lower-case names; a line that is not a field is reported."""
    for line in lines:
        position = Position(line.offset)
        if line.text[:1] in {b" ", b"\t"}:
            # RFC 9112 section 5.2: folding is obsolete and must not be sent.
            actual = f"a continued line: {quoted(line.text)}"
            log.note("transport.no-folding", "each field on one line", actual, position)
            continue
        name, colon, value = line.text.partition(b":")
        if not colon or not _NAME.fullmatch(name):
            expected = "a field name (a token), then a colon with no white space before it"
            log.note("transport.field-lines", expected, quoted(line.text), position)
        elif _CONTROL.search(value.replace(b"\r", b"")):
            log.note("transport.field-lines", "no control characters in a field's value", quoted(line.text), position)
        yield name.strip().lower(), value.strip(b" \t")


def _judge_hop_by_hop(fields: list[tuple[bytes, bytes]], log: DeviationLog, position: Position) -> None:
    """Reports fields about a connection that Connection does not name: a hop forwards them (RFC 9110 section 7.6.1)."""
    values = (value for name, value in fields if name == b"connection")
    named = {option.strip().lower() for value in values for option in value.split(b",")}
    for name, value in fields:
        if name in _OF_CONNECTION and name not in named:
            actual = f"{name.decode()}: {quoted(value)}, which no Connection field names"
            expected = "fields about the connection only where its Connection field names them"
            log.note("transport.hop-by-hop", expected, actual, position)


def _judge_length(values: list[bytes], log: DeviationLog) -> None:
    """Reports different lengths, or one that is not a number: they leave the body's end open (RFC 9112 section 6.3)."""
    different = {value.strip() for one in values for value in one.split(b",")}
    if len(different) > 1 or not all(value.isdigit() for value in different):
        actual = quoted(b", ".join(values))
        log.note("transport.length-truthful", "one number as Content-Length", actual)


def _judge_transfer_coding(values: list[bytes], log: DeviationLog) -> list[bytes]:
    """Judges the fields that name transfer codings; returns the codings."""
    codings = [item.strip().lower() for value in values for item in value.split(b",")]
    if codings and codings != [b"chunked"]:
        expected = "chunked, once, as the only transfer coding, since the request accepts no other"
        log.note("transport.transfer-coding", expected, f"Transfer-Encoding: {quoted(b', '.join(codings))}")
    return codings


def _judge_bodiless(status: int, names: list[bytes], log: DeviationLog) -> None:
    """Judges the fields of an answer that cannot have a body (RFC 9112 section 6.1, RFC 9110 section 8.6)."""
    framing = [name for name in names if name in {b"transfer-encoding", b"content-length"}]
    if framing:
        actual = f"{framing[0].decode()} in an answer with the status {status}"
        log.note("transport.bodiless", "neither Transfer-Encoding nor Content-Length where no body can be", actual)
