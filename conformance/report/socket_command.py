"""Writes a request that curl cannot send as a small Python program that sends the same bytes in the same steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from conformance.probes.script import Step, StepKind
from conformance.wire.exchange import SentRequest
from conformance.wire.request import body_bytes, head_bytes

MaskedAt = Callable[[str, str], int | None]
"""Where in a header field's value a masked key begins, or None if it has none."""

_PLACE = b"\0key\0"
_DEFAULT_PORTS = {"http": 80, "https": 443}


def socket_command(request: SentRequest, masked_at: MaskedAt, variable: str) -> str:
    """A command for a POSIX shell that sends the request step by step, and shows what comes back.

    The key is taken from the environment variable `variable`. The program needs only Python.
    """
    lines = ["import os, socket, ssl, struct, sys, time", *_connect(request.url), *_steps(request, masked_at, variable)]
    if not any(step.kind in {StepKind.HANG_UP, StepKind.RESET} for step in request.steps):
        lines += ["while data := s.recv(65536):", "    sys.stdout.buffer.write(data)", "    sys.stdout.flush()"]
    return "\n".join(["python3 - <<'END'", *lines, "END"])


def _connect(url: str) -> Iterator[str]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    yield f"s = socket.create_connection(({host!r}, {parts.port or _DEFAULT_PORTS.get(parts.scheme, 80)}))"
    if parts.scheme == "https":
        yield f"s = ssl.create_default_context().wrap_socket(s, server_hostname={host!r})"


def _steps(request: SentRequest, masked_at: MaskedAt, variable: str) -> Iterator[str]:
    chunked = any(name.lower() == "transfer-encoding" for name, _ in request.headers)
    written = 0
    for step in request.steps:
        if step.kind is StepKind.BODY:
            until = written + int(step.amount)
            yield f"s.sendall({body_bytes(request.body, written, until, chunked=chunked)!r})"
            written = until
        elif step.kind is StepKind.HEAD:
            yield f"s.sendall({_head(request, masked_at, variable)})"
        else:
            yield from _other(step)


def _other(step: Step) -> Iterator[str]:
    match step.kind:
        case StepKind.PAUSE:
            yield f"time.sleep({step.amount:g})"
        case StepKind.AWAIT_CONTINUE:
            yield f"s.settimeout({step.amount:g})"
            yield "try: sys.stdout.buffer.write(s.recv(65536))"
            yield "except TimeoutError: pass"
            yield "s.settimeout(None)"
        case StepKind.HALF_CLOSE:
            yield "s.shutdown(socket.SHUT_WR)"
        case StepKind.RESET:
            yield "s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))"
            yield "s.close()"
        case StepKind.HANG_UP:
            yield "s.close()"


def _head(request: SentRequest, masked_at: MaskedAt, variable: str) -> str:
    """The head as a Python expression; a masked key in it is read from the environment."""
    fields = []
    for name, value in request.headers:
        at = masked_at(name, value)
        content = value.encode("latin-1", "replace") if at is None else value[:at].encode("latin-1") + _PLACE
        fields.append((name.encode("latin-1", "replace"), content))
    target = "/" + request.url.split("/", 3)[-1] if request.url.count("/") > 2 else "/"
    parts = head_bytes(request.method, target.encode("latin-1", "replace"), fields).split(_PLACE)
    return f" + os.environb[b{variable!r}] + ".join(repr(part) for part in parts)
