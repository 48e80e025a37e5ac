"""A deployment on loopback that echoes the key of each request, each time in another form."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from echo_forms import FORMS, NOT_PROMISED

FORMS_OF_ANSWERS = [form for form in FORMS if form.fate != NOT_PROMISED and form.name != "its last four"]


@contextmanager
def echoing(key: str) -> Iterator[tuple[str, list[str]]]:
    """Serve until the end of the context; gives the base URL, and the names of the forms that were sent."""
    turns = itertools.count()
    sent: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            number = next(turns)
            if number == 0:  # the preflight wants to see something to judge
                self._answer(200, "OK", [("Content-Type", "application/json")], _completion())
                return
            form = FORMS_OF_ANSWERS[number % len(FORMS_OF_ANSWERS)]
            answer = form.make(key).answer
            assert answer is not None
            sent.append(form.label)
            self._answer(200 if number % 3 else 400, answer.reason, list(answer.headers), answer.body)

        def _answer(self, status: int, reason: str, headers: list[tuple[str, str]], body: bytes) -> None:
            self.send_response_only(status, reason)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_OPTIONS = do_PUT = do_DELETE = do_HEAD = do_POST  # noqa: N815 - the names of the base class

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", sent
    finally:
        server.shutdown()
        server.server_close()


def _completion() -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    value = {
        "id": "c-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "m",
        "choices": [choice],
        "usage": usage,
    }
    return json.dumps(value).encode()
