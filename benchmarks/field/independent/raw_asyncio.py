"""An independent deployment on bare asyncio sockets: lenient with its input, streams in odd pieces.

Written from the two API documents and the OpenAI reference alone; it shares no code with this project. Its manners,
all allowed: the route is judged before the credential; unknown fields are ignored, null stands for a field that is
left out; each character is a token, the first of them reasoning that is not shown, so that a short limit leaves no
content; log probabilities, tools, formats and whatever is not text are declined with 400; the model is answered as a
dated snapshot; streams begin with a byte order mark, come in bursts and in chunks of the transfer coding that cut lines
and code points, interleave their choices, and carry the usage on the last chunk that finishes one.
JSON is compressed for who accepts it.

    python benchmarks/field/independent/raw_asyncio.py openai|kodexa [--port N] [--manner NAME]

A further manner: `problem` tells errors as application/problem+json (RFC 9457) and a wrong key with 403. Nothing in the
document of `kodexa` forbids it, so that it earns warnings there and no failure.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gzip
import hmac
import json
import random
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from raw_asyncio_requests import Json, RefusedError, checked, prompt_tokens, refuse_what_is_not_had, understood

DEMO_KEY = "demo-key-of-the-chat-conformance-reference-deployment"
OTHER_KEY = "demo-key-of-the-second-tenant-of-the-reference-deployment"
ORGANIZATIONS = {"6f1e3c52-9f0a-4c07-8a55-0d5b8f6a2b11": DEMO_KEY, "b3a9d9c4-52a1-4f0e-9b5d-7c1f0f6e4d22": OTHER_KEY}
ALPHABET = "aabcdeefghiijklmnooprstuuvwy      .,é日語🎈ß"
LARGEST_HEAD = 32_768
LARGEST_BODY = 2_000_000
THOUGHT = 2
"""Tokens of reasoning before the first character that is shown."""


@dataclass
class Request:
    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes | None = b""
    close: bool = False
    extra: dict[str, str] = field(default_factory=dict)

    def header(self, name: str) -> str:
        return ", ".join(value for key, value in self.headers if key == name)


# HTTP, RFC 9112


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError:
        raise RefusedError(431, "The header section is too large.", "headers_too_large") from None
    lines = head[:-4].decode("latin-1").split("\r\n")
    while lines and not lines[0]:
        lines.pop(0)
    words = lines[0].split(" ") if lines else []
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise RefusedError(400, "This is no HTTP/1.1 request.", "bad_request")
    headers = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise RefusedError(400, "A header field cannot be read.", "bad_request")
        headers.append((name.lower(), value.strip()))
    request = Request(words[0], words[1].partition("?")[0], headers)
    options = request.header("connection").lower()
    request.close = "close" in options or (words[2] == "HTTP/1.0" and "keep-alive" not in options)
    if request.header("expect").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.body = await read_body(reader, request)
    return request


async def read_body(reader: asyncio.StreamReader, request: Request) -> bytes | None:
    if coding := request.header("transfer-encoding").lower():
        if coding != "chunked":
            raise RefusedError(501, "Only the chunked transfer coding is known.", "bad_request")
        parts: list[bytes] = []
        while size := int((await reader.readline()).split(b";")[0], 16):
            parts.append(await reader.readexactly(size))
            await reader.readline()
            if sum(map(len, parts)) > LARGEST_BODY:
                request.close = True
                return None
        while (await reader.readline()).strip():
            pass
        return b"".join(parts)
    length = request.header("content-length") or "0"
    if not length.isdecimal():
        raise RefusedError(400, "The content length is no number.", "bad_request")
    if int(length) > LARGEST_BODY:
        request.close = True
        left = int(length)
        while left > 0 and (some := await reader.read(65536)):
            left -= len(some)
        return None
    return await reader.readexactly(int(length))


REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
}


def head_of(status: int, headers: Json) -> bytes:
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, '')}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


# The answer


@dataclass
class Choice:
    index: int
    thought: int
    text: str
    finish: str

    @property
    def tokens(self) -> int:
        return self.thought + len(self.text)


def choices_for(asked: Json) -> list[Choice]:
    limits = [int(asked[name]) for name in ("max_tokens", "max_completion_tokens") if asked.get(name) is not None]
    stop = asked.get("stop") or []
    return [
        made(index, min(limits, default=10_000), [stop] if isinstance(stop, str) else stop)
        for index in range(int(asked.get("n") or 1))
    ]


def made(index: int, limit: int, stop: list[str]) -> Choice:
    text = "".join(random.choice(ALPHABET) for _ in range(random.randint(40, 90))).strip()
    thought = min(THOUGHT, limit)
    found = [text.find(one) for one in stop if one and one in text]
    if found and min(found) <= limit - thought:
        return Choice(index, thought, text[: min(found)], "stop")
    finish = "stop" if len(text) <= limit - thought else "length"
    return Choice(index, thought, text[: limit - thought], finish)


class Completion:
    def __init__(self, asked: Json) -> None:
        self.choices = choices_for(asked)
        spent = sum(choice.tokens for choice in self.choices)
        self.usage = {"completion_tokens": spent, "prompt_tokens": prompt_tokens(asked)}
        self.usage["total_tokens"] = self.usage["prompt_tokens"] + spent
        self.head = {
            "id": f"chatcmpl-{uuid.uuid4()}",
            "created": int(time.time()),
            "model": "reference-echo-2026-01-31",
        }
        self.counted = bool((asked.get("stream_options") or {}).get("include_usage"))

    def whole(self) -> Json:
        listed = [
            {
                "finish_reason": one.finish,
                "index": one.index,
                "message": {"role": "assistant", "content": one.text or None, "reasoning_content": "h"},
            }
            for one in self.choices
        ]
        return {**self.head, "object": "chat.completion", "choices": listed, "usage": self.usage}

    def chunks(self) -> Iterator[Json]:
        """All choices side by side, a character of each in turn; each ends when its text does."""
        for step in range(-THOUGHT, max(len(one.text) for one in self.choices) + 1):
            for one in self.choices:
                if step < 0 and one.thought >= -step:
                    yield self.chunk(one, {"role": "assistant", "reasoning_content": "h"})
                elif 0 <= step < len(one.text):
                    yield self.chunk(one, {"role": "assistant", "content": one.text[step]})
                elif step == len(one.text):
                    yield self.chunk(one, {}, one.finish)

    def chunk(self, choice: Choice, delta: Json, finish: str | None = None) -> Json:
        return {
            **self.head,
            "object": "chat.completion.chunk",
            "choices": [{"index": choice.index, "delta": delta, "finish_reason": finish}],
        }

    def events(self) -> Iterator[bytes]:
        chunks = list(self.chunks())
        if self.counted:
            chunks[-1]["usage"] = self.usage
        yield b"\xef\xbb\xbf:hello\nretry: 3000\n\n"
        for number, chunk in enumerate(chunks):
            yield f"id: {number}\ndata: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode()
        yield b"data:[DONE]\n\n"


# The deployment


class Deployment:
    def __init__(self, profile: str, manner: str) -> None:
        self.profile, self.manner = profile, manner

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ValueError):
            while await self.one(reader, writer):
                pass
        writer.close()

    async def one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        request = Request("POST", "", [], close=True)
        try:
            read = await read_request(reader, writer)
            if read is None:
                return False
            request = read
            asked = self.admitted(request)
        except RefusedError as refused:
            await self.refuse(writer, request, refused)
        else:
            completion = Completion(asked)
            if asked.get("stream"):
                await self.stream(writer, request, completion)
            else:
                await self.send(writer, request, 200, completion.whole())
        return not request.close

    async def refuse(self, writer: asyncio.StreamWriter, request: Request, refused: RefusedError) -> None:
        if self.manner != "problem":
            await self.send(writer, request, refused.status, {"error": refused.error})
            return
        status = 403 if refused.status == 401 and request.header("x-api-key") else refused.status
        told = {
            "type": "about:blank",
            "status": status,
            "title": refused.error["code"],
            "detail": refused.error["message"],
        }
        await self.send(writer, request, status, told, "application/problem+json")

    def admitted(self, request: Request) -> Json:
        organization = self.organization(request.path)
        if request.method != "POST":
            request.extra["Allow"] = "POST, OPTIONS"
            raise RefusedError(405, "Only POST is served here.", "method_not_allowed")
        self.let_in(request, organization)
        if request.body is None:
            raise RefusedError(413, "The body is too large.", "body_too_large")
        if request.header("content-type").partition(";")[0].strip().lower() != "application/json":
            raise RefusedError(400, "The Content-Type must be application/json.", "invalid_content_type")
        asked = understood(request.body)
        if self.profile == "openai":
            refuse_what_is_not_had(asked)
        checked(asked)
        return asked

    def organization(self, path: str) -> str | None:
        parts = path.removesuffix("/").split("/")
        if self.profile == "openai" and parts == ["", "v1", "chat", "completions"]:
            return None
        if (
            self.profile == "kodexa"
            and len(parts) == 7
            and [*parts[:3], *parts[4:]] == ["", "api", "organizations", "ai", "chat", "completions"]
        ):
            return parts[3]
        raise RefusedError(404, "Nothing is served here.", "not_found")

    def let_in(self, request: Request, organization: str | None) -> None:
        if organization is None:
            scheme, _, key = request.header("authorization").partition(" ")
            key = key.strip() if scheme.lower() == "bearer" else ""
        else:
            key = request.header("x-api-key")
        if not any(hmac.compare_digest(key.encode(), known.encode()) for known in (DEMO_KEY, OTHER_KEY)):
            request.extra["WWW-Authenticate"] = "Bearer" if organization is None else 'ApiKey realm="gateway"'
            raise RefusedError(401, "The key is missing or not known.", "invalid_api_key")
        if organization is None:
            return
        try:
            name = str(uuid.UUID(organization))
        except ValueError:
            raise RefusedError(400, "The organization is no UUID.", "invalid_organization", "orgId") from None
        if name not in ORGANIZATIONS:
            raise RefusedError(404, "There is no such organization.", "organization_not_found", "orgId")
        if ORGANIZATIONS[name] != key:
            raise RefusedError(403, "You are no member of this organization.", "organization_forbidden", "orgId")

    async def send(
        self,
        writer: asyncio.StreamWriter,
        request: Request,
        status: int,
        value: Json,
        media_type: str = "Application/JSON",
    ) -> None:
        body = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
        headers = {"content-type": media_type, **self.common(request)}
        if "gzip" in request.header("accept-encoding"):
            body = gzip.compress(body)
            headers |= {"content-encoding": "gzip", "vary": "accept-encoding"}
        headers["content-length"] = str(len(body))
        writer.write(head_of(status, headers) + (b"" if request.method == "HEAD" else body))
        await writer.drain()

    def common(self, request: Request) -> Json:
        always = {"date": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime()), "x-request-id": uuid.uuid4().hex}
        return {**always, **request.extra} | ({"connection": "close"} if request.close else {})

    async def stream(self, writer: asyncio.StreamWriter, request: Request, completion: Completion) -> None:
        headers = {
            "content-type": "Text/Event-Stream; Charset=UTF-8",
            "transfer-encoding": "chunked",
            "cache-control": "no-store",
        }
        writer.write(head_of(200, {**headers, **self.common(request)}))
        events = list(completion.events())
        while events:
            size = random.randint(5, 12)
            burst, events = b"".join(events[:size]), events[size:]
            while burst:
                cut = random.randint(1, 700)
                piece, burst = burst[:cut], burst[cut:]
                writer.write(b"%X;note=1\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
            await asyncio.sleep(0.004)
        writer.write(b"0\r\nx-done: yes\r\n\r\n")
        await writer.drain()


async def run(profile: str, port: int, manner: str) -> None:
    server = await asyncio.start_server(
        Deployment(profile, manner).serve, "127.0.0.1", port, limit=LARGEST_HEAD, backlog=64
    )
    print(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("profile", choices=["openai", "kodexa"])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--manner", choices=["plain", "problem"], default="plain")
    options = parser.parse_args()
    asyncio.run(run(options.profile, options.port, options.manner))


if __name__ == "__main__":
    main()
