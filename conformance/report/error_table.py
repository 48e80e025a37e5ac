"""The errors of a run as a table: each mistake of a client, and how the target answered it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from conformance.contract.media_types import essence, is_event_stream
from conformance.quoting import one_line
from conformance.reading import parse
from conformance.wire.exchange import Answer, Exchange

_BY_CONDITION = ("error/", "access/")
_OF_KEYWORDS = "/enforced/"
_HELPFUL = ("allow", "www-authenticate", "retry-after", "x-request-id")
_MOST_MEMBERS = 8
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One row: a condition (the name of its probe), the exchange that shows it, and its answer.

    `alike` counts the exchanges of keywords that were answered in the same way; the first of them is shown.
    """

    condition: str
    exchange: str
    status: str
    media_type: str
    body: str
    headers: str
    alike: int = 1


def error_rows(exchanges: Iterable[Exchange]) -> list[ErrorRow]:
    """The rows: single conditions first, then values that keywords forbid, grouped by how they were answered."""
    shown = [one for one in exchanges if one.last]
    single = [_row(one.probe, one) for one in shown if one.probe.startswith(_BY_CONDITION)]
    return [*single, *_of_keywords(one for one in shown if _OF_KEYWORDS in one.probe)]


def _of_keywords(exchanges: Iterable[Exchange]) -> Iterator[ErrorRow]:
    found: dict[tuple[str, ...], list[ErrorRow]] = {}
    for exchange in exchanges:
        row = _row(exchange.probe, exchange)
        found.setdefault((row.status, row.media_type, row.body, row.headers), []).append(row)
    for key, rows in sorted(found.items()):
        status, media_type, body, headers = key
        yield ErrorRow("values that a keyword forbids", rows[0].exchange, status, media_type, body, headers, len(rows))


def _row(condition: str, exchange: Exchange) -> ErrorRow:
    answer = exchange.answer
    if answer is None:
        return ErrorRow(condition, exchange.id, "none", "", f"no answer: {exchange.ending.kind.value}", "")
    media_type = essence(answer.header("content-type"))
    present = [name for name in _HELPFUL if answer.header(name) is not None]
    return ErrorRow(
        condition,
        exchange.id,
        str(answer.status),
        one_line(media_type, _LONGEST),
        one_line(_body_words(answer, media_type), 2 * _LONGEST),
        ", ".join(present),
    )


def _body_words(answer: Answer, media_type: str) -> str:
    """What the body is, by the names of its members; their values are in the exchange."""
    body = answer.body
    if not body.strip():
        return "no body"
    if is_event_stream(media_type):
        return "an event stream"
    document = parse(body)
    value = document.value
    if not document.readable:
        return f"not JSON, {len(body)} bytes"
    if not isinstance(value, dict):
        return f"a JSON {type(value).__name__}"
    inner = value.get("error")
    names = [name for name in value if name != "error" or not isinstance(inner, dict)]
    within = [f"error.{name}" for name in inner] if isinstance(inner, dict) else []
    members = sorted([*names, *within])
    more = " …" if len(members) > _MOST_MEMBERS else ""
    return ", ".join(members[:_MOST_MEMBERS]) + more if members else "an empty object"
