"""Connections to an upstream: one that was reused and is gone is replaced once, and never more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import httpx
import pytest
from fake_upstream import completion

from conformance.reference.errors import ProviderError
from conformance.reference.provider import CompletionRequest, Message
from conformance.reference.providers.upstream import Upstream, UpstreamProvider

pytestmark = pytest.mark.network

QUESTION = CompletionRequest("m", (Message("user", "Say hello."),), token_limit=9)


@dataclass
class KeepAlive:
    """Serves one request on each connection, and breaks the connection at the next one."""

    served_first: int = 1
    """How many connections serve their first request; later ones break at once."""
    partial: bytes = b""
    """What it sends before it breaks."""
    url: str = ""
    requests: list[int] = field(default_factory=list)
    """For each request, the number of its connection."""
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number, answers = self.connections, int(self.connections <= self.served_first)
        body = json.dumps(completion("hi")).encode()
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
                await reader.readexactly(length)
                self.requests.append(number)
                if not answers:
                    writer.write(self.partial)
                    break
                answers -= 1
                writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        except asyncio.IncompleteReadError:
            pass
        finally:
            if self.partial:
                writer.close()
            else:
                writer.transport.abort()


@asynccontextmanager
async def serving(server: KeepAlive) -> AsyncIterator[UpstreamProvider]:
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    provider = UpstreamProvider(Upstream(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1", model="m"))
    try:
        yield provider
    finally:
        await provider.close()
        listener.close()


async def ask(provider: UpstreamProvider) -> str:
    return "".join([piece async for piece in provider.generate(QUESTION, 0) if isinstance(piece, str)])


def test_a_reset_on_a_reused_connection_is_tried_again_on_a_new_one() -> None:
    async def main() -> None:
        server = KeepAlive(served_first=2)
        async with serving(server) as provider:
            assert await ask(provider) == "hi"
            assert await ask(provider) == "hi"
        assert server.requests == [1, 1, 2]

    asyncio.run(main())


def test_it_is_tried_again_only_once() -> None:
    async def main() -> None:
        server = KeepAlive(served_first=1)
        async with serving(server) as provider:
            assert await ask(provider) == "hi"
            with pytest.raises(ProviderError, match="broke off"):
                await ask(provider)
        assert server.requests == [1, 1, 2]

    asyncio.run(main())


def test_a_reset_on_a_new_connection_is_not_tried_again() -> None:
    async def main() -> None:
        server = KeepAlive(served_first=0)
        async with serving(server) as provider:
            with pytest.raises(ProviderError, match="broke off"):
                await ask(provider)
        assert server.requests == [1]

    asyncio.run(main())


def test_an_answer_that_has_begun_is_not_asked_for_again() -> None:
    async def main() -> None:
        head = b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"choices": ['
        server = KeepAlive(served_first=1, partial=head)
        async with serving(server) as provider:
            assert await ask(provider) == "hi"
            with pytest.raises(ProviderError, match="broke off"):
                await ask(provider)
        assert server.requests == [1, 1]

    asyncio.run(main())


def test_an_answer_in_one_piece_may_take_longer_to_begin_than_a_stream_may_pause() -> None:
    waits: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        waits.append(request.extensions["timeout"]["read"])
        return httpx.Response(200, content=body())

    async def body() -> AsyncIterator[bytes]:
        yield json.dumps(completion("hi")).encode()

    async def main() -> None:
        upstream = Upstream("http://upstream/v1", model="m", idle_timeout=7.0, whole_timeout=70.0)
        provider = UpstreamProvider(upstream, httpx.MockTransport(answer))
        for question in (QUESTION, replace(QUESTION, stream=True)):
            assert "hi" in [piece async for piece in provider.generate(question, 0)]
        await provider.close()

    asyncio.run(main())
    assert waits == [70.0, 7.0]
