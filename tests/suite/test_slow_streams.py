"""A stream that falls silent is the target's fault, unless its answers without streaming are too slow as well."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from command_line import judge
from exchange_samples import exchange

from conformance.suite.patience import outlasting
from conformance.targets import Limits
from conformance.wire.exchange import Ending, EndKind, Exchange

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


FINISH = {**CHUNK, "choices": [{"index": 0, "delta": {"content": "Hello."}, "finish_reason": "stop"}]}


class Handler(BaseHTTPRequestHandler):
    """Begins each stream at once."""

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(streamed=b'"stream":true' in asked)

    def answer(self, *, streamed: bool) -> None:
        raise NotImplementedError

    def begin(self, *, streamed: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream" if streamed else "application/json")
        self.end_headers()

    def send(self, *chunks: object) -> None:
        self.wfile.write(b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in chunks))

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def serving(handler: type[Handler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def role_first(whole_answers: bool) -> Iterator[str]:
    """Go on with no stream after its first chunk; give whole answers at once, or never."""
    over = threading.Event()

    class RoleFirst(Handler):
        def answer(self, *, streamed: bool) -> None:
            if not streamed and not whole_answers:
                over.wait()
                return
            self.begin(streamed=streamed)
            if not streamed:
                self.wfile.write(json.dumps(WHOLE).encode())
                return
            self.send(CHUNK)
            over.wait()

    with serving(RoleFirst) as url:
        try:
            yield url
        finally:
            over.set()


@contextlib.contextmanager
def held_up(seconds: float, *, whole_answers: bool) -> Iterator[str]:
    """From the first stream on, hold up every stream for so many seconds, and whole answers or not; then give all."""
    begun = threading.Event()
    free_at = [0.0]

    class HeldUp(Handler):
        def answer(self, *, streamed: bool) -> None:
            if streamed:
                self.begin(streamed=True)
                if not begun.is_set():
                    free_at[0] = time.monotonic() + seconds
                    begun.set()
            if streamed or (whole_answers and begun.wait(0.2)):
                time.sleep(max(0.0, free_at[0] - time.monotonic()))
            if not streamed:
                self.begin(streamed=False)
                self.wfile.write(json.dumps(WHOLE).encode())
                return
            self.send(CHUNK, FINISH)
            self.wfile.write(b"data: [DONE]\n\n")

    with serving(HeldUp) as url:
        yield url


@pytest.mark.parametrize(("whole_answers", "outcome"), [(True, "failed"), (False, "inconclusive")])
def test_silence_after_the_first_chunk(whole_answers: bool, outcome: str, tmp_path: Path) -> None:
    with role_first(whole_answers) as url:
        only = (*ONLY, "completion.served")
        judged = judge(tmp_path, "openai", base_url=url, only=only, limits=IMPATIENT, preflight=False)

    assert {judged.outcomes[name] for name in ONLY} == {outcome}
    if not whole_answers:
        assert "raise --timeout for a slow target" in judged.row("stream.ends")["messages"][0]


@pytest.mark.parametrize(("whole_answers", "accused"), [(True, set()), (False, {"stream.ends", "stream.done-once"})])
def test_an_engine_that_holds_everybody_up_is_slow_and_one_that_holds_up_streams_is_not(
    whole_answers: bool, accused: set[str], tmp_path: Path
) -> None:
    with held_up(0.9, whole_answers=whole_answers) as url:
        only = (*ONLY, "completion.served")
        judged = judge(tmp_path, "openai", base_url=url, only=only, limits=IMPATIENT, preflight=False)

    assert judged.outcomes["completion.served"] == "passed"
    assert {name for name, outcome in judged.outcomes.items() if outcome == "failed"} >= accused
    if whole_answers:
        assert "failed" not in judged.outcomes.values()


def answered(second: int, headers_at: float, ended_at: float, name: str = "whole") -> Exchange:
    sent = exchange(name=name)
    assert sent.answer is not None
    return replace(
        sent,
        id=f"{name}#1",
        started=f"2026-12-01T10:00:{second:02}+00:00",
        answer=replace(sent.answer, headers_at=headers_at, reads=()),
        ending=Ending(EndKind.IDLE_TIMEOUT, at=ended_at),
    )


SILENT = answered(0, 0.1, 30.1, "stream")


def test_a_whole_answer_that_took_longer_at_the_same_time_shows_a_slow_target() -> None:
    told = outlasting(SILENT, [None, answered(1, 42.0, 42.1)])
    assert told == "an answer without streaming took 42 s at the same time (whole#1)"


@pytest.mark.parametrize("other", [answered(1, 29.0, 42.0), answered(31, 42.0, 42.0)])
def test_one_that_was_quicker_or_came_later_shows_nothing(other: Exchange) -> None:
    assert outlasting(SILENT, [other]) is None
