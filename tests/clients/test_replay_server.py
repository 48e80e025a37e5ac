"""The replay server answers with the bytes that were recorded, in their pieces, and ends as the target did."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest
from client_samples import CHUNKS, completion, error, exchange, stream

from conformance.clients.replay_server import MOST_REQUESTS, ReplayServer
from conformance.wire.exchange import EndKind, Exchange

pytestmark = pytest.mark.network


async def _asked(recordings: Mapping[str, Exchange], *paths: str) -> tuple[bytes, ReplayServer]:
    """All bytes that come back for POST requests on one connection."""
    server = ReplayServer(recordings)
    port = await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for path in paths:
        writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{{}}".encode())
    writer.write_eof()
    came = b""
    try:
        while data := await asyncio.wait_for(reader.read(65536), 5):
            came += data
    except ConnectionResetError:
        came += b"<reset>"
    writer.close()
    server.stop()
    return came, server


def asked(recordings: Mapping[str, Exchange], *paths: str) -> bytes:
    return asyncio.run(_asked(recordings, *paths))[0]


def test_head_and_body_are_those_that_were_recorded() -> None:
    recorded = completion()
    assert recorded.answer is not None
    body = recorded.answer.body
    assert asked({"completion": recorded}, "/completion/v1/chat/completions") == (
        recorded.head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    )


def test_the_body_comes_in_the_fragments_in_which_it_was_recorded() -> None:
    came = asked({"stream": stream()}, "/stream/v1/chat/completions")
    sizes = [len(f"data: {one}\n\n") for one in CHUNKS]
    assert [int(line, 16) for line in came.split(b"\r\n\r\n", 1)[1].split(b"\r\n")[:-1:2]] == [*sizes, 0]


def test_a_body_with_a_length_is_sent_without_chunks() -> None:
    recorded = replace(error(429, "slow"), head=b"HTTP/1.1 429 Slow\r\ncontent-length: 1\r\nretry-after: 1\r\n\r\n")
    assert asked({"error-429": recorded}, "/error-429/v1/chat/completions").startswith(recorded.head + b'{"error"')


def test_a_truncated_stream_ends_without_the_last_chunk() -> None:
    came = asked({"stream": stream(ending=EndKind.TRUNCATED)}, "/stream/v1/chat/completions")
    assert came.endswith(b"data: [DONE]\n\n\r\n")


def test_a_reset_is_a_reset() -> None:
    assert asked({"stream": stream(ending=EndKind.RESET)}, "/stream/v1/chat/completions").endswith(b"<reset>")


def test_a_target_that_closed_without_a_word_says_nothing() -> None:
    recorded = replace(completion(), answer=None, head=b"", ending=replace(completion().ending, kind=EndKind.CLOSED))
    assert asked({"completion": recorded}, "/completion/v1/chat/completions") == b""


def test_a_connection_goes_on_after_a_whole_answer_and_each_request_is_counted() -> None:
    path = "/f/1/completion/v1/chat/completions"
    came, server = asyncio.run(_asked({"f/1/completion": completion()}, path, path))
    assert came.count(b"HTTP/1.1 200") == 2
    assert server.requests["f/1/completion"].count == 2


def test_what_is_asked_for_elsewhere_is_not_found_and_noted() -> None:
    came, server = asyncio.run(_asked({"completion": completion()}, "/completion/v1/models"))
    assert came.startswith(b"HTTP/1.1 404")
    assert server.requests["completion"].elsewhere == ["POST /models"]
    assert server.requests["completion"].count == 0


def test_a_client_that_never_stops_asking_is_noticed() -> None:
    paths = ["/completion/v1/chat/completions"] * (MOST_REQUESTS + 1)
    _, server = asyncio.run(_asked({"completion": completion()}, *paths))
    assert server.looping.is_set()


def test_interim_answers_are_sent_as_they_came() -> None:
    head = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
    recorded = replace(exchange("x", {}, [b"{}"]), head=head)
    assert asked({"completion": recorded}, "/completion/v1/chat/completions") == head + b"{}"
