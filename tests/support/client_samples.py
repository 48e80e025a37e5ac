"""Recorded exchanges as clients are shown them, and drivers that stand for clients."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conformance.clients.catalogue import Client
from conformance.clients.scenarios import Scenario
from conformance.wire.exchange import Answer, Ending, EndKind, Exchange, Read, SentRequest

EVERY_KIND = (
    *("completion", "stream", "stream-usage", "choices", "stream-choices", "tools", "stream-tools", "second-turn"),
    *("structured", "stream-structured", "error", "stream-error"),
)
URL = "http://target/v1/chat/completions"
ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Say hello."}]}
CALL = {"id": "call_1", "type": "function", "function": {"name": "set_city", "arguments": '{"city":"Oslo"}'}}
TOOLS = [{"type": "function", "function": {"name": "set_city"}}]
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
DONE = "[DONE]"


def exchange(
    name: str,
    asked: dict[str, Any],
    parts: Sequence[bytes],
    *,
    status: int = 200,
    media_type: str = "application/json",
    ending: EndKind = EndKind.COMPLETE,
    url: str = URL,
    **more: Any,
) -> Exchange:
    """An exchange whose body came in these parts, in chunked coding."""
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {media_type}\r\nTransfer-Encoding: chunked\r\n\r\n"
    headers = (("Content-Type", media_type), ("Transfer-Encoding", "chunked"))
    reads = tuple(Read(0.1 * number, part) for number, part in enumerate(parts, start=1))
    return Exchange(
        id=f"{name}#1",
        probe=name,
        attempt=1,
        started="2026-01-01T00:00:00.000+00:00",
        request=SentRequest("POST", url, (), json.dumps(asked).encode()),
        answer=Answer(status, "X", "HTTP/1.1", headers, 0.05, reads),
        ending=Ending(ending, 0.1 * len(parts)),
        head=head.encode(),
        **more,
    )


def completion(name: str = "completion/plain", message: dict[str, Any] | None = None, **more: Any) -> Exchange:
    """A whole answer with one choice."""
    said = {"role": "assistant", "content": "Hello."} if message is None else message
    choice = {"index": 0, "message": said, "finish_reason": "stop"}
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": USAGE}
    return exchange(name, ASKED, [json.dumps(body | more).encode()])


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> str:
    """A chunk with one choice."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    shared = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return json.dumps(shared | {"choices": [choice]} | more)


CHUNKS = (chunk({"role": "assistant", "content": "Hel"}), chunk({"content": "lo."}), chunk({}, "stop"), DONE)


def stream(*chunks: str, name: str = "stream/plain", ending: EndKind = EndKind.COMPLETE, **asked: Any) -> Exchange:
    """A streamed answer with these chunks, each in a read of its own."""
    parts = [f"data: {one}\n\n".encode() for one in chunks or CHUNKS]
    return exchange(name, {**ASKED, "stream": True, **asked}, parts, media_type="text/event-stream", ending=ending)


def error(status: int, message: str, name: str = "error/x") -> Exchange:
    """A refusal in the usual envelope."""
    body = json.dumps({"error": {"message": message, "type": "x", "param": None, "code": None}})
    return exchange(name, ASKED, [body.encode()], status=status)


def scenario(kind: str, recorded: Exchange, *explains: str) -> Scenario:
    """A scenario of a kind."""
    return Scenario(kind, kind, recorded, tuple(explains))


def client(folder: Path, code: str, **more: Any) -> Client:
    """A client whose driver is this code; `SCENARIOS`, `BASE` and `say` are there for it."""
    driver = folder / "stub.py"
    if not more.pop("driver_is_gone", False):
        driver.write_text(_BEGINNING + code, encoding="utf-8")
    name = more.pop("name", "stub")
    return Client(name, name.capitalize(), "program", (), driver, EVERY_KIND, **more)


_BEGINNING = """
import json, os, socket, sys, threading, urllib.request
SETTINGS, SCENARIOS = json.loads(sys.argv[1]), sys.argv[2:]
BASE = os.environ["CLIENT_BASE_URL"]
def say(**line):
    print(json.dumps(line), flush=True)
def ask(scenario):
    request = urllib.request.Request(f"{BASE}/{scenario}/v1/chat/completions", b"{}", method="POST")
    return urllib.request.urlopen(request, timeout=20).read()
say(client="stub", version="1.2")
"""
