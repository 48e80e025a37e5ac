"""Shows by a request or two, without the suite, that each fault and variation does what it says.

    python benchmarks/heldout/by_hand.py

What is looked for must be seen in the deployment, and must not be seen in the unharmed reference.
"""

from __future__ import annotations

import json
import socket
import sys
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path[:0] = [str(Path(__file__).parent)]

import httpx  # noqa: E402 - as below
from faults import FAULTS  # noqa: E402 - beside this file, not installed
from held_out import HeldOut, deployment  # noqa: E402
from variations import VARIATIONS  # noqa: E402

from conformance.reference import EmbeddedReference  # noqa: E402
from conformance.targets import demo  # noqa: E402

PATH = "/chat/completions"
KEY = f"Bearer {demo.API_KEY}"
LONG = " ".join(f"word{number}" for number in range(300))
SAID = {"role": "user", "content": "Say hello to all of them."}
TOOL = {"type": "function", "function": {"name": "first_tool", "parameters": {"type": "object"}}}
OTHER_TOOL = {"type": "function", "function": {"name": "other_tool", "parameters": {"type": "object"}}}


class Caller:
    """Asks one deployment."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.http = httpx.Client(base_url=base_url, trust_env=False, timeout=20, headers={"authorization": KEY})

    def ask(self, *messages: dict[str, Any], headers: dict[str, str] | None = None, **fields: Any) -> httpx.Response:
        return self.http.post(PATH, json=body_of(*messages, **fields), headers=headers)

    def status(self, *messages: dict[str, Any], headers: dict[str, str] | None = None, **fields: Any) -> int:
        return self.ask(*messages, headers=headers, **fields).status_code

    def whole(self, *messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.ask(*messages, **fields).json()
        return answer

    def text(self, *messages: dict[str, Any], choice: int = 0, **fields: Any) -> str:
        return str(self.whole(*messages, **fields)["choices"][choice]["message"]["content"])

    def chunks(self, *messages: dict[str, Any], **fields: Any) -> list[dict[str, Any]]:
        lines = self.ask(*messages, stream=True, **fields).text.split("\n\n")
        return [json.loads(line.removeprefix("data: ")) for line in lines if line and "[DONE]" not in line]

    def deltas(self, *messages: dict[str, Any], choice: int = 0, **fields: Any) -> list[str]:
        choices = [one for chunk in self.chunks(*messages, **fields) for one in chunk["choices"]]
        return [one["delta"].get("content") or "" for one in choices if one["index"] == choice]

    def prompt(self, *messages: dict[str, Any], **fields: Any) -> int:
        return int(self.whole(*messages, **fields)["usage"]["prompt_tokens"])

    def raw(self, *writes: bytes) -> bytes:
        """What comes back for these bytes until a second passes in silence."""
        where = urlsplit(self.base_url)
        with socket.create_connection((where.hostname or "", where.port or 0)) as connection:
            connection.settimeout(1)
            connection.sendall(b"".join(writes))
            got = b""
            while True:
                try:
                    piece = connection.recv(65536)
                except TimeoutError:
                    return got
                if not piece:
                    return got
                got += piece


def body_of(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"model": demo.MODEL, "messages": list(messages or (SAID,)), **fields}


def message(role: str, content: str) -> dict[str, Any]:
    return {"role": role, "content": content}


def post(key: str = KEY, *further: str, body: bytes | None = None, length: bool = True) -> bytes:
    """The bytes of a request."""
    content = json.dumps(body_of()).encode() if body is None else body
    lines = ["POST /v1/chat/completions HTTP/1.1", "host: here", f"authorization: {key}"]
    lines += ["content-type: application/json", *further]
    lines += [f"content-length: {len(content)}"] if length else []
    return "\r\n".join([*lines, "", ""]).encode() + content


def chunked_post() -> bytes:
    content = json.dumps(body_of()).encode()
    chunk = b"%x;a=b\r\n%b\r\n0\r\n\r\n" % (len(content), content)
    return post(KEY, "transfer-encoding: chunked", body=chunk, length=False)


def one_behind(caller: Caller) -> bool:
    choices = [chunk["choices"][0] for chunk in caller.chunks(logprobs=True) if chunk["choices"]]
    spoken = [one for one in choices if one["delta"].get("content")]
    return [[e["token"] for e in one["logprobs"]["content"]] for one in spoken] != [
        [one["delta"]["content"]] for one in spoken
    ]


def alternative_twice(caller: Caller) -> bool:
    scores = caller.whole(n=2, logprobs=True, top_logprobs=3)["choices"][1]["logprobs"]["content"]
    return bool(scores[0]["top_logprobs"][0] == scores[0]["top_logprobs"][1])


def two_temperatures(caller: Caller) -> bool:
    scores = caller.whole(logprobs=True, top_logprobs=2)["choices"][0]["logprobs"]["content"]
    assert scores[0]["logprob"] == scores[0]["top_logprobs"][0]["logprob"]
    return bool(scores[5]["logprob"] != scores[5]["top_logprobs"][0]["logprob"])


def stream_usage(caller: Caller) -> int:
    chunks = caller.chunks(max_tokens=8, stream_options={"include_usage": True})
    return int(chunks[-1]["usage"]["completion_tokens"])


def wrong_key_on_open_connection(caller: Caller) -> bool:
    assert b" 401 " in caller.raw(post("Bearer wrong"))
    with httpx.Client(base_url=caller.base_url, trust_env=False) as http:
        first = http.post(PATH, json=body_of(), headers={"authorization": KEY})
        second = http.post(PATH, json=body_of(), headers={"authorization": "Bearer wrong"})
    assert first.status_code == 200
    return second.status_code == 200


def raw_deflate(caller: Caller) -> bool:
    with caller.http.stream("POST", PATH, json=body_of(), headers={"accept-encoding": "deflate"}) as answer:
        packed = b"".join(answer.iter_raw())
    if answer.headers.get("content-encoding") != "deflate":
        return False
    assert b"You said" in zlib.decompress(packed, wbits=-15)
    return True


def gzip_unfinished(caller: Caller) -> bool:
    headers = {"accept-encoding": "gzip"}
    with caller.http.stream("POST", PATH, json=body_of(stream=True), headers=headers) as answer:
        packed = b"".join(answer.iter_raw())
    if answer.headers.get("content-encoding") != "gzip":
        return False
    unpacker = zlib.decompressobj(wbits=31)
    return b"[DONE]" in unpacker.decompress(packed) and not unpacker.eof


def earlier_role(caller: Caller) -> bool:
    assert caller.status(message("robot", "Hello")) == 400
    return caller.status(message("robot", "Hello"), SAID) == 200


def called(caller: Caller) -> str:
    choice = {"type": "function", "function": {"name": "other_tool"}}
    answer = caller.whole(tools=[TOOL, OTHER_TOOL], tool_choice=choice)
    return str(answer["choices"][0]["message"]["tool_calls"][0]["function"]["name"])


def lengths(caller: Caller) -> list[int]:
    choices = caller.whole(n=2, max_tokens=3)["choices"]
    return [len(choice["message"]["content"]) for choice in choices]


def history(count: int) -> list[dict[str, Any]]:
    return [message(("user", "assistant")[number % 2], f"turn {number}") for number in range(count)]


def malformed(caller: Caller) -> str:
    return caller.http.post(PATH, content=b'{"model":', headers={"content-type": "application/json"}).text


def wrong_type(caller: Caller) -> httpx.Response:
    return caller.http.post(PATH, content=b"{}", headers={"content-type": "text/plain"})


def alone(caller: Caller, *fields: dict[str, Any]) -> bool:
    """Whether each is served alone, and all together are not."""
    assert [caller.status(**one) for one in fields] == [200] * len(fields)
    return caller.status(**{name: value for one in fields for name, value in one.items()}) == 500


def instructions_apart(caller: Caller) -> bool:
    system, developer = message("system", "Be brief."), message("developer", "Be kind.")
    assert caller.status(system, SAID) == caller.status(developer, SAID) == 200
    return caller.status(system, developer, SAID) == 500


def costs_nothing(caller: Caller) -> bool:
    first, second = message("system", "Be brief."), message("system", "Be kind and friendly.")
    return caller.prompt(first, second, SAID) == caller.prompt(first, SAID)


def without_agent(caller: Caller) -> bool:
    return b" 403 " in caller.raw(post())


def dropped_events(caller: Caller) -> bool:
    text = "".join(caller.deltas(logprobs=True, top_logprobs=20))
    assert "".join(caller.deltas(logprobs=True, top_logprobs=2)).startswith("You said")
    return not text.startswith("You said")


def both_in_one(caller: Caller) -> bool:
    chunks = caller.chunks(n=2)
    return (
        any(len(chunk["choices"]) == 2 for chunk in chunks) and "".join(caller.deltas(n=2, choice=1)) == caller.text()
    )


SHOWS: dict[str, Callable[[Caller], bool]] = {
    "a.seed-with-n": lambda c: alone(c, {"seed": 7}, {"n": 2}),
    "a.system-and-developer": instructions_apart,
    "a.logprobs-with-stop": lambda c: alone(c, {"logprobs": True}, {"stop": ["zebra"]}),
    "b.first-instruction-only": costs_nothing,
    "b.newest-six-messages": lambda c: c.prompt(*history(21)) == c.prompt(*history(9)),
    "b.first-4096-characters": lambda c: c.prompt(message("user", "word " * 2000)) < 1100,
    "c.space-lost-at-flush": lambda c: (
        " word30" not in "".join(c.deltas(message("user", LONG))).split("word40")[0]
        or not c.deltas(message("user", LONG))[32].startswith(" ")
    ),
    "c.second-choice-cut": lambda c: "".join(c.deltas(n=2, choice=1)) != c.text(),
    "c.last-delta-again": lambda c: "".join(c.deltas()) != c.text(),
    "d.opening-counted": lambda c: stream_usage(c) == 9,
    "d.characters-by-four": lambda c: c.whole(max_tokens=8)["usage"]["completion_tokens"] != 8,
    "d.drafts-counted": lambda c: c.whole(max_tokens=8)["usage"]["completion_tokens"] == stream_usage(c) == 10,
    "e.accept-events-only": lambda c: c.status(stream=True, headers={"accept": "text/event-stream"}) == 406,
    "e.no-agent": without_agent,
    "e.raw-deflate": raw_deflate,
    "f.body-over-16-kib": lambda c: c.status(message("user", "word " * 4000)) == 500,
    "f.long-event-dropped": dropped_events,
    "f.many-messages-empty": lambda c: c.text(*history(17)) == "" and c.text(*history(15)) != "",
    "g.second-word": lambda c: c.status(headers={"authorization": f"{KEY} and more"}) == 200,
    "g.connection-remembered": wrong_key_on_open_connection,
    "h.null-is-nothing": lambda c: c.text(max_tokens=None) == "" and c.text(max_tokens=9) != "",
    "h.whole-capped-at-150": lambda c: (
        len(c.text(message("user", LONG))) < len("".join(c.deltas(message("user", LONG))))
    ),
    "i.two-temperatures": two_temperatures,
    "i.one-behind": one_behind,
    "i.alternative-twice": alternative_twice,
    "j.cache-key": lambda c: c.status(prompt_cache_key="a") == c.status(safety_identifier="b") == 500,
    "j.include-obfuscation": lambda c: c.status(stream=True, stream_options={"include_obfuscation": False}) == 500,
    "j.text-format": lambda c: c.status(response_format={"type": "text"}) == 500,
    "k.harmony-channels": lambda c: "<|channel|>" in c.text() and "<|channel|>" not in "".join(c.deltas()),
    "k.think-by-effort": lambda c: "[/THINK]" in c.text(reasoning_effort="low") and "THINK" not in c.text(),
    "k.second-choice-reasons": lambda c: "</reasoning>" in c.text(n=2, choice=1) and "<" not in c.text(n=2),
    "l.limit-of-first-choice": lambda c: lengths(c)[0] < lengths(c)[1],
    "l.last-message-checked": earlier_role,
    "l.first-tool-only": lambda c: called(c) == "first_tool",
    "m.pipelined-lost": lambda c: c.raw(post(), post()).count(b"HTTP/1.1 200") == 1,
    "m.chunk-extension-refused": lambda c: b" 400 " in c.raw(chunked_post()),
    "m.gzip-stream-unfinished": gzip_unfinished,
    "n.path-of-source": lambda c: "/opt/gateway" in malformed(c),
    "n.internal-host": lambda c: "cluster.local" in c.ask(model="nobody").text,
    "n.debug-field": lambda c: "x-debug-upstream" in wrong_type(c).headers and wrong_type(c).status_code == 415,
    "allowed.never-the-same-text": lambda c: len({c.text() for _ in range(4)}) > 1,
    "allowed.default-prompt": lambda c: c.prompt(message("system", "Be brief."), SAID) < c.prompt(SAID),
    "allowed.default-cap": lambda c: c.whole(message("user", LONG))["choices"][0]["finish_reason"] == "length",
    "allowed.merged-turns": lambda c: c.prompt(SAID, SAID) == c.prompt(SAID) * 2 - 7,
    "allowed.five-tokens-a-chunk": lambda c: len(c.deltas()) < 8 and "".join(c.deltas()) == c.text(),
    "allowed.choices-in-one-chunk": both_in_one,
    "allowed.errors-with-links": lambda c: "docs.example.com" in malformed(c),
    "allowed.closed-after-streams": lambda c: c.ask(stream=True).headers.get("connection") == "close",
    "allowed.logprobs-forbidden": lambda c: c.status(logprobs=True) == 403,
    "allowed.fixed-temperature": lambda c: c.status(temperature=0) == 400 and c.status(temperature=1) == 200,
}


def shown(reference: EmbeddedReference, look: Callable[[Caller], bool]) -> bool | str:
    """What was looked for, or the error that looking for it ended with."""
    with reference:
        caller = Caller(reference.base_url)
        try:
            return look(caller)
        except (AssertionError, LookupError, ValueError, TypeError, httpx.HTTPError) as error:
            return repr(error)
        finally:
            caller.http.close()


def main() -> int:
    """Look at the deployments of the set on plain text."""
    return look_at((*FAULTS, *VARIATIONS), SHOWS)


def look_at(entries: Iterable[HeldOut], shows: Mapping[str, Callable[[Caller], bool]]) -> int:
    """Look at every deployment; the result is 1 where one does not do what it says."""
    wrong = 0
    for entry in entries:
        here, there = shown(entry.reference(), shows[entry.id]), shown(deployment(), shows[entry.id])
        sound = here is True and there is False
        wrong += not sound
        print(f"{'shown' if sound else 'NOT SHOWN'}  {entry.id}" + ("" if sound else f"  {here} / {there}"), flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
