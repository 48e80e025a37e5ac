"""Makes the HTTP archive of a run (HAR 1.2): each exchange with its timings, and the events of streams."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from conformance.quoting import one_line, visible
from conformance.report.exchange_view import Timeline, is_stream, reads_timeline
from conformance.report.quantities import counted
from conformance.report.results import Results

if TYPE_CHECKING:
    import harfile

    from conformance.wire.exchange import Answer, Exchange, Headers, SentRequest

_LARGEST = 32 * 1024 * 1024
"""Characters of an archive beyond which it has no more entries."""
_ALL_BODIES = 24 * 1024 * 1024
_BODY_LIMITS = (4 * 1024, 512 * 1024)
_MOST_EVENTS = 2000
_CONTROLS = bytes(byte for byte in range(32) if byte not in b"\t\n\r")
_EVENT_TEXT = 400


def har_json(results: Results, exchanges: Sequence[Exchange], timeline: Timeline = reads_timeline) -> str:
    """The archive as JSON text, ASCII only.

    Each entry has members of its own, as HAR lets tools add them: `_id`, `_probe`, `_attempt`, `_ending` (how the
    exchange ended, and why) and, for an event stream, `_events`: each event with its time in ms after the request
    began, its byte offset in the body, its text and what is wrong with it. Bodies are cut to 512 KiB each, and to
    less if there are very many; `comment` then says how long they were. An archive that would become too large ends
    before the last exchanges, and its comment counts what is left out. Secrets are masked, as in the evidence.
    """
    smallest, largest = _BODY_LIMITS
    limit = max(smallest, min(largest, _ALL_BODIES // max(2 * len(exchanges), 1)))
    entries, left = [], _LARGEST
    for exchange in exchanges:
        entry = _json(_entry(exchange, timeline, limit))
        left -= len(entry)
        if left < 0:
            break
        entries.append(entry)
    about = f"{results.profile.name} {results.profile.version} at {results.target.base_url}"
    if len(entries) < len(exchanges):
        about += f"; {counted(len(exchanges) - len(entries), 'exchange')} more in evidence/exchanges.jsonl"
    log = {
        "version": "1.2",
        "creator": {"name": "chat-conformance", "version": results.suite_version},
        "comment": visible(about),
    }
    # Put together as text, so that a large archive is not held twice.
    return f'{{"log":{_json(log)[:-1]},"entries":[{",".join(entries)}]}}}}\n'


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _entry(exchange: Exchange, timeline: Timeline, limit: int) -> Mapping[str, Any]:
    import harfile  # noqa: PLC0415 - only the archive needs it

    answer, ending = exchange.answer, exchange.ending
    waited = ending.at if answer is None else answer.headers_at
    wait, receive = _milliseconds(waited), _milliseconds(max(ending.at - waited, 0))
    connection = {} if exchange.connection is None else {"connection": str(exchange.connection)}
    return {
        "startedDateTime": exchange.started,
        "time": round(wait + receive, 3),
        "request": _request(exchange.request, limit).asdict(),
        "response": _response(answer, limit).asdict(),
        "cache": {},
        "timings": harfile.Timings(send=0, wait=wait, receive=receive).asdict(),
        **connection,
        "_id": visible(exchange.id),
        "_probe": visible(exchange.probe),
        "_attempt": exchange.attempt,
        "_ending": {"kind": ending.kind.value, "detail": visible(ending.detail), "ms": _milliseconds(ending.at)},
        **(_events(exchange, timeline) if is_stream(exchange) else {}),
    }


def _request(request: SentRequest, limit: int) -> harfile.Request:
    import harfile  # noqa: PLC0415 - as above

    media_type = next((value for name, value in request.headers if name.lower() == "content-type"), "")
    text, encoding, note = _shown(request.body, limit)
    if encoding:
        # HAR has no encoding for request bodies, so the note has to say it.
        note = f"{note or f'{len(request.body)} bytes'}; given in base64"
    sent = harfile.PostData(mimeType=media_type, text=text, comment=note) if request.body else None
    return harfile.Request(
        method=request.method,
        url=request.url,
        httpVersion="HTTP/1.1",
        headers=_records(request.headers),
        queryString=[harfile.Record(name, value) for name, value in _query(request.url)],
        postData=sent,
        bodySize=len(request.body),
    )


def _response(answer: Answer | None, limit: int) -> harfile.Response:
    import harfile  # noqa: PLC0415 - as above

    if answer is None:
        # As browsers write a request without an answer.
        return harfile.Response(status=0, statusText="", httpVersion="", bodySize=-1)
    body = answer.body
    text, encoding, note = _shown(body, limit)
    content = harfile.Content(
        size=len(body),
        mimeType=answer.header("content-type") or "",
        text=text if body else None,
        encoding=encoding,
        comment=note,
    )
    return harfile.Response(
        status=answer.status,
        statusText=answer.reason,
        httpVersion=answer.http_version,
        headers=_records(answer.headers),
        content=content,
        redirectURL=answer.header("location") or "",
        bodySize=len(body),
    )


def _records(headers: Headers) -> list[harfile.Record]:
    import harfile  # noqa: PLC0415 - as above

    return [harfile.Record(name, value) for name, value in headers]


def _query(url: str) -> Iterable[tuple[str, str]]:
    try:
        return parse_qsl(urlsplit(url).query, keep_blank_values=True)
    except ValueError:
        return ()


def _shown(body: bytes, limit: int) -> tuple[str, str | None, str | None]:
    """The text of a body, its encoding if it is not UTF-8 or is mostly control characters, and a note if it was cut."""
    cut = body[:limit]
    note = f"cut: the first {limit} of {len(body)} bytes" if len(body) > limit else None
    if 2 * len(cut.translate(None, _CONTROLS)) < len(cut):
        return base64.b64encode(cut).decode("ascii"), "base64", note
    try:
        # That a cut splits the last character is not a mistake of the target.
        text = cut.decode("utf-8", "ignore" if note and _valid(body) else "strict")
    except UnicodeDecodeError:
        return base64.b64encode(cut).decode("ascii"), "base64", note
    return text, None, note


def _valid(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _events(exchange: Exchange, timeline: Timeline) -> Mapping[str, Any]:
    rows = timeline(exchange)
    events = [
        {
            "ms": round(row.at_ms, 3),
            "offset": row.offset,
            "text": one_line(row.text, _EVENT_TEXT),
            **({"note": one_line(row.note, _EVENT_TEXT)} if row.note else {}),
        }
        for row in rows[:_MOST_EVENTS]
    ]
    omitted = len(rows) - len(events)
    return {"_events": events, **({"_eventsOmitted": omitted} if omitted else {})}


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
