"""Tiny deployments that are wrong in one simple way, for judging."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

Answer = tuple[int, dict[str, str], bytes]


@contextlib.contextmanager
def http_deployment(answer: Callable[[dict[str, str], bytes], Answer]) -> Iterator[str]:
    """Serve on loopback what `answer` makes of each request's header and body; gives the base URL.

    Among the header fields are `:method` and `:path`, as HTTP/2 names them.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, content = answer({":method": self.command, ":path": self.path, **self.headers}, body)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_PATCH = do_DELETE = do_POST  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 128  # with five, a connection more waits for a second

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def silent_deployment() -> Iterator[str]:
    """Accept every connection and close it without a word."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    listener.settimeout(0.05)
    stop = threading.Event()

    def close_all() -> None:
        while not stop.is_set():
            with contextlib.suppress(TimeoutError, OSError):
                connection, _ = listener.accept()
                connection.close()

    thread = threading.Thread(target=close_all, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        thread.join()
        listener.close()


@contextlib.contextmanager
def closed_port() -> Iterator[str]:
    """A loopback address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    yield f"http://127.0.0.1:{port}"


def empty_object(_: dict[str, str], __: bytes) -> Answer:
    """Answer everything with `200 {}`."""
    return 200, {"Content-Type": "application/json"}, b"{}"


def echo_of_key(headers: dict[str, str], body: bytes) -> Answer:
    """Answer with the caller's key in a header, and in the body in several encodings; streams carry it in a delta."""
    key = next((value for name, value in headers.items() if name.lower() in {"authorization", "x-api-key"}), "")
    key = key.removeprefix("Bearer ")
    encoded = base64.b64encode(key.encode()).decode()
    if b'"stream":true' in body.replace(b" ", b""):
        return 200, {"Content-Type": "text/event-stream", "X-Seen": key}, _stream_of(key, encoded)
    message = f"bad key {key}, that is {encoded}, or {quote('+' + key + '/', safe='')}"
    content = json.dumps({"error": {"message": message, "type": "x", "param": None, "code": None}}).encode()
    return 401, {"Content-Type": "application/json", "X-Seen": key}, content


def _stream_of(key: str, encoded: str) -> bytes:
    half = len(key) // 2
    texts = (f"your key is {key}", encoded, key[:half], key[half:])
    chunks = [
        {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": "m",
            "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}],
        }
        for text in texts
    ]
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"
