"""Ways to a deployment as companies have them: TLS with a CA of their own, a gateway that demands things, a proxy."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime
import ipaddress
import queue
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PASSWORD = "pass-of-the-client-key-7d1f"
_DAY = datetime.timedelta(days=1)
_REQUEST_LINE = re.compile(rb"(?:^|\n|\})([A-Z]+) (\S+) HTTP/1\.1\r\n")


@dataclass(frozen=True)
class Certificates:
    """A certificate authority and what it signed, as PEM files."""

    ca: Path
    server: Path
    client: Path
    client_key: Path
    locked_key: Path
    """The client's key, encrypted with `PASSWORD`."""


def make_certificates(folder: Path) -> Certificates:
    """A CA, a certificate for localhost, and one for a client."""
    ca_key, ca = _signed("ca of the tests", None, None)
    server_key, server = _signed("localhost", ca_key, ca)
    client_key, client = _signed("client", ca_key, ca)
    made = Certificates(*(folder / f"{name}.pem" for name in ("ca", "server", "client", "client-key", "locked-key")))
    made.ca.write_bytes(_pem(ca))
    made.server.write_bytes(_pem(server) + _pem_of_key(server_key))
    made.client.write_bytes(_pem(client))
    made.client_key.write_bytes(_pem_of_key(client_key))
    made.locked_key.write_bytes(_pem_of_key(client_key, PASSWORD))
    return made


def _signed(
    name: str, signer: ec.EllipticCurvePrivateKey | None, issuer: x509.Certificate | None
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names: list[x509.GeneralName] = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if issuer is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return key, builder.sign(signer or key, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _pem_of_key(key: ec.EllipticCurvePrivateKey, password: str | None = None) -> bytes:
    locked = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)


def server_context(certificates: Certificates, *, client_demanded: bool = False) -> ssl.SSLContext:
    """TLS of a server that has the certificate for localhost."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server)
    if client_demanded:
        context.load_verify_locations(certificates.ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@dataclass
class Seen:
    """What came over each connection from the client, and the port where it came."""

    port: int
    connections: list[bytearray] = field(default_factory=list)

    @property
    def data(self) -> bytes:
        """All that came."""
        return b"\n".join(map(bytes, self.connections))

    @property
    def targets(self) -> list[str]:
        """The target of each request, `host:port` for CONNECT."""
        return [match[2].decode() for match in _REQUEST_LINE.finditer(self.data)]


Admit = Callable[[bytes], "tuple[int, Callable[[bytes], bytes]] | bytes"]
"""Takes the first header of a connection; gives the port to go on to and how bytes are changed on the way, or an answer
after which the connection is closed."""


@contextlib.contextmanager
def relay(admit: Admit, context: ssl.SSLContext | None = None) -> Iterator[Seen]:
    """Listen on loopback, and pass every connection on that is admitted."""
    ready: queue.Queue[tuple[Seen, asyncio.AbstractEventLoop, asyncio.Event]] = queue.Queue()

    async def main() -> None:
        seen, stop = Seen(0), asyncio.Event()
        open_ones: set[asyncio.Task[None]] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            open_ones.add(task)
            try:
                with contextlib.suppress(OSError, EOFError):
                    await _pass_on(reader, writer, admit, seen)
            finally:
                writer.close()
                open_ones.discard(task)

        async with await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context, backlog=128) as server:
            seen.port = server.sockets[0].getsockname()[1]
            ready.put((seen, asyncio.get_running_loop(), stop))
            await stop.wait()
            for task in open_ones:
                task.cancel()
            await asyncio.gather(*open_ones, return_exceptions=True)
            await asyncio.sleep(0)  # what was closed is lost in the next turn of the loop

    thread = threading.Thread(target=asyncio.run, args=(main(),), daemon=True)
    thread.start()
    seen, loop, stop = ready.get(timeout=10)
    try:
        yield seen
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, admit: Admit, seen: Seen) -> None:
    first = await reader.readuntil(b"\r\n\r\n")
    came = bytearray(first)
    seen.connections.append(came)
    admitted = admit(first)
    if isinstance(admitted, bytes):
        writer.write(admitted)
        await writer.drain()
        return
    port, changed = admitted
    back, forth = await asyncio.open_connection("127.0.0.1", port)
    answering = asyncio.create_task(_answer(back, writer))
    try:
        await _forward(first, (reader, writer), forth, changed, came)
        await answering
    finally:
        answering.cancel()
        forth.close()


async def _forward(
    first: bytes,
    client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    forth: asyncio.StreamWriter,
    changed: Callable[[bytes], bytes],
    came: bytearray,
) -> None:
    reader, writer = client
    if first.startswith(b"CONNECT "):
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    else:
        forth.write(changed(first))
    with contextlib.suppress(OSError):
        while piece := await reader.read(65536):
            came += piece
            forth.write(changed(piece))
            await forth.drain()
    with contextlib.suppress(OSError):
        forth.write_eof()


async def _answer(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await source.read(65536):
            sink.write(piece)
            await sink.drain()
    sink.close()


def _refusal(status: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


def gateway(port: int, *demanded: str) -> Admit:
    """A gateway before the server at a port; the first header of each connection must have all that is demanded."""

    def admit(head: bytes) -> tuple[int, Callable[[bytes], bytes]] | bytes:
        if not all(one.encode() in head for one in demanded):
            return _refusal("403 Forbidden")
        return port, lambda data: data

    return admit


def proxy(credentials: str | None = None) -> Admit:
    """A proxy for servers on loopback: tunnels, and takes requests in absolute form; may demand credentials."""
    demanded = b"" if credentials is None else b"Basic " + base64.b64encode(credentials.encode())

    def admit(head: bytes) -> tuple[int, Callable[[bytes], bytes]] | bytes:
        if demanded not in head:
            return _refusal("407 Proxy Authentication Required")
        target = head.split(b" ", 2)[1]
        port = int(target.rpartition(b":")[2].partition(b"/")[0])
        start = target[: target.index(b"/", 8)] if target.startswith(b"http://") else None
        return port, (lambda data: data) if start is None else (lambda data: data.replace(b" " + start, b" "))

    return admit


def refusing_proxy(head: bytes) -> bytes:
    """A proxy that lets nobody through."""
    return _refusal("403 Not \x1b[31mAllowed")
