"""A stream that falls silent is the target's fault, unless its answers without streaming are too slow as well."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from command_line import judge

from conformance.targets import Limits

pytestmark = pytest.mark.network

IMPATIENT = Limits(first_byte_timeout=1.0, idle_timeout=0.5, deadline=2.0, retries=0)
ONLY = ("stream.ends", "stream.done-once", "stream.finish-once")
HEAD = {"id": "c", "created": int(time.time()), "model": "reference-echo"}
CHUNK = {**HEAD, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"role": "assistant"}}]}
WHOLE = {
    **HEAD,
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
}


@contextlib.contextmanager
def role_first(whole_answers: bool) -> Iterator[str]:
    """Begin each stream at once, and go on with none; give whole answers at once, or never."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            streamed = b'"stream":true' in asked
            if not streamed and not whole_answers:
                over.wait()
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream" if streamed else "application/json")
            self.end_headers()
            self.wfile.write(
                b"data: " + json.dumps(CHUNK).encode() + b"\n\n" if streamed else json.dumps(WHOLE).encode()
            )
            if streamed:
                over.wait()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        over.set()
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(("whole_answers", "outcome"), [(True, "failed"), (False, "inconclusive")])
def test_silence_after_the_first_chunk(whole_answers: bool, outcome: str, tmp_path: Path) -> None:
    with role_first(whole_answers) as url:
        only = (*ONLY, "completion.served")
        base_url = url.replace("/v1", "")
        judged = judge(tmp_path, "openai", base_url=base_url, only=only, limits=IMPATIENT, preflight=False)

    assert {judged.outcomes[name] for name in ONLY} == {outcome}
    if not whole_answers:
        assert "raise --timeout for a slow target" in judged.row("stream.ends")["messages"][0]
