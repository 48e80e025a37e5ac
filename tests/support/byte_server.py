"""A server on loopback that answers byte for byte as a test tells it, and what tests of the wire share."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

from conformance.contract.model import CredentialScheme, Operation
from conformance.probes.model import Intent, Probe
from conformance.targets.model import Limits, Target
from conformance.wire.client import Client, Sent
from conformance.wire.request import build_request
from conformance.wire.transport import Transport

KEY = "sk-0123456789abcdefKEY"

OPERATION = Operation(
    method="POST",
    path="/chat/completions",
    path_parameters={},
    request_schema=True,
    responses=(),
    credential=CredentialScheme(header="Authorization", prefix="Bearer "),
)

QUICK = Limits(connect_timeout=0.5, first_byte_timeout=0.4, idle_timeout=0.4, deadline=1.2, retries=0)

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@dataclass
class Visit:
    """One request as the server got it, and the means to answer it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    connection: int
    number: int
    """Requests before this one, on all connections."""
    head: bytes = b""
    body: bytes = b""

    async def send(self, *parts: bytes, pause: float = 0.0) -> None:
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            await asyncio.sleep(pause)

    async def stall(self) -> None:
        """Wait until the client goes away."""
        await self.reader.read()

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        connection = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Handler = Callable[[Visit], Awaitable[object]]


@dataclass
class Server:
    """What a running server has seen."""

    port: int = 0
    connections: int = 0
    visits: list[Visit] = field(default_factory=list)

    @property
    def target(self) -> Target:
        return Target(base_url=f"http://127.0.0.1:{self.port}/v1", api_key=KEY)


@asynccontextmanager
async def serve(handler: Handler) -> AsyncIterator[Server]:
    """Serve on a free port. The handler answers one request; a connection lives until it closes it, or returns True."""
    state = Server()
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        number = state.connections
        state.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
                )
                visit = Visit(reader, writer, number, len(state.visits), head, await reader.readexactly(length))
                state.visits.append(visit)
                if await handler(visit):
                    break
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            tasks.discard(task)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


def probe(name: str = "plain", **changes: object) -> Probe:
    values: dict[str, object] = {"about": "a test", "intent": Intent.SERVED, "body": {"model": "m"}}
    return Probe(name=name, **(values | changes))  # type: ignore[arg-type]


async def send_once(target: Target, sent_probe: Probe, limits: Limits = QUICK) -> Sent:
    transport = Transport(target=target, connections=1, numbers=count(1), keepalive=None)
    async with transport:
        return await Client(transport, limits).send(sent_probe, build_request(sent_probe, OPERATION, target))


def run(handler: Handler, sent_probe: Probe | None = None, limits: Limits = QUICK) -> Sent:
    """Start a server, send it one probe, stop it."""

    async def main() -> Sent:
        async with serve(handler) as server:
            return await send_once(server.target, sent_probe or probe(), limits)

    return asyncio.run(main())


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
