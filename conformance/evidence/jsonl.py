"""Writes exchanges as JSON objects, one a line, and reads them back without loss."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from conformance.moments import moment
from conformance.probes.script import Step, StepKind
from conformance.strict_json import MOST_VALUES, JsonError, load
from conformance.wire.exchange import Answer, Ending, EndKind, Exchange, Headers, Peer, Read, Redaction, SentRequest

FORMAT = 1
"""Version of the format that specs/evidence.schema.json describes."""

FILE_NAME = "exchanges.jsonl"

_LARGE = 64 * 1024
"""Bytes of a body from which it matters how it is written."""
_PLAIN, _CONTINUED = bytes(range(0x20, 0x7F)) + b"\t\n\r", bytes(range(0x80, 0xC0))
_PAIRS = bytes(range(0xF0, 0xF8))
"""First bytes of characters that are written as two escapes."""
JSONObject = dict[str, Any]
_T = TypeVar("_T")


class LineError(ValueError):
    """A line is not as the format wants it; the message says where and why."""


def dump_line(value: Mapping[str, Any]) -> bytes:
    """One line, in ASCII: nothing that a target sent can act on a terminal or on a reader of lines."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"


def load_line(line: bytes, most_values: int = MOST_VALUES) -> JSONObject:
    """The JSON object on a line.

    Raises:
        LineError: the line is not a JSON object, or has more values than `most_values`.
    """
    try:
        value = load(line, most_values=most_values)
    except JsonError as error:
        raise LineError(f"it is not JSON that can be used ({error})") from error
    if not isinstance(value, dict):
        raise LineError("it is not a JSON object")
    return value


def exchange_to_json(exchange: Exchange) -> JSONObject:
    """An exchange as a JSON object."""
    request, answer = exchange.request, exchange.answer
    return {
        "id": exchange.id,
        "probe": exchange.probe,
        "attempt": exchange.attempt,
        "last": exchange.last,
        "started": exchange.started,
        "connection": exchange.connection,
        "request": {
            "method": request.method,
            "url": request.url,
            "headers": [list(field) for field in request.headers],
            **_body_to_json(request.body),
            **({"steps": [[step.kind.value, step.amount] for step in request.steps]} if request.steps else {}),
        },
        "answer": None if answer is None else _answer_to_json(answer),
        "ending": {"kind": str(exchange.ending.kind), "at": exchange.ending.at, "detail": exchange.ending.detail},
        "redactions": [[redaction.secret, redaction.form, redaction.where] for redaction in exchange.redactions],
        # Bytes as characters, as header fields are.
        **({"head": exchange.head.decode("latin-1")} if exchange.head else {}),
        **({"tls": exchange.tls} if exchange.tls else {}),
        **({"round": exchange.round} if exchange.round else {}),
        **({"peer": _peer_to_json(exchange.peer)} if exchange.peer is not None else {}),
        **({"held_up": exchange.held_up} if exchange.held_up else {}),
    }


def exchange_from_json(value: Mapping[str, Any]) -> Exchange:
    """The exchange that a JSON object stands for.

    Raises:
        LineError: a member is missing or has another type.
    """
    request = _get(value, "request", dict)
    answer = _get(value, "answer", dict, type(None))
    ending = _get(value, "ending", dict)
    return Exchange(
        id=_get(value, "id", str),
        probe=_get(value, "probe", str),
        attempt=_get(value, "attempt", int),
        started=_moment(value, "started"),
        request=SentRequest(
            method=_get(request, "method", str),
            url=_get(request, "url", str),
            headers=_headers_from_json(request),
            body=_body_from_json(request),
            steps=_steps_from_json(request),
        ),
        answer=None if answer is None else _answer_from_json(answer),
        ending=Ending(_kind(ending), at=_time(_get(ending, "at", float, int)), detail=_get(ending, "detail", str)),
        connection=_get(value, "connection", int, type(None)),
        redactions=tuple(Redaction(*texts) for texts in _rows(value, "redactions", (str, str, str))),
        last=_get(value, "last", bool),
        head=_head_from_json(value),
        tls=_get(value, "tls", str) if "tls" in value else None,
        round=_get(value, "round", int) if "round" in value else 0,
        peer=_peer_from_json(_get(value, "peer", dict)) if "peer" in value else None,
        held_up=_time(_get(value, "held_up", float, int)) if "held_up" in value else 0.0,
    )


def _head_from_json(value: Mapping[str, Any]) -> bytes:
    """The head, which evidence of earlier versions lacks."""
    text: str = _get(value, "head", str) if "head" in value else ""
    return _checked("head", lambda: text.encode("latin-1"))


def _steps_from_json(request: Mapping[str, Any]) -> tuple[Step, ...]:
    rows = _rows(request, "steps", (str, (float, int))) if "steps" in request else []
    return _checked("steps", lambda: tuple(Step(StepKind(kind), amount) for kind, amount in rows))


