"""A hostile upstream: however slowly it answers, and however much, a client gets the contract's error in time."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import brotli
import pytest
from fake_upstream import FakeUpstream, Script, UpstreamRequest, chunk, completion
from memory_of_programs import measured, needs_procfs
from reference_callers import error_reason
from upstream_gateway import answering, choice, gateway, streamed

pytestmark = pytest.mark.network

SLOW = 0.02
"""Seconds between two things that a slow upstream does; far less than any of the times that the gateway allows."""


def again_and_again(beginning: bytes, piece: bytes) -> Script:
    """Writes a beginning, and then the same piece for ever, never pausing for long."""

    async def script(request: UpstreamRequest) -> None:
        request.write(beginning)
        while True:
            request.write(piece)
            await request.writer.drain()
            await asyncio.sleep(SLOW)

    return script


HEAD = b"HTTP/1.1 200 OK\r\n"
HOLDING: dict[str, Script] = {
    "interim answers": again_and_again(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    "a field that grows by a byte": again_and_again(HEAD + b"X-Slow: ", b"a"),
    "ever more fields": again_and_again(HEAD, b"X-Slow: a\r\n"),
    "a status line that grows by a byte": again_and_again(b"HTTP/1.1 200 ", b"O"),
    "an error that grows by a byte": again_and_again(b"HTTP/1.1 400 Bad\r\n\r\n", b" "),
    "an answer that grows by a byte": again_and_again(HEAD + b"\r\n", b" "),
    "a stream of comments": again_and_again(HEAD + b"Content-Type: text/event-stream\r\n\r\n", b": wait\n\n"),
    "a stream of empty text": again_and_again(
        HEAD + b"Content-Type: text/event-stream\r\n\r\n", b"data: " + json.dumps(chunk("")).encode() + b"\n\n"
    ),
}


@pytest.mark.parametrize("name", HOLDING)
def test_an_upstream_that_never_pauses_and_never_ends_is_given_up(name: str) -> None:
    with gateway(HOLDING[name], idle_timeout=0.4, whole_timeout=0.4, deadline=0.8) as gate:
        for stream in (False, True):
            answer = gate.ask(stream=stream)
            assert error_reason("kodexa", answer) in {"provider_error", "provider_refused"}
        assert gate.upstream.hung_up.wait(5)


def test_all_forms_of_a_request_share_one_deadline() -> None:
    async def script(request: UpstreamRequest) -> None:
        await asyncio.sleep(0.2)
        request.json({"error": {"message": "no"}}, 400)

    with gateway(script, whole_timeout=30, deadline=0.5) as gate:
        assert gate.ask(temperature=0.5, user="me", seed=1).status_code == 502
        assert len(gate.upstream.requests) == 3


def test_the_list_of_models_shares_the_deadline() -> None:
    async def script(request: UpstreamRequest) -> None:
        request.write(HEAD + b"\r\n")
        while True:
            request.write(b" ")
            await asyncio.sleep(SLOW)

    with gateway(script, model=None, idle_timeout=30, deadline=0.3) as gate:
        assert gate.ask().status_code == 502
        assert [request.path for request in gate.upstream.requests] == ["/v1/models"]


def deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


CODED = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": deflate,
    "br": brotli.compress,
    "gzip, br": lambda data: brotli.compress(gzip.compress(data)),
    "identity": bytes,
}


@pytest.mark.parametrize("coding", CODED)
def test_an_answer_that_is_coded_although_it_should_not_be_is_understood(coding: str) -> None:
    async def script(request: UpstreamRequest) -> None:
        assert request.headers["accept-encoding"] == "identity"
        if request.body.get("stream"):
            request.head(media_type="text/event-stream", Content_Encoding=coding)
            events = [json.dumps(chunk("one two")), json.dumps(chunk(None, "stop")), "[DONE]"]
            request.write(CODED[coding]("".join(f"data: {event}\n\n" for event in events).encode()))
        else:
            request.head(Content_Encoding=coding)
            request.write(CODED[coding](json.dumps(completion("one two")).encode()))

    with gateway(script) as gate:
        assert choice(gate.complete()) == ("one two", "stop")
        assert streamed(gate.stream()) == ("one two", "stop")


def test_an_error_that_is_coded_is_read() -> None:
    async def script(request: UpstreamRequest) -> None:
        request.head(400, Content_Encoding="br")
        request.write(brotli.compress(json.dumps({"error": {"message": "context length exceeded"}}).encode()))

    with gateway(script) as gate:
        assert error_reason("kodexa", gate.ask()) == "context_length_exceeded"


ZEROS = 10_000_000
BOMBS: dict[str, tuple[str, bytes]] = {
    "gzip": ("gzip", gzip.compress(bytes(ZEROS))),
    "deflate": ("deflate", zlib.compress(bytes(ZEROS))),
    "br": ("br", brotli.compress(bytes(ZEROS))),
    "gzip in gzip": ("gzip, gzip", gzip.compress(gzip.compress(bytes(ZEROS)))),
    "an unknown coding": ("zstd", b"\x28\xb5\x2f\xfd" + bytes(100)),
    "more codings than are undone": ("gzip, " * 9 + "gzip", b""),
    "not what its header says": ("br", bytes(range(256))),
    "cut": ("gzip", gzip.compress(json.dumps(completion("one two")).encode())[:-20]),
    "more behind the end": ("gzip", gzip.compress(b"{}") + b"more"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_coded_answer_that_cannot_be_read_within_bounds_is_our_provider_error(name: str) -> None:
    coding, body = BOMBS[name]

    async def script(request: UpstreamRequest) -> None:
        request.head(Content_Encoding=coding, media_type="text/event-stream" if request.body.get("stream") else "x/y")
        request.write(body)

    with gateway(script, max_bytes=1_000_000, max_stream_bytes=1_000_000) as gate:
        for stream in (False, True):
            answer = gate.ask(stream=stream)
            assert (answer.status_code, error_reason("kodexa", answer)) == (502, "provider_error")


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"{}," * 100_001 + b"{}]",
        b"[" * 100_000 + b"]" * 100_000,
        json.dumps({"choices": [{"message": {"content": "hi"}}], "more": [[]] * 100_000}).encode(),
        b'{"choices": [' + b"1" * 5000 + b"]}",
    ],
    ids=["many objects", "deep", "many arrays", "digits"],
)
def test_json_that_takes_too_much_to_read_is_our_provider_error(body: bytes) -> None:
    async def script(request: UpstreamRequest) -> None:
        request.head()
        request.write(body)

    with gateway(script) as gate:
        for stream in (False, True):
            assert gate.ask(stream=stream).status_code == 502


def test_a_long_text_with_many_commas_is_not_taken_for_many_values() -> None:
    text = '[,{\\",' * 50_000
    with gateway(answering(completion(text)), whole_timeout=30) as gate:
        assert gate.complete(max_tokens=40)["usage"]["completion_tokens"] == 40


def test_the_cookies_of_an_upstream_are_not_kept() -> None:
    with gateway(answering(completion("hi"), Set_Cookie="session=1; Path=/")) as gate:
        gate.complete()
        gate.complete()
        assert all("cookie" not in request.headers for request in gate.upstream.requests)


MOST_MEGABYTES = 150
PROGRAM = """
import asyncio, sys
from conformance.reference.errors import ProviderError
from conformance.reference.provider import CompletionRequest, Message
from conformance.reference.providers.upstream import Upstream, UpstreamProvider

