"""Exchanges for the tests of the evidence: any, and simple ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from hypothesis import strategies as st

from conformance.probes.script import Step, StepKind
from conformance.wire.exchange import Answer, Ending, EndKind, Exchange, Peer, Read, Redaction, SentRequest

KEY = "sk-Test+0123/abcdEFGH"
SECRETS = {"api-key": KEY}

TEXT = st.text(max_size=20)
TIMES = st.floats(allow_nan=False, allow_infinity=False) | st.floats(min_value=0, max_value=100)
LATIN = st.text(st.characters(max_codepoint=255), max_size=20)
HEADERS = st.lists(st.tuples(LATIN, LATIN), max_size=4).map(tuple)
READS = st.lists(st.builds(Read, at=TIMES, data=st.binary(max_size=30)), max_size=5).map(tuple)
ANSWERS = st.builds(
    Answer, status=st.integers(0, 999), reason=LATIN, http_version=TEXT, headers=HEADERS, headers_at=TIMES, reads=READS
)
ENDINGS = st.builds(Ending, kind=st.sampled_from(EndKind), at=TIMES, detail=TEXT)
STEPS = st.lists(st.builds(Step, st.sampled_from(StepKind), st.integers(0, 99) | st.floats(0, 9)), max_size=4).map(
    tuple
)
REQUESTS = st.builds(
    SentRequest, method=TEXT, url=TEXT, headers=HEADERS, body=st.binary(max_size=50), steps=st.just(()) | STEPS
)
EXCHANGES = st.builds(
    Exchange,
    id=TEXT,
    probe=TEXT,
    attempt=st.integers(1, 9),
    started=st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
    request=REQUESTS,
    answer=st.none() | ANSWERS,
    ending=ENDINGS,
    connection=st.none() | st.integers(1, 99),
    redactions=st.lists(st.builds(Redaction, secret=TEXT, form=TEXT, where=TEXT), max_size=3).map(tuple),
    last=st.booleans(),
    head=st.binary(max_size=40),
    round=st.integers(0, 9),
    held_up=st.just(0.0) | st.floats(0, 99),
    peer=st.none() | st.builds(Peer, address=TEXT, certificates=st.lists(st.binary(max_size=9), max_size=3).map(tuple)),
)


def exchange(
    *parts: bytes,
    name: str = "plain",
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),),
    request_headers: tuple[tuple[str, str], ...] = (("Authorization", f"Bearer {KEY}"),),
    url: str = "http://host/v1/chat/completions",
    request_body: bytes = b"{}",
    reason: str = "OK",
    detail: str = "",
) -> Exchange:
    reads = tuple(Read(at=0.1 * number, data=part) for number, part in enumerate(parts, start=1))
    return Exchange(
        id=f"{name}#1",
        probe=name,
        attempt=1,
        started="2026-01-01T00:00:00.000+00:00",
        request=SentRequest("POST", url, request_headers, request_body),
        answer=Answer(200, reason, "HTTP/1.1", headers, 0.05, reads),
        ending=Ending(EndKind.COMPLETE, at=1.0, detail=detail),
        connection=1,
    )


def events(*documents: str) -> bytes:
    return b"".join(f"data: {document}\n\n".encode() for document in documents)


def body_of(value: Exchange) -> bytes:
    assert value.answer is not None
    return value.answer.body


def forms(value: Exchange, where: str = "body") -> set[str]:
    return {redaction.form for redaction in value.redactions if redaction.where == where}


def delta(piece: str, index: int = 0) -> str:
    return json.dumps({"choices": [{"index": index, "delta": {"content": piece}}]})
