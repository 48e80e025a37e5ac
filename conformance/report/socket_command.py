"""Writes a request that curl cannot send as a small Python program that sends the same bytes in the same steps."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlsplit

from conformance.probes.script import WRITES, Step, StepKind
from conformance.targets import Reach
from conformance.wire.exchange import SentRequest
from conformance.wire.request import body_bytes, head_bytes

Masked = Callable[[str, str], tuple[int, str] | None]
"""Where in a header field's value a masked secret begins, and the variable that holds it; None if it has none."""

_HELD = re.compile(rb"\0(.)([A-Za-z0-9_]+)\0")
_AS_IT_IS, _IN_A_QUERY = b"=", b"?"
_DEFAULT_PORTS = {"http": 80, "https": 443}


def socket_command(request: SentRequest, masked: Masked, reach: Reach, defaults: Mapping[str, str]) -> str:
    """A command for a POSIX shell that sends the request step by step, and shows what comes back.

    Secrets are taken from environment variables; `defaults` are the values of those that need not be set. The program
    needs only Python.
    """
    lines = ["import os, socket, ssl, struct, sys, time, urllib.parse", *_connect(request.url, reach)]
    lines += _steps(request, masked, reach, defaults)
    if not any(step.kind in {StepKind.HANG_UP, StepKind.RESET} for step in request.steps):
        lines += ["while data := s.recv(65536):", "    sys.stdout.buffer.write(data)", "    sys.stdout.flush()"]
    return "\n".join(["python3 - <<'END'", *lines, "END"])


def _connect(url: str, reach: Reach) -> Iterator[str]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    yield f"s = socket.create_connection(({host!r}, {parts.port or _DEFAULT_PORTS.get(parts.scheme, 80)}))"
    if parts.scheme == "https":
        yield f"c = ssl.create_default_context({f'cafile={reach.ca_file!r}' if reach.ca_file else ''})"
        if reach.client_cert:
            password = reach.client_key_password_env
            held = f", os.environ[{password!r}]" if password else ""
            yield f"c.load_cert_chain({reach.client_cert!r}, {reach.client_key!r}{held})"
        yield f"s = c.wrap_socket(s, server_hostname={host!r})"


def _steps(request: SentRequest, masked: Masked, reach: Reach, defaults: Mapping[str, str]) -> Iterator[str]:
    chunked = any(name.lower() == "transfer-encoding" for name, _ in request.headers)
    written = 0
    for step in request.steps:
        if step.kind in WRITES:
            until = written + int(step.amount)
            yield f"s.sendall({body_bytes(request.body, written, until, chunked=chunked, kind=step.kind)!r})"
            written = until
        elif step.kind in {StepKind.HEAD, StepKind.HEAD_1_0}:
            yield f"s.sendall({_head(request, masked, reach, defaults, step.kind)})"
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


def _head(request: SentRequest, masked: Masked, reach: Reach, defaults: Mapping[str, str], kind: StepKind) -> str:
    """The head as a Python expression; masked secrets in it are read from the environment."""
    fields = []
    for name, value in request.headers:
        held = masked(name, value)
        content = value.encode("latin-1", "replace")
        if held is not None:
            content = value[: held[0]].encode("latin-1") + _place(_AS_IT_IS, held[1])
        fields.append((name.encode("latin-1", "replace"), content))
    target = ("/" + request.url.split("/", 3)[-1] if request.url.count("/") > 2 else "/").encode("latin-1", "replace")
    for name, variable in reach.query_env.items():
        place = _place(_IN_A_QUERY, variable)
        target = re.sub(rb"([?&]%b)[^&]*" % re.escape(f"{name}=".encode()), rb"\1" + place, target)
    return _expression(head_bytes(request.method, target, fields, kind), defaults)


def _place(kind: bytes, variable: str) -> bytes:
    return b"\0" + kind + variable.encode("ascii") + b"\0"


def _expression(data: bytes, defaults: Mapping[str, str]) -> str:
    """Bytes as Python writes them, with the variables that stand in their places."""
    terms, at = [], 0
    for match in _HELD.finditer(data):
        default = defaults.get(match[2].decode("ascii"))
        held = f"os.environb[{match[2]!r}]"
        if default is not None:
            held = f"os.environb.get({match[2]!r}, {default.encode()!r})"
        if match[1] == _IN_A_QUERY:
            held = f"urllib.parse.quote({held}, safe='').encode()"
        terms += [repr(data[at : match.start()]), held]
        at = match.end()
    return " + ".join([*terms, repr(data[at:])])