async def main(url, stream):
    provider = UpstreamProvider(Upstream(url, model="m"))
    question = CompletionRequest("m", (Message("user", "Say hello."),), token_limit=9, stream=stream)
    try:
        async for piece in provider.generate(question, 0):
            pass
        print("served")
    except ProviderError as error:
        print(type(error).__name__)

asyncio.run(main(sys.argv[1], sys.argv[2] == "stream"))
"""
LARGE: dict[str, tuple[dict[str, Any], Any]] = {
    "27 MB of objects": ({}, lambda: (b"[" + b"{}," * 20_000, 450)),
    "just as many objects as are read": ({}, lambda: (b"[" + b"{}," * 99_990 + b"{}]", 1)),
    "2 MB of brotli": ({"Content_Encoding": "br"}, lambda: (brotli.compress(bytes(500_000_000), quality=5), 1)),
    "a gigabyte in gzip": ({"Content_Encoding": "gzip"}, lambda: (gzip.compress(bytes(2**24)), 64)),
    "one event without an end": ({"media_type": "text/event-stream"}, lambda: (b"data: " + b"a" * 50_000, 1000)),
    "an event of objects": ({"media_type": "text/event-stream"}, lambda: (b"data: [" + b"{}," * 9_999, 1000)),
    "wide characters": ({}, lambda: (b'{"choices": [{"message": {"content": "\xf0\x9f\x91\x8d' + b"a" * 4_000_000, 1)),
}


@needs_procfs
@pytest.mark.process
@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_no_answer_takes_much_memory(name: str, tmp_path: Path) -> None:
    fields, made = LARGE[name]
    piece, times = made()

    async def script(request: UpstreamRequest) -> None:
        request.head(**fields)
        for _ in range(times):
            request.write(piece)
            await request.writer.drain()

    with FakeUpstream(script) as upstream:
        for asked in ("whole", "stream"):
            done, megabytes = measured(PROGRAM, tmp_path, upstream.url, asked)
            assert done.stdout == "ProviderError\n", done.stderr
            assert megabytes < MOST_MEGABYTES
