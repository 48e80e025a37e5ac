"""What the compliance page shows of an exchange: its request, answer, ending and event timeline."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from conformance.contract.media_types import essence, is_event_stream
from conformance.quoting import one_line, visible
from conformance.report.excerpt import Piece, excerpt, is_binary
from conformance.report.quantities import byte_size, duration
from conformance.suite.outcome import Finding

if TYPE_CHECKING:
    from conformance.wire.exchange import Answer, Exchange, Headers

_ROWS_FIRST, _ROWS_LAST, _ROWS_NOTED = 120, 40, 100
_POINTS = 240
_ROW_TEXT = 400
_HEADER_FIELDS, _HEADER_VALUE = 100, 2000
_CURL = 32 * 1024
_BINARY = 2 * 1024
_AROUND = 2


class TimelineRow(Protocol):
    """One event of a stream: when it was complete (ms after the request began), its byte offset in the body.

    `text` is what it says, `note` what is wrong with it, empty if nothing is.
    """

    @property
    def at_ms(self) -> float: ...  # noqa: D102 - said by the class
    @property
    def offset(self) -> int: ...  # noqa: D102
    @property
    def text(self) -> str: ...  # noqa: D102
    @property
    def note(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class PlainTimelineRow:
    """A plain `TimelineRow`."""

    at_ms: float
    offset: int
    text: str
    note: str = ""


Curl: TypeAlias = "Callable[[Exchange], str]"
"""Gives the curl command that sends an exchange's request again, with the key as an environment variable."""
Timeline: TypeAlias = "Callable[[Exchange], Sequence[TimelineRow]]"
"""Gives the events of an exchange whose answer is an event stream."""


def reads_timeline(exchange: Exchange) -> Sequence[TimelineRow]:
    """The reads of the body as they arrived: the timeline of a stream that was not read as events."""
    rows, offset = [], 0
    for read in exchange.answer.reads if exchange.answer else ():
        text = read.data[: 2 * _ROW_TEXT].decode("utf-8", "backslashreplace")
        rows.append(PlainTimelineRow(read.at * 1000, offset, text))
        offset += len(read.data)
    return rows


def summary(exchange: Exchange) -> str:
    """One line: the method, the answer, how it ended, how long it took."""
    request, answer, ending = exchange.request, exchange.answer, exchange.ending
    parts = [request.method]
    if answer is None:
        parts.append("no answer")
    else:
        media_type = essence(answer.header("content-type")) or "no media type"
        parts += [str(answer.status), one_line(media_type, 60), byte_size(len(answer.body))]
    if ending.kind != "complete":
        parts.append(ending.kind.value)
    parts.append(duration(ending.at))
    return " · ".join(parts)


def wire_trace(exchange: Exchange, finding: Finding, timeline: Timeline) -> Sequence[PlainTimelineRow]:
    """The events around a finding, with what is wrong with each; none if the finding has no place in the stream."""
    if finding.offset is None:
        return ()
    rows = _with_findings(timeline(exchange), [finding])
    at = bisect_right([row.offset for row in rows], finding.offset) - 1
    return rows[max(at - _AROUND, 0) : at + _AROUND + 1] if at >= 0 else ()


def shown_command(exchange: Exchange, curl: Curl, limit: int) -> str | None:
    """The curl command of an exchange, or None if it cannot be shown exactly as it has to be typed.

    That is the case if it is longer than `limit` characters, or has control characters: with escapes in their place it
    would be another request.
    """
    command = curl(exchange)
    return command if len(command) <= limit and visible(command) == command else None


def exchange_view(
    exchange: Exchange,
    findings: Sequence[Finding],
    *,
    curl: Curl,
    timeline: Timeline,
    body_limit: int,
) -> dict[str, Any]:
    """The JSON object of one exchange for the page's script; every text in it is `visible` and bounded.

    `findings` are those on this exchange, from all requirements; `body_limit` is in bytes.
    """
    request, answer = exchange.request, exchange.answer
    command = shown_command(exchange, curl, _CURL)
    offsets = [finding.offset for finding in findings if finding.offset is not None]
    return {
        "id": visible(exchange.id),
        "probe": visible(exchange.probe),
        "attempt": exchange.attempt,
        "started": visible(exchange.started),
        "summary": summary(exchange),
        "curl": command,
        "request": {
            "line": one_line(f"{request.method} {request.url}", _HEADER_VALUE),
            "headers": _headers(request.headers),
            "size": len(request.body),
        },
        "answer": None if answer is None else _answer_view(answer, offsets, body_limit),
        "ending": {
            "kind": exchange.ending.kind.value,
            "detail": one_line(exchange.ending.detail, 500),
            "ms": _milliseconds(exchange.ending.at),
        },
        "redactions": [
            one_line(f"{found.secret} ({found.form}) in {found.where}", 200) for found in exchange.redactions[:50]
        ],
        "stream": _stream_view(exchange, findings, timeline) if is_stream(exchange) else None,
    }


