"""Runs the commands that a report prints to reproduce its findings, and compares the requests that they send."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from conformance.probes.script import WRITES, StepKind
from conformance.report.curl import curl_for, left_to_curl
from conformance.wire.exchange import Exchange
from conformance.wire.request import body_bytes

KEYS = {
    "CONFORMANCE_API_KEY": "sk-mine-0123456789abcdef",
    "CONFORMANCE_OTHER_API_KEY": "sk-other-0123456789abcdef",
    "CONFORMANCE_WRONG_API_KEY": "sk-never-issued-0123456789",
}
"""The values of the variables that a command takes its key from."""
_CREDENTIALS = frozenset({"authorization", "x-api-key"})
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
_PATIENCE = 20.0


class ByteRecorder:
    """Listens at an address, accepts one connection after another, keeps what each sends, and answers it."""

    def __init__(self, host: str, port: int) -> None:
        """Listen.

        Raises:
            OSError: something else listens there.
        """
        self._listener = socket.create_server((host, port), backlog=64)
        self._received: list[bytes] = []
        self._expected = 0
        self._came = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def expect(self, size: int) -> None:
        """Set how many bytes the next request has after its header; it is answered once they have arrived."""
        self._expected = size

    def take(self) -> bytes:
        """The bytes of the next request; empty if none arrives."""
        return self._received.pop() if self._came.acquire(timeout=_PATIENCE) else b""

    def close(self) -> None:
        """Stop listening."""
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for a connection
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self._one(connection)

    def _one(self, connection: socket.socket) -> None:
        connection.settimeout(_PATIENCE)
        data = b""
        try:
            while b"\r\n\r\n" not in data or len(data.partition(b"\r\n\r\n")[2]) < self._expected:
                more = connection.recv(65536)
                if not more:
                    break
                data += more
            # Surplus bytes can only be noticed while the client still waits for the end of its answer.
            connection.sendall(_ANSWER)
            connection.shutdown(socket.SHUT_WR)
            while more := connection.recv(65536):
                data += more
        except OSError:
            pass
        self._received.append(data)
        self._came.release()


def not_reproduced(exchanges: Sequence[Exchange], credential_header: str, folder: Path) -> Iterator[str]:
    """A sentence for each exchange whose printed command sends another request.

    Only the fields that a command leaves to curl may differ. The commands connect to the address of the exchanges'
    target, which must be free by now.

    Raises:
        OSError: something listens there, or there is no `sh` or `curl`.
    """
    if not exchanges:
        return
    address = urlsplit(exchanges[0].request.url)
    recorder = ByteRecorder(address.hostname or "", address.port or 80)
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **KEYS}
    script, shell = folder / "command", shutil.which("sh") or "sh"
    try:
        for exchange in exchanges:
            command = curl_for(exchange, credential_header=credential_header)
            expected = request_bytes(exchange, KEYS[_variable(command)])
            script.write_text(command, encoding="utf-8")
            recorder.expect(len(expected.partition(b"\r\n\r\n")[2]))
            subprocess.run(  # noqa: S603 - what a report prints, for the loopback
                [shell, str(script)], capture_output=True, timeout=2 * _PATIENCE, env=environment, check=False
            )
            came, expected = (comparable(sent, exchange) for sent in (recorder.take(), expected))
            if came != expected:
                at = next((n for n, (one, other) in enumerate(zip(came, expected, strict=False)) if one != other), -1)
                where = f"from byte {at} on" if at >= 0 else f"{len(came)} bytes instead of {len(expected)}"
                yield f"the command of {exchange.id} sends another request than was sent ({where})"
    finally:
        recorder.close()


def request_bytes(exchange: Exchange, key: str) -> bytes:
    """The bytes of a request as it was sent, with `key` instead of the one that evidence does not keep."""
    request = exchange.request
    target = "/" + request.url.split("/", 3)[3]
    fields = [
        f"{name}: {re.sub(r'[*]+$', key, value) if name.lower() in _CREDENTIALS else value}".rstrip()
        for name, value in request.headers
    ]
    version = "1.0" if any(step.kind is StepKind.HEAD_1_0 for step in request.steps) else "1.1"
    head = "\r\n".join([f"{request.method} {target} HTTP/{version}", *fields]).encode("latin-1") + b"\r\n\r\n"
    if request.steps and not any(step.kind is StepKind.PIPELINED for step in request.steps):
        return head + _stepped(exchange)
    return head + request.body


def comparable(sent: bytes, exchange: Exchange) -> bytes:
    """The bytes of a request without the header fields that its command leaves to curl."""
    request = exchange.request
    if request.steps and not any(step.kind is StepKind.PIPELINED for step in request.steps):
        return sent
    left = left_to_curl(request)
    head, end, body = sent.partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    kept = [field for field in fields if field.partition(b":")[0].decode("latin-1").lower() not in left]
    return b"\r\n".join([line, *kept]) + end + body


def _stepped(exchange: Exchange) -> bytes:
    """The body as its steps send it, in the chunked coding if the request uses it."""
    request = exchange.request
    chunked = any(name.lower() == "transfer-encoding" for name, _ in request.headers)
    sent, at = b"", 0
    for step in request.steps:
        if step.kind in WRITES:
            sent += body_bytes(request.body, at, at + int(step.amount), chunked=chunked, kind=step.kind)
            at += int(step.amount)
    return sent


def _variable(command: str) -> str:
    """The variable that a command takes the key from."""
    return next((name for name in KEYS if name in command), "CONFORMANCE_API_KEY")
