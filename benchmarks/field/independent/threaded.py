"""An independent deployment on `http.server` threads: strict with its input, streams that end with the connection.

Written from the two API documents and the OpenAI reference alone; it shares no code with this project. Its manners,
all allowed: the credential is judged before the route; unknown fields, duplicate names and more than one choice are
refused with 400; each word is a token, and the words are random; events have CRLF line ends and comments between
them, the body of a stream is delimited by the close of the connection.

    python benchmarks/field/independent/threaded.py openai|loop-health [--port N] [--manner NAME]

Further manners: `terse` speaks HTTP/1.0 and says no more than three words; `busy` serves two at once and turns
the others away with 429; `hidden` answers a wrong method with 404 and a wrong media type with 400.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import secrets
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from threaded_requests import LARGEST_PROMPT, MODELS, Json, RefusedError, judged, parsed, prompt_tokens

DEMO_KEY = "demo-key-of-the-chat-conformance-reference-deployment"
PATH = "/v1/chat/completions"
WORDS = ("river", "stone", "größe", "日本", "maple", "orbit", "quiet", "🇩🇪", "ember", "tidal", "willow", "naïve")
LARGEST_BODY = 1_000_000
MANNERS = ("plain", "terse", "busy", "hidden")


class Answer:
    """A text of random words, cut by the limit and the stop sequences."""

    def __init__(self, request: Json, lengths: range) -> None:
        words = [random.choice(WORDS) for _ in range(random.choice(lengths))]
        limits = [request.get(name) for name in ("max_tokens", "max_completion_tokens")]
        limit = min((int(one) for one in limits if one is not None), default=math.inf)
        self.tokens = [*words[:1], *(f" {word}" for word in words[1:])]
        self.tokens = self.tokens[: int(min(limit, len(words)))]
        self.finish = "stop" if len(words) < limit else "length"
        stop = request.get("stop") or []
        text = "".join(self.tokens)
        cuts = [text.find(one) for one in ([stop] if isinstance(stop, str) else stop) if one and one in text]
        if cuts:
            self.finish = "stop"
            text = text[: min(cuts)]
            self.tokens = re.findall(r"\s*\S+|\s+", text)
        self.text = "".join(self.tokens)
        self.usage = {"prompt_tokens": prompt_tokens(request), "completion_tokens": len(self.tokens)}
        self.usage["total_tokens"] = sum(self.usage.values())
        self.head = {"id": f"cmpl_{secrets.token_hex(10)}", "created": int(time.time())}
        self.head["model"] = request.get("model", "claude-sonnet-4-6")

    def logprobs(self, request: Json, tokens: list[str]) -> Json | None:
        if not request.get("logprobs"):
            return None
        few = list(WORDS)[: int(request.get("top_logprobs") or 0)]

        def entry(token: str, logprob: float) -> Json:
            return {"token": token, "logprob": logprob, "bytes": list(token.encode())}

        likeliest = [entry(one, -1 - place / 4) for place, one in enumerate(few)]
        figures = {one["token"]: one["logprob"] for one in likeliest}
        said = [entry(token, figures.get(token, -9 - random.random())) for token in tokens]
        return {"content": [{**one, "top_logprobs": likeliest} for one in said]}

    def whole(self, request: Json) -> Json:
        choice: Json = {
            "index": 0,
            "message": {"role": "assistant", "content": self.text},
            "finish_reason": self.finish,
        }
        if request.get("logprobs"):
            choice["logprobs"] = self.logprobs(request, self.tokens)
        return {
            **self.head,
            "object": "chat.completion",
            "choices": [choice],
            "usage": self.usage,
            "service_tier": None,
        }

    def chunks(self, request: Json) -> Iterator[Json]:
        counted = bool((request.get("stream_options") or {}).get("include_usage"))
        head = {**self.head, "object": "chat.completion.chunk"} | ({"usage": None} if counted else {})

        def chunk(delta: Json, finish: str | None = None, tokens: list[str] | None = None) -> Json:
            choice: Json = {"index": 0, "delta": delta, "finish_reason": finish}
            choice["logprobs"] = self.logprobs(request, tokens) if tokens else None
            return {**head, "choices": [choice]}

        yield chunk({"role": "assistant", "content": ""})
        for token in self.tokens:
            yield chunk({"content": token}, tokens=[token])
        yield chunk({}, self.finish)
        if counted:
            yield {**head, "choices": [], "usage": self.usage}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "threaded"
    sys_version = ""
    profile = "openai"
    manner = "plain"
    free = threading.Semaphore(2)

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def answer(self) -> None:
        try:
            request = self.admitted()
            self.take_turn()
        except RefusedError as refusal:
            self.refuse(refusal)
            return
        try:
            self.serve(request, Answer(request, range(1, 4) if self.manner == "terse" else range(8, 17)))
        finally:
            if self.manner == "busy":
                self.free.release()

    def take_turn(self) -> None:
        if self.manner == "busy" and not self.free.acquire(blocking=False):
            raise RefusedError(429, "There are too many requests at once.", code="rate_limit_exceeded")

    def serve(self, request: Json, answer: Answer) -> None:
        if request.get("stream"):
            self.stream(request, answer)
        else:
            self.send(200, answer.whole(request))

    def admitted(self) -> Json:
        body = self.body()
        scheme, _, key = self.headers.get("Authorization", "").partition(" ")
        if (
            len(self.headers.get_all("Authorization", [])) != 1
            or scheme.lower() != "bearer"
            or not secrets.compare_digest(key.strip().encode("utf-8", "replace"), DEMO_KEY.encode())
        ):
            raise RefusedError(401, "No key, or one that is not known.", code="invalid_api_key")
        if self.path.split("?", maxsplit=1)[0] != PATH:
            raise RefusedError(404, "There is no such route.", code="unknown_url")
        if self.command != "POST":
            status = 404 if self.manner == "hidden" else 405
            raise RefusedError(status, "Only POST is allowed here.", code="method_not_allowed")
        if body is None:
            raise RefusedError(413, f"The body has more than {LARGEST_BODY} bytes.", code="body_too_large")
        declared = self.headers.get_content_type() if "Content-Type" in self.headers else "application/json"
        if declared != "application/json":
            status = 400 if self.manner == "hidden" else 415
            raise RefusedError(status, "The body must be application/json.", code="unsupported_media_type")
        request = parsed(body)
        judged(self.profile, request)
        if prompt_tokens(request) > LARGEST_PROMPT:
            raise RefusedError(
                400, "The prompt is longer than the context of the model.", "messages", "context_length_exceeded"
            )
        return request

    def body(self) -> bytes | None:
        """The body, or nothing where it is too large; what follows on the connection is then not read."""
        lengths = self.headers.get_all("Content-Length", [])
        if len(set(lengths)) > 1 or (lengths and "Transfer-Encoding" in self.headers):
            self.close_connection = True
            raise RefusedError(400, "The length of the body is told in two ways.", code="bad_request")
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            read = bytearray()
            while size := int(self.rfile.readline(100).split(b";")[0], 16):
                if len(read) + size > LARGEST_BODY:
                    self.close_connection = True
                    return None
                read += self.rfile.read(size)
                self.rfile.readline(10)
            while self.rfile.readline(1000).strip():
                pass
            return bytes(read)
        length = int(self.headers.get("Content-Length", 0))
        if length > LARGEST_BODY:
            self.close_connection = True
            left = min(length, 64 * LARGEST_BODY)
            while left > 0 and (some := self.rfile.read(min(left, 65536))):
                left -= len(some)
            return None
        return self.rfile.read(length)

    def refuse(self, refusal: RefusedError) -> None:
        headers = {}
        if refusal.status == 401:
            headers["WWW-Authenticate"] = 'Bearer realm="threaded"'
        if refusal.status == 429:
            headers["Retry-After"] = "1"
        if refusal.status == 405:
            headers["Allow"] = "POST"
        if self.profile == "loop-health":
            self.send(refusal.status, {"error": refusal.code or "invalid_input", "message": refusal.message}, headers)
            return
        error = {
            "message": refusal.message,
            "type": "invalid_request_error",
            "param": refusal.param,
            "code": refusal.code,
        }
        self.send(refusal.status, {"error": error}, headers)

    def send(self, status: int, value: Json, headers: dict[str, str] | None = None) -> None:
        body = ("\n" + json.dumps(value, indent=1)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-request-id", secrets.token_hex(8))
        if self.close_connection:
            self.send_header("Connection", "close")
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def stream(self, request: Json, answer: Answer) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Connection", "close")
        self.send_header("x-request-id", secrets.token_hex(8))
        self.end_headers()
        self.close_connection = True
        for chunk in answer.chunks(request):
            self.wfile.write(b"data:" + json.dumps(chunk).encode() + b"\r\n\r\n")
            self.wfile.write(b": still there\r\n\r\n")
            time.sleep(0.002)
        self.wfile.write(b"data: [DONE]\r\n\r\n")

    def log_message(self, *_: Any) -> None:
        """Keeps nothing: a log would hold what callers send."""


class Server(ThreadingHTTPServer):
    request_queue_size = 64
    daemon_threads = True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("profile", choices=list(MODELS))
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--manner", choices=MANNERS, default="plain")
    options = parser.parse_args()
    version = "HTTP/1.0" if options.manner == "terse" else "HTTP/1.1"
    settings = {"profile": options.profile, "manner": options.manner, "protocol_version": version}
    server = Server(("127.0.0.1", options.port), type("Handler", (Handler,), settings))
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
