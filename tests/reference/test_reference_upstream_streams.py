from __future__ import annotations

import asyncio
import json

import pytest
from fake_upstream import Script, UpstreamRequest, chunk, completion
from reference_callers import error_reason
from upstream_gateway import KEY, LEAK, USAGE, answering, choice, gateway, streamed, streaming

pytestmark = pytest.mark.network

GOOD = (chunk("one "), chunk("two"), chunk(None, "stop"))
STREAMS: dict[str, Script] = {
    "good": streaming(*GOOD, "[DONE]"),
    "without [DONE]": streaming(*GOOD),
    "with strange reasons": streaming(chunk("one ", ""), chunk("two", "null"), chunk(None, "eos_token"), "[DONE]"),
    "finished with the first chunk": streaming(chunk("one ", "stop"), chunk("two", "stop"), "[DONE]"),
    "finished twice": streaming(*GOOD, chunk(None, "length"), chunk(None, "stop"), "[DONE]"),
    "with an own id, kind and index a chunk": streaming(
        *[{**part, "id": str(number), "object": "x", "index": 7} for number, part in enumerate(GOOD)], "[DONE]"
    ),
    "with nulls and empty choices": streaming("null", {"choices": []}, *GOOD, "null", "[DONE]"),
    "with a double prefix": streaming(*[f"data: {json.dumps(part)}" for part in GOOD], "data: [DONE]"),
    "ended within the last event": streaming(*GOOD[:2], after=b"data: " + json.dumps(GOOD[2]).encode()),
    "with text after [DONE]": streaming(*GOOD, "[DONE]", chunk("three"), "nonsense"),
    "as one JSON text": answering(completion("one two")),
}


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_is_repaired(name: str) -> None:
    with gateway(STREAMS[name]) as gate:
        assert streamed(gate.stream()) == ("one two", "stop")


@pytest.mark.parametrize("name", ["good", "without [DONE]", "with a double prefix"])
def test_a_stream_that_answers_a_plain_request_becomes_a_completion(name: str) -> None:
    with gateway(STREAMS[name]) as gate:
        assert choice(gate.complete()) == ("one two", "stop")


def test_a_stream_without_its_media_type_is_still_read() -> None:
    async def script(request: UpstreamRequest) -> None:
        request.head(media_type="application/json")
        request.events(*GOOD, "[DONE]")

    with gateway(script) as gate:
        assert streamed(gate.stream()) == ("one two", "stop")


def test_a_stream_that_stays_open_after_its_end_is_left() -> None:
    async def script(request: UpstreamRequest) -> None:
        request.head(media_type="text/event-stream")
        request.events(*GOOD)
        await asyncio.Event().wait()

    with gateway(script, idle_timeout=30) as gate:
        assert streamed(gate.stream()) == ("one two", "stop")


def test_a_stream_cut_into_single_bytes_is_the_same() -> None:
    async def script(request: UpstreamRequest) -> None:
        request.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        text = json.dumps(chunk("日本🇩🇪"), ensure_ascii=False)
        end = json.dumps(chunk(None, "stop"))
        for byte in f": ping\r\n\r\ndata: {text}\r\n\r\ndata: {end}\r\n\r\ndata: [DONE]\r\n\r\n".encode():
            request.write(b"1\r\n" + bytes([byte]) + b"\r\n")
            await request.writer.drain()
        request.write(b"0\r\n\r\n")

    with gateway(script) as gate:
        assert streamed(gate.stream()) == ("日本🇩🇪", "stop")


async def stalled(request: UpstreamRequest) -> None:
    request.head(media_type="text/event-stream")
    request.events(chunk("one "))
    await asyncio.Event().wait()


async def reset(request: UpstreamRequest) -> None:
    request.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    event = f"data: {json.dumps(chunk('one '))}\n\n".encode()
    request.write(f"{len(event):x}\r\n".encode(), event, b"\r\n")
    await request.writer.drain()
    request.writer.transport.abort()


BROKEN_OFF: dict[str, Script] = {
    "cut": streaming(chunk("one ")),
    "cut, and ended with [DONE]": streaming(chunk("one "), "[DONE]"),
    "cut, with a usage and [DONE]": streaming(chunk("one "), {"choices": [], "usage": USAGE}, "[DONE]"),
    "with empty finish reasons": streaming(chunk("one ", ""), chunk("two", "null"), "[DONE]"),
    "reset": reset,
    "ended for an error": streaming(chunk("one "), chunk(None, "error"), "[DONE]"),
    "ended for an abort": streaming(chunk("one "), chunk(None, "abort"), "[DONE]"),
    "an event of an error": streaming(chunk("one "), {"object": "error", "message": "engine failed"}, "[DONE]"),
    "cut within an event": streaming(chunk("one "), after=b'data: {"cho'),
    "stalled": stalled,
    "an error object": streaming(chunk("one "), LEAK),
    "an error in words": streaming(chunk("one "), f"error: engine failed, key {KEY}"),
    "an HTML page": streaming(chunk("one "), "<html>"),
}


@pytest.mark.parametrize("name", BROKEN_OFF)
def test_a_stream_that_breaks_off_never_looks_complete(name: str) -> None:
    with gateway(BROKEN_OFF[name]) as gate:
        *chunks, last = gate.stream()
        assert set(last) == {"error"}
        assert all(part["choices"][0]["finish_reason"] is None for part in chunks)
        assert gate.ask().status_code == 502


@pytest.mark.parametrize("profile", ["openai", "kodexa", "loop-health"])
def test_a_stream_that_is_cut_before_its_first_word_is_a_plain_error(profile: str) -> None:
    with gateway(streaming(chunk(""), "[DONE]"), profile) as gate:
        for stream in (True, False):
            answer = gate.ask(stream=stream)
            assert answer.status_code == (502 if profile == "kodexa" else 500)
            assert error_reason(profile, answer) == "provider_error"


@pytest.mark.parametrize("choices", [1, 2])
def test_where_nothing_at_all_is_streamed_the_whole_answer_is_asked_for(choices: int) -> None:
    async def script(request: UpstreamRequest) -> None:
        if request.body.get("stream"):
            request.head(media_type="text/event-stream")
            request.events("[DONE]")
        else:
            request.json(completion("one two"))

    with gateway(script) as gate:
        *chunks, last = gate.stream(n=choices)
        assert last == "[DONE]"
        reasons = [part["choices"][0]["finish_reason"] for part in chunks]
        assert reasons.count("stop") == choices


def test_a_key_in_the_text_is_masked_even_across_chunks() -> None:
    texts = ["your key is ", KEY[:9], KEY[9:20], KEY[20:] + " and sk-", "up, bye"]
    hidden = f"your key is {'*' * len(KEY)} and sk-up, bye"
    with gateway(streaming(*map(chunk, texts), chunk(None, "stop"), "[DONE]")) as gate:
        assert streamed(gate.stream())[0] == hidden
    with gateway(answering(completion("".join(texts)))) as gate:
        assert choice(gate.complete())[0] == hidden


def test_a_client_that_hangs_up_ends_the_call_upstream() -> None:
    async def script(request: UpstreamRequest) -> None:
        request.head(media_type="text/event-stream")
        request.events(chunk("one "))
        await asyncio.Event().wait()

    with gateway(script, idle_timeout=30) as gate:
        answer = gate.http.send(gate.request(stream=True), stream=True)
        assert answer.status_code == 200
        assert not gate.upstream.hung_up.is_set()
        answer.close()
        assert gate.upstream.hung_up.wait(5)
