"""A request ends in exactly one way, and what came before the end is kept byte for byte."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import replace
from itertools import count

import pytest
from byte_server import OPERATION, QUICK, Handler, Visit, closed_port, probe, run, send_once, serve

from conformance.targets.model import Target
from conformance.wire.client import Client, Sent
from conformance.wire.exchange import EndKind
from conformance.wire.request import build_request
from conformance.wire.transport import Transport

pytestmark = pytest.mark.network

CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def answering(*parts: bytes, pause: float = 0.0, close: bool = True, stall: bool = False) -> Handler:
    async def handler(visit: Visit) -> bool:
        await visit.send(*parts, pause=pause)
        if stall:
            await visit.stall()
        return close

    return handler


def test_a_complete_answer_is_kept_as_it_was_spelled() -> None:
    sent = run(answering(b"HTTP/1.1 200 Fine\r\nX-ONE: 1\r\nx-one:  2 \r\ncontent-length: 3\r\n\r\nabc"))
    answer = sent.exchange.answer
    assert answer is not None
    assert (answer.status, answer.reason, answer.http_version) == (200, "Fine", "HTTP/1.1")
    assert answer.headers == (("X-ONE", "1"), ("x-one", "2"), ("content-length", "3"))
    assert answer.body == b"abc"
    assert sent.exchange.ending.kind is EndKind.COMPLETE
    assert sent.exchange.connection == 1
    assert b"".join(read.data for read in sent.raw).startswith(b"HTTP/1.1 200 Fine\r\nX-ONE: 1\r\n")


def test_each_read_has_its_arrival_time() -> None:
    sent = run(answering(CHUNKED, chunk(b"data: a\n\n"), chunk(b"data: b\n\n"), b"0\r\n\r\n", pause=0.03))
    answer = sent.exchange.answer
    assert answer is not None
    assert [read.data for read in answer.reads] == [b"data: a\n\n", b"data: b\n\n"]
    assert answer.reads[1].at - answer.reads[0].at >= 0.02
    assert answer.headers_at <= answer.reads[0].at <= sent.exchange.ending.at


def test_chunks_that_arrive_together_are_one_read() -> None:
    sent = run(answering(CHUNKED + chunk(b"data: a\n\n") + chunk(b"data: b\n\n") + b"0\r\n\r\n"))
    assert sent.exchange.answer is not None
    assert [read.data for read in sent.exchange.answer.reads] == [b"data: a\n\ndata: b\n\n"]


def test_a_compressed_body_stays_compressed() -> None:
    bomb = gzip.compress(b"\0" * 10_000_000)
    sent = run(answering(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb), bomb))
    assert sent.exchange.answer is not None
    assert sent.exchange.answer.body == bomb
    assert sent.exchange.ending.kind is EndKind.COMPLETE


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    sent = run(answering(b"HTTP/1.1 200 OK\r\n\r\n", b"until the end"))
    assert sent.exchange.answer is not None
    assert sent.exchange.answer.body == b"until the end"
    assert sent.exchange.ending.kind is EndKind.COMPLETE


def test_interim_answers_are_skipped() -> None:
    sent = run(
        answering(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", b"HTTP/1.1 204 No\r\n\r\n"
        )
    )
    assert sent.exchange.answer is not None
    assert sent.exchange.answer.status == 204
    assert sent.raw[0].data.startswith(b"HTTP/1.1 100")


@pytest.mark.parametrize(
    ("parts", "kind", "body"),
    [
        ((), EndKind.CLOSED, None),
        ((b"HTTP/1.1 20",), EndKind.TRUNCATED, None),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",), EndKind.TRUNCATED, b"ab"),
        ((CHUNKED + chunk(b"ab"),), EndKind.TRUNCATED, b"ab"),
        ((CHUNKED + b"5\r\nab",), EndKind.TRUNCATED, b"ab"),
        ((CHUNKED + chunk(b"ab") + b"0\r\n",), EndKind.TRUNCATED, b"ab"),
        ((b"HTTP/1.1 abc OK\r\n\r\n",), EndKind.MALFORMED, None),
        ((b"SSH-2.0-OpenSSH\r\n\r\n",), EndKind.MALFORMED, None),
        ((b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",), EndKind.MALFORMED, None),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",), EndKind.MALFORMED, None),
        ((CHUNKED + chunk(b"ab") + b"xyz\r\n",), EndKind.MALFORMED, b"ab"),
        ((CHUNKED + b"2\r\nabXX2\r\n",), EndKind.MALFORMED, b"ab"),
    ],
)
def test_a_broken_message_is_named_for_what_it_is(parts: tuple[bytes, ...], kind: EndKind, body: bytes | None) -> None:
    exchange = run(answering(*parts)).exchange
    assert exchange.ending.kind is kind
    assert exchange.ending.detail
    assert (exchange.answer.body if exchange.answer else None) == body


def test_a_reset_before_the_answer() -> None:
    async def handler(visit: Visit) -> None:
        visit.reset()

    sent = run(handler)
    assert sent.exchange.ending.kind is EndKind.RESET
    assert not sent.answered


def test_a_reset_within_the_body_keeps_what_came() -> None:
    async def handler(visit: Visit) -> None:
        await visit.send(CHUNKED + chunk(b"ab"), pause=0.05)
        visit.reset()

    exchange = run(handler).exchange
    assert exchange.ending.kind is EndKind.RESET
    assert exchange.answer is not None
    assert exchange.answer.body == b"ab"


@pytest.mark.parametrize(
    ("parts", "kind"),
    [
        ((), EndKind.FIRST_BYTE_TIMEOUT),
        ((b"HTTP/1.1 200 OK\r\n",), EndKind.IDLE_TIMEOUT),
        ((b"HTTP/1.1 100 Continue\r\n\r\n",), EndKind.IDLE_TIMEOUT),
        ((CHUNKED, chunk(b"data: a\n\n")), EndKind.IDLE_TIMEOUT),
    ],
)
def test_a_stall_ends_at_its_own_limit(parts: tuple[bytes, ...], kind: EndKind) -> None:
    exchange = run(answering(*parts, stall=True)).exchange
    assert exchange.ending.kind is kind
    assert 0.1 < exchange.ending.at < 0.5


def test_slow_bytes_end_at_the_deadline() -> None:
    async def handler(visit: Visit) -> None:
        await visit.send(CHUNKED)
        while True:
            await visit.send(chunk(b"."), pause=0.02)

    exchange = run(handler, limits=replace(QUICK, deadline=0.25)).exchange
    assert exchange.ending.kind is EndKind.DEADLINE
    assert exchange.answer is not None
    assert len(exchange.answer.reads) > 3
    assert exchange.ending.at == pytest.approx(0.25, abs=0.1)


def test_a_slowly_trickling_header_ends_at_the_first_byte_limit() -> None:
    async def handler(visit: Visit) -> None:
        await visit.send(b"HTTP/1.1 200 OK\r\n")
        while True:
            await visit.send(b"X-A: b\r\n", pause=0.02)

    exchange = run(handler).exchange
    assert exchange.ending.kind is EndKind.IDLE_TIMEOUT
    assert exchange.ending.at < 2 * QUICK.first_byte_timeout


@pytest.mark.parametrize("framing", [b"Transfer-Encoding: chunked\r\n", b"", b"Content-Length: 999999999\r\n"])
def test_an_endless_body_is_cut_at_the_limit(framing: bytes) -> None:
    async def handler(visit: Visit) -> None:
        await visit.send(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n")
        block = b"x" * 10_000
        while True:
            await visit.send(chunk(block) if b"chunked" in framing else block)

    exchange = run(handler, limits=replace(QUICK, max_body=123_456)).exchange
    assert exchange.ending.kind is EndKind.TOO_LARGE
    assert "123456" in exchange.ending.detail
    assert exchange.answer is not None
    assert len(exchange.answer.body) == 123_456


def test_a_body_of_exactly_the_limit_is_complete() -> None:
    sent = run(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"), limits=replace(QUICK, max_body=3))
    assert sent.exchange.ending.kind is EndKind.COMPLETE


def test_a_stream_of_too_many_reads_counts_as_endless() -> None:
    async def handler(visit: Visit) -> None:
        await visit.send(CHUNKED)
        while True:
            await visit.send(chunk(b"data: a\n\n"), pause=0.005)

    exchange = run(handler, limits=replace(QUICK, max_events=10)).exchange
    assert exchange.ending.kind is EndKind.TOO_LARGE
    assert "10 reads" in exchange.ending.detail


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nX-Big: " + b"x" * 70_000 + b"\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % number for number in range(8_000)) + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX-Big: " + b"x" * 3_000_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"x" * 200_000,
    ],
)
def test_a_huge_header_is_cut_at_the_limit(head: bytes) -> None:
    sent = run(answering(head, stall=True))
    assert sent.exchange.ending.kind is EndKind.TOO_LARGE
    assert sum(len(read.data) for read in sent.raw) < 300_000


@pytest.mark.parametrize("after", [0, 5, 12])
def test_a_probe_that_hangs_up_does_so(after: int) -> None:
    gone = []

    async def handler(visit: Visit) -> None:
        try:
            await visit.send(CHUNKED, chunk(b"data: a\n\n"), chunk(b"data: b\n\n"), pause=0.02)
            await visit.stall()
        finally:
            gone.append(True)

    async def main() -> None:
        async with serve(handler) as server:
            sent = await send_once(server.target, probe(disconnect_after=after))
            assert sent.exchange.ending.kind is EndKind.HUNG_UP
            assert sent.exchange.answer is not None
            assert after <= len(sent.exchange.answer.body) <= after + 9
            for _ in range(100):
                await asyncio.sleep(0.005)
                if gone:
                    break
            assert gone

    asyncio.run(main())


def test_a_body_that_ends_before_the_hang_up_is_complete() -> None:
    sent = run(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"), probe(disconnect_after=100))
    assert sent.exchange.ending.kind is EndKind.COMPLETE


def test_a_target_that_refuses_connections_is_unreachable() -> None:
    sent = asyncio.run(send_once(Target(base_url=f"http://127.0.0.1:{closed_port()}"), probe()))
    assert sent.exchange.ending.kind is EndKind.UNREACHABLE
    assert "127.0.0.1" in sent.exchange.ending.detail
    assert sent.exchange.connection is None


def test_a_plain_server_under_https_is_unreachable() -> None:
    async def main() -> None:
        async with serve(answering(b"HTTP/1.1 400 Bad\r\n\r\n")) as server:
            target = replace(server.target, base_url=server.target.base_url.replace("http:", "https:"))
            exchange = (await send_once(target, probe())).exchange
            assert exchange.ending.kind in {EndKind.UNREACHABLE, EndKind.CONNECT_TIMEOUT}
            assert "TLS" in exchange.ending.detail

    asyncio.run(main())


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    sent = run(answering(b"HTTP/1.1 307 Go\r\nLocation: http://example.invalid/\r\nContent-Length: 0\r\n\r\n"))
    assert sent.exchange.answer is not None
    assert sent.exchange.answer.status == 307


async def _twice(handler: Handler, between: float = 0.0) -> list[Sent]:
    async with serve(handler) as server:
        transport = Transport(target=server.target, connections=1, numbers=count(1), keepalive=None)
        async with transport:
            client = Client(transport, QUICK)
            sents = []
            for name in ("first", "second"):
                one = probe(name)
                sents.append(await client.send(one, build_request(one, OPERATION, server.target)))
                await asyncio.sleep(between)
            return sents


def test_a_kept_connection_keeps_its_number() -> None:
    first, second = asyncio.run(_twice(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", close=False)))
    assert first.exchange.connection == second.exchange.connection == 1


def test_bytes_left_over_from_one_answer_are_not_the_next() -> None:
    surplus = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 500 Not Yours\r\nContent-Length: 0\r\n\r\n"
    first, second = asyncio.run(_twice(answering(surplus, close=False)))
    assert first.exchange.ending.kind is EndKind.COMPLETE
    assert second.exchange.ending.kind is EndKind.MALFORMED
    assert "beyond the end of the answer before" in second.exchange.ending.detail
    assert second.exchange.answer is None
    assert not second.answered


def test_an_early_answer_to_a_request_that_is_not_read_is_kept() -> None:
    async def handler(visit: Visit) -> bool:
        await visit.send(b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")
        return True

    sent = run(handler, probe(body=b"x" * 300_000))
    assert sent.exchange.answer is not None
    assert sent.exchange.answer.status == 413