def is_stream(exchange: Exchange) -> bool:
    """Whether the answer declares itself an event stream."""
    return exchange.answer is not None and is_event_stream(exchange.answer.header("content-type"))


def _answer_view(answer: Answer, offsets: Sequence[int], limit: int) -> dict[str, Any]:
    body = answer.body
    binary = is_binary(body)
    return {
        "line": one_line(f"{answer.http_version} {answer.status} {answer.reason}".strip(), 300),
        "headers": _headers(answer.headers),
        "headers_ms": _milliseconds(answer.headers_at),
        "size": len(body),
        "binary": binary,
        "parts": [_part_view(part) for part in excerpt(body, min(limit, _BINARY) if binary else limit, offsets)],
    }


def _part_view(part: Piece) -> dict[str, Any]:
    if part.omitted:
        return {"omitted": part.omitted}
    return {"text": part.text, "mark": part.offset} if part.marked else {"text": part.text}


def _headers(headers: Headers) -> list[list[str]]:
    shown = [[one_line(name, 200), one_line(value, _HEADER_VALUE)] for name, value in headers[:_HEADER_FIELDS]]
    if len(headers) > _HEADER_FIELDS:
        shown.append(["…", f"{len(headers) - _HEADER_FIELDS} more header fields"])
    return shown


def _stream_view(exchange: Exchange, findings: Sequence[Finding], timeline: Timeline) -> dict[str, Any]:
    rows = _with_findings(timeline(exchange), findings)
    shown: list[dict[str, Any]] = []
    next_index = 0
    for index in _chosen(rows):
        if index > next_index:
            shown.append({"omitted": index - next_index})
        row = rows[index]
        shown.append(
            {
                "ms": round(row.at_ms, 1),
                "offset": row.offset,
                "text": one_line(row.text, _ROW_TEXT),
                "note": one_line(row.note, _ROW_TEXT),
            }
        )
        next_index = index + 1
    return {"count": len(rows), "rows": shown, "arrivals": _arrivals(exchange)}


def _with_findings(rows: Sequence[TimelineRow], findings: Iterable[Finding]) -> list[PlainTimelineRow]:
    """The rows, each with what the findings say of the bytes between it and the next."""
    plain = [PlainTimelineRow(row.at_ms, row.offset, row.text, row.note) for row in rows]
    starts = [row.offset for row in plain]
    for finding in findings:
        index = -1 if finding.offset is None else bisect_right(starts, finding.offset) - 1
        if index < 0:
            continue
        row = plain[index]
        # The reading that made the row may say the same already.
        if finding.actual not in row.note:
            text = f"{finding.requirement}: {finding.actual}"
            note = f"{row.note}; {text}" if row.note else text
            plain[index] = PlainTimelineRow(row.at_ms, row.offset, row.text, note)
    return plain


def _chosen(rows: Sequence[PlainTimelineRow]) -> list[int]:
    """The rows to show: the first, the last, and those with a note."""
    noted = [index for index, row in enumerate(rows) if row.note][:_ROWS_NOTED]
    return sorted({*range(len(rows))[:_ROWS_FIRST], *range(len(rows))[-_ROWS_LAST:], *noted})


def _arrivals(exchange: Exchange) -> list[list[float]]:
    """Points of the arrival chart: ms after the request began, bytes of the body received until then."""
    points: list[list[float]] = []
    received = 0
    for read in exchange.answer.reads if exchange.answer else ():
        received += len(read.data)
        points.append([_milliseconds(read.at), received])
    if len(points) <= _POINTS:
        return points
    step = (len(points) - 1) / (_POINTS - 1)
    return [points[round(index * step)] for index in range(_POINTS)]


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)
