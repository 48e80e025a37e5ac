"""Faults of the HTTP message of an answer, and of its connection: each is found by the requirement it breaks."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest
from raw_deployment import Deployment, Script, StreamRequest
from stream_judge import broken, judge, troubled

pytestmark = pytest.mark.network

MESSAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
STREAM = "transport.", "stream.[!c]*"


def whole(script: Script) -> bytes:
    return b"".join(write for write in script.writes if isinstance(write, bytes))


def plain_stream(request: StreamRequest) -> bool:
    """Whether this is one of the streams whose message is changed; all others stay as they are."""
    return request.streamed and request.body.get("max_tokens") == 1


def in_length_and_in_chunks(script: Script, request: StreamRequest) -> Script:
    if not plain_stream(request):
        return script
    return replace(script, headers=(*script.headers, ("Content-Length", str(len(whole(script))))))


def shorter_than_it_says(script: Script, request: StreamRequest) -> Script:
    if not plain_stream(request):
        return script
    length = ("Content-Length", str(len(whole(script)) + 100))
    return replace(script, headers=(*script.headers, length), chunked=False, end="cut")


def cut_in_the_last_chunk(script: Script, request: StreamRequest) -> Script:
    return replace(script, end="cut") if plain_stream(request) else script


def with_another_message_inside(script: Script, request: StreamRequest) -> Script:
    return replace(script, writes=(*script.writes, MESSAGE)) if plain_stream(request) else script


def compressed_unasked(script: Script, request: StreamRequest) -> Script:
    if not plain_stream(request):
        return script
    body = gzip.compress(whole(script))
    return replace(script, writes=(body,), headers=(*script.headers, ("Content-Encoding", "x-gzip")))


def compressed_unsaid(script: Script, request: StreamRequest) -> Script:
    return replace(script, writes=(gzip.compress(whole(script)),)) if plain_stream(request) else script


def no_content(script: Script, request: StreamRequest) -> Script:
    return replace(script, status=204, writes=(), chunked=False, headers=()) if plain_stream(request) else script


FAULTS = {
    "both ways of framing": (in_length_and_in_chunks, {"transport.single-framing"}),
    "a Content-Length that is too large": (
        shorter_than_it_says,
        {"transport.body-complete"},
    ),
    "a chunked body without its end": (cut_in_the_last_chunk, {"transport.body-complete"}),
    "another message in the body": (with_another_message_inside, {"transport.single-message", "stream.field-names"}),
    "a coding that was not accepted": (compressed_unasked, {"transport.content-encoding-accepted"}),
    "a coding that is not named": (compressed_unsaid, {"transport.content-encoding", "stream.utf8"}),
    "no content": (no_content, {"stream.status"}),
}


@pytest.mark.parametrize(("change", "expected"), FAULTS.values(), ids=FAULTS.keys())
def test_a_message_must_match_its_header(change: object, expected: set[str], tmp_path: Path) -> None:
    judgements = judge(Deployment(script=change), tmp_path, (*sorted(expected), "transport.length-truthful"))  # type: ignore[arg-type]
    assert broken(judgements) == expected
    for other, why in troubled(judgements).items():
        assert judgements[other].outcome == "blocked", (other, why)


def failing_third(script: Script, request: StreamRequest) -> Script:
    if request.streamed and request.turn == 3:
        return replace(script, writes=(b": busy\n\n",))
    return script


def leaving_something(script: Script, request: StreamRequest) -> Script:
    return replace(script, behind=MESSAGE) if request.streamed and request.turn else script


@pytest.mark.parametrize("change", [failing_third, leaving_something])
def test_a_persistent_connection_serves_every_further_request(change: object, tmp_path: Path) -> None:
    judgements = judge(Deployment(script=change), tmp_path, ("stream.connection-reuse",))  # type: ignore[arg-type]
    assert judgements["stream.connection-reuse"].outcome == "failed"
    assert "on one connection" in judgements["stream.connection-reuse"].messages[0]


def test_a_server_that_closes_each_connection_is_within_its_rights(tmp_path: Path) -> None:
    def closing(script: Script, request: StreamRequest) -> Script:
        return replace(script, chunked=False, end="cut", headers=(*script.headers, ("Connection", "close")))

    judgements = judge(Deployment(script=closing), tmp_path, ("stream.connection-reuse",))
    assert judgements["stream.connection-reuse"].outcome == "passed"
