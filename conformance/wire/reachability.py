"""Finds out, before anything is sent, whether a connection to the target can be made."""

from __future__ import annotations

import asyncio
import os
import socket
from urllib.parse import urlsplit

from conformance.targets.model import Limits, Target
from conformance.wire.budget import Timing
from conformance.wire.errors import RequestError, Unreachable

TRIES = 3
PAUSE = 0.2
"""Seconds between two tries."""


async def require_reachable(target: Target, limits: Limits, timing: Timing) -> None:
    """Open and close one TCP connection to the target, or to the proxy in front of it.

    Raises:
        Unreachable: no connection could be made in three tries.
        RequestError: the base URL names no host or no port.
    """
    host, port = _address(target)
    for attempt in range(1, TRIES + 1):
        reason = await _connect(host, port, limits.connect_timeout)
        if reason is None:
            return
        if attempt < TRIES:
            await timing.sleep(PAUSE * attempt)
    raise Unreachable(
        f"No connection to {host}:{port} could be made ({reason}); "
        "start the deployment, or correct its address (--base-url)."
    )


def _address(target: Target) -> tuple[str, int]:
    from conformance.wire.transport import environment_proxy  # noqa: PLC0415 - brings httpx in, 60 ms

    proxy = environment_proxy(target.base_url) if target.trust_environment else None
    try:
        parts = urlsplit(proxy or target.base_url)
        port = parts.port
    except ValueError as error:
        raise RequestError(f"The base URL cannot be used ({error}); give it as http://host[:port][/path].") from None
    if not parts.hostname:
        raise RequestError("The base URL has no host; give it as http://host[:port][/path].")
    return parts.hostname, port or (443 if parts.scheme == "https" else 80)


async def _connect(host: str, port: int, timeout: float) -> str | None:
    """Why no connection could be made; None where one was."""
    try:
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return f"no answer within {timeout:g} s"
    except socket.gaierror:
        return "the host name is not known"
    except (OSError, UnicodeError) as error:
        number = getattr(error, "errno", None)
        return os.strerror(number).lower() if number and number > 0 else str(error)
    writer.close()
    try:
        await writer.wait_closed()
    except OSError:
        return None  # the connection was made, which is all that counts
    return None
