"""Finds out, before anything is sent, whether a connection to the target can be made."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from conformance.quoting import one_line
from conformance.targets.model import Limits, Target
from conformance.targets.reach import PROXY_CREDENTIALS
from conformance.wire.budget import Timing
from conformance.wire.errors import RequestError, Unreachable
from conformance.wire.proxy import proxy_credentials, proxy_url

if TYPE_CHECKING:
    import ssl

TRIES = 3
PAUSE = 0.2
"""Seconds between two tries."""
LISTEN_FOR = 0.05
"""Seconds, beside those of the handshake, for which a server may still refuse the client after it."""
_SHOWN = 120
_CLIENT_CERTIFICATE = "give the client certificate that it demands with --client-cert (client_cert in conformance.toml)"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_NO_KNOWN_AUTHORITY = {18, 19, 20, 21}
"""What OpenSSL says where the chain of a certificate leads to nobody who is trusted."""


async def require_reachable(target: Target, limits: Limits, timing: Timing, *, answered: bool = False) -> None:
    """Open and close one connection to the target, or to the proxy in front of it.

    Where the target speaks TLS, its certificate is looked at, behind a tunnel if a proxy has to make one; not where it
    `answered` before.

    Raises:
        Unreachable: no connection could be made in three tries, the proxy refused the tunnel, or the target's
            certificate is not trusted.
        RequestError: the base URL names no host or no port.
        TargetError: a file of certificates cannot be used.
    """
    proxy = proxy_url(target)
    goal = _address(target.base_url)
    first = goal if proxy is None else _address(proxy)
    for attempt in range(1, TRIES + 1):
        reason = await _connect(None if answered else target, first, goal, limits.connect_timeout)
        if reason is None:
            return
        if attempt < TRIES:
            await timing.sleep(PAUSE * attempt)
    what, remedy = "No connection to", "start the deployment, or correct its address (--base-url)"
    if proxy is not None:
        what, remedy = "No connection to the proxy", "start the proxy, or correct its address (--proxy)"
    raise Unreachable(f"{what} {first} could be made ({reason}); {remedy}.")


@dataclass(frozen=True, slots=True)
class _Address:
    """A host and a port, and whether TLS is spoken there."""

    host: str
    port: int
    tls: bool

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def _address(url: str) -> _Address:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise RequestError(f"The base URL cannot be used ({error}); give it as http://host[:port][/path].") from None
    if not parts.hostname:
        raise RequestError("The base URL has no host; give it as http://host[:port][/path].")
    return _Address(parts.hostname, port or _DEFAULT_PORTS.get(parts.scheme, 80), parts.scheme == "https")


async def _connect(target: Target | None, first: _Address, goal: _Address, timeout: float) -> str | None:
    """Why no connection could be made; None where one was. With a target given, TLS is looked at, too."""
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(first.host, first.port)
    except TimeoutError:
        return f"no answer within {timeout:g} s"
    except socket.gaierror:
        return "the host name is not known"
    except (OSError, UnicodeError) as error:
        number = getattr(error, "errno", None)
        return os.strerror(number).lower() if number and number > 0 else str(error)
    try:
        if target is not None and (first.tls or goal.tls):
            await _look_at_tls(target, first, goal, reader, writer, timeout)
    finally:
        writer.close()
        with contextlib.suppress(OSError):  # the connection was made, which is all that counts
            await writer.wait_closed()
    return None


async def _look_at_tls(
    target: Target,
    first: _Address,
    goal: _Address,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    timeout: float,
) -> None:
    """Shake hands, and ask a proxy for its tunnel. What else goes wrong is left for the first exchange to show."""
    from conformance.wire.tls import tls_context  # noqa: PLC0415 - brings ssl in

    context = tls_context(target)
    began = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(timeout):
            if first.tls:
                await _shake_hands(writer, context, first)
            if first is not goal and goal.tls:
                await _ask_for_tunnel(target, first, goal, reader, writer)
                await _shake_hands(writer, context, goal)
            if goal.tls:
                patience = LISTEN_FOR + asyncio.get_running_loop().time() - began
                reason = await _refusal_after_handshake(reader, patience)
                if reason is not None:
                    raise Unreachable(f"{goal} refused the TLS session ({reason}); {_CLIENT_CERTIFICATE}.")
    except (OSError, EOFError, asyncio.LimitOverrunError):
        return  # TimeoutError and SSLError are OSErrors


async def _shake_hands(writer: asyncio.StreamWriter, context: ssl.SSLContext, peer: _Address) -> None:
    import ssl  # noqa: PLC0415 - a run without TLS does not need it

    try:
        await writer.start_tls(context, server_hostname=peer.host)
    except ssl.SSLCertVerificationError as error:
        remedy = "renew the certificate, or correct the address"
        if error.verify_code in _NO_KNOWN_AUTHORITY:
            remedy = "name the CA that it comes from with --ca-file (ca_file in conformance.toml)"
        raise Unreachable(f"The certificate of {peer} is not trusted ({error.verify_message}); {remedy}.") from None


async def _refusal_after_handshake(reader: asyncio.StreamReader, patience: float) -> str | None:
    """Why the server refuses the client's certificate, or that it has none; None where it says nothing for a while.

    With TLS 1.3 it does so only after the handshake.
    """
    import ssl  # noqa: PLC0415 - as above

    from conformance.wire.tls import for_the_certificate, tls_reason  # noqa: PLC0415 - as above

    try:
        async with asyncio.timeout(patience):
            return None if await reader.read(1) else "it closed the connection right after the handshake"
    except TimeoutError:
        return None
    except ssl.SSLError as error:
        return tls_reason(error) if for_the_certificate(error) else None


async def _ask_for_tunnel(
    target: Target, proxy: _Address, goal: _Address, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """CONNECT (RFC 9110 section 9.3.6), as every request's connection will."""
    authority = f"[{goal.host}]:{goal.port}" if ":" in goal.host else str(goal)
    lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
    credentials = proxy_credentials(target)
    if credentials is not None:
        lines.append(f"Proxy-Authorization: Basic {base64.b64encode(':'.join(credentials).encode()).decode()}")
    writer.write("\r\n".join([*lines, "", ""]).encode())
    await writer.drain()
    head = await reader.readuntil(b"\r\n\r\n")
    _, _, status = head.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")
    if not status.startswith("2"):
        remedy = "let the proxy allow it, or name another (--proxy)"
        if status.startswith("407"):
            remedy = f"set user:password for the proxy in {PROXY_CREDENTIALS}"
        raise Unreachable(f"The proxy {proxy} refused to connect to {goal} ({one_line(status, _SHOWN)}); {remedy}.")