def _answer_to_json(answer: Answer) -> JSONObject:
    return {
        "status": answer.status,
        "reason": answer.reason,
        "http_version": answer.http_version,
        "headers": [list(field) for field in answer.headers],
        "headers_at": answer.headers_at,
        **_body_to_json(answer.body),
        "reads": [[read.at, len(read.data)] for read in answer.reads],
    }


def _answer_from_json(value: Mapping[str, Any]) -> Answer:
    body = _body_from_json(value)
    reads, offset = [], 0
    for at, length in _rows(value, "reads", ((float, int), int)):
        if length < 0:
            raise LineError("a read has a negative length")
        reads.append(Read(at=_time(at), data=body[offset : offset + length]))
        offset += length
    if offset != len(body):
        raise LineError(f"the reads are {offset} bytes long together, the body is {len(body)}")
    return Answer(
        status=_get(value, "status", int),
        reason=_get(value, "reason", str),
        http_version=_get(value, "http_version", str),
        headers=_headers_from_json(value),
        headers_at=_time(_get(value, "headers_at", float, int)),
        reads=tuple(reads),
    )


def _peer_to_json(peer: Peer) -> JSONObject:
    encoded = [base64.b64encode(certificate).decode("ascii") for certificate in peer.certificates]
    return {"address": peer.address, **({"certificates": encoded} if encoded else {})}


def _peer_from_json(value: Mapping[str, Any]) -> Peer:
    encoded: list[Any] = _get(value, "certificates", list) if "certificates" in value else []
    if not all(isinstance(one, str) for one in encoded):
        raise LineError("its 'certificates' have the wrong type")
    decoded = _checked("certificates", lambda: tuple(base64.b64decode(one, validate=True) for one in encoded))
    return Peer(_get(value, "address", str), decoded)


def _body_to_json(body: bytes) -> JSONObject:
    if _grows_in_json(body):
        return {"body_base64": base64.b64encode(body).decode("ascii")}
    try:
        return {"body": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(body).decode("ascii")}


def _grows_in_json(body: bytes) -> bool:
    """Whether a large body is mostly of characters that JSON escapes, so that base64 is shorter."""
    return len(body) > _LARGE and _escaped_size(body) > 2 * len(body)


def _escaped_size(body: bytes) -> int:
    """About how many bytes of a line UTF-8 takes, most of whose characters may have to be escaped."""
    escaped = body.translate(None, _PLAIN + _CONTINUED)
    beyond = len(escaped) - len(escaped.translate(None, _PAIRS))
    return len(body) - len(body.translate(None, _PLAIN)) + 6 * (len(escaped) + beyond)


def _body_from_json(value: Mapping[str, Any]) -> bytes:
    if "body_base64" not in value:
        text: str = _get(value, "body", str)
        return _checked("body", lambda: text.encode("utf-8"))
    encoded: str = _get(value, "body_base64", str)
    return _checked("body_base64", lambda: base64.b64decode(encoded, validate=True))


def _headers_from_json(value: Mapping[str, Any]) -> Headers:
    return tuple((name, content) for name, content in _rows(value, "headers", (str, str)))


def _kind(ending: Mapping[str, Any]) -> EndKind:
    kind: str = _get(ending, "kind", str)
    return _checked("kind", lambda: EndKind(kind))


def _moment(value: Mapping[str, Any], name: str) -> str:
    """A date and time with its offset from UTC, in ISO 8601."""
    text: str = _get(value, name, str)
    if moment(text) is None:
        raise LineError(f"its {name!r} is not a date and time with an offset from UTC")
    return text


def _time(value: float) -> float:
    """A time in seconds: other writers of JSON may have shortened 1.0 to 1."""
    return float(value)


def _checked(name: str, read: Callable[[], _T]) -> _T:
    try:
        return read()
    except ValueError as error:
        raise LineError(f"its {name!r} cannot be read") from error


def _get(value: Mapping[str, Any], name: str, *types: type) -> Any:
    if name not in value:
        raise LineError(f"it has no {name!r}")
    member = value[name]
    # A bool is an int in Python, and not in JSON.
    if not isinstance(member, types) or (isinstance(member, bool) and bool not in types):
        raise LineError(f"its {name!r} has the wrong type")
    return member


def _rows(value: Mapping[str, Any], name: str, columns: tuple[type | tuple[type, ...], ...]) -> list[list[Any]]:
    rows: list[list[Any]] = _get(value, name, list)
    for row in rows:
        if not isinstance(row, list) or len(row) != len(columns):
            raise LineError(f"a row of its {name!r} does not have {len(columns)} columns")
        for cell, types in zip(row, columns, strict=True):
            if not isinstance(cell, types) or isinstance(cell, bool):
                raise LineError(f"a row of its {name!r} has the wrong type")
    return rows
