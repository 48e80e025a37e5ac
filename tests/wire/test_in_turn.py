"""Requests that follow one another on one connection, and what an answer leaves there for the next."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from byte_server import KEY, OPERATION, QUICK, probe

from conformance.probes.model import Probe
from conformance.probes.script import HEAD, Script
from conformance.targets.model import Target
from conformance.wire import EndKind, Exchange, Observation, Timing, observe

pytestmark = pytest.mark.network

REFUSED = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"
TO_HEAD = b"HTTP/1.1 405 Not Allowed\r\nContent-Length: 13\r\n\r\n"
BODY = b'{"model":"m"}'


def in_turn(name: str, method: str = "POST") -> Probe:
    is_head = method == "HEAD"
    script = Script((HEAD,)) if is_head else Script()
    return probe(name, body=None if is_head else BODY, method=method, script=script, connection="in-turn")


def send(answers: Sequence[bytes], *probes: Probe) -> Sequence[Exchange]:
    """Send probes to a server that has one answer for each request of a connection, and then waits."""

    async def main() -> Observation:
        async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                for answer in answers:
                    head = await reader.readuntil(b"\r\n\r\n")
                    await reader.readexactly(0 if head.startswith(b"HEAD") else len(BODY))
                    writer.write(answer)
                    await writer.drain()
                await reader.read()
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(served, "127.0.0.1", 0)
        async with server:
            target = Target(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", api_key=KEY)
            timing = Timing(sleep=lambda _: asyncio.sleep(0))
            return await observe(probes, OPERATION, target, QUICK, lambda exchange: exchange, timing=timing)

    return asyncio.run(main()).exchanges


def test_requests_follow_one_another_on_one_connection() -> None:
    exchanges = send([REFUSED, TO_HEAD, REFUSED], in_turn("first"), in_turn("head", "HEAD"), in_turn("last"))
    assert [one.answer.status for one in exchanges if one.answer is not None] == [404, 405, 404]
    assert len({one.connection for one in exchanges}) == 1


def test_bytes_behind_an_answer_are_where_the_next_one_should_begin() -> None:
    first, second, *_ = send([REFUSED + b"xxxx\r\n", REFUSED], in_turn("first"), in_turn("second"))
    assert first.answer is not None
    assert second.answer is None
    assert second.ending.kind is EndKind.MALFORMED
    assert second.connection == first.connection


def test_a_body_behind_an_answer_to_head_ends_the_connection() -> None:
    head, after = send([TO_HEAD + b'{"error": {}}', REFUSED], in_turn("head", "HEAD"), in_turn("after"))
    assert head.answer is not None
    assert head.answer.body == b'{"error": {}}'
    assert after.connection != head.connection


def test_a_connection_that_an_answer_ends_is_followed_by_another() -> None:
    closing = REFUSED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    first, second = send([closing], in_turn("first"), in_turn("second"))
    assert first.answer is not None
    assert second.answer is not None
    assert first.connection != second.connection


def test_silence_on_a_connection_is_told_from_silence_everywhere() -> None:
    head, after = send([TO_HEAD], in_turn("head", "HEAD"), in_turn("after"))
    assert head.ending.kind is EndKind.COMPLETE
    assert after.ending.kind is EndKind.FIRST_BYTE_TIMEOUT
    assert after.connection == head.connection
