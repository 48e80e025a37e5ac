"""What is looked for, by a request or two, in each deployment of the second set."""

from __future__ import annotations

import itertools
import json
import socket
import time
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
from by_hand import KEY, LONG, PATH, SAID, Caller, alone, body_of, malformed, message, post

from conformance.targets import demo

NAMED = "Say hello to everybody."
LATER = {"include_usage": True}


def user(text: str) -> dict[str, Any]:
    return message("user", text)


def in_parts(role: str, *texts: str, **members: str) -> dict[str, Any]:
    return {"role": role, "content": [{"type": "text", "text": text} for text in texts], **members}


def name_with_parts(caller: Caller) -> bool:
    assert caller.status(in_parts("user", NAMED)) == caller.status({**SAID, "name": "ann"}) == 200
    return caller.status(in_parts("user", NAMED, name="ann")) == 500


def usage_of_choices(caller: Caller) -> bool:
    assert caller.status(n=2, stream=True) == caller.status(stream=True, stream_options=LATER) == caller.status(n=2)
    return caller.status(n=2, stream=True, stream_options=LATER) == 500


def assistant_parts_lost(caller: Caller) -> bool:
    told = caller.prompt(SAID, message("assistant", "Hello all of you."), SAID)
    return told != caller.prompt(SAID, in_parts("assistant", "Hello all ", "of you."), SAID)


def streamed_otherwise(text: str, **fields: Any) -> Callable[[Caller], bool]:
    def look(caller: Caller) -> bool:
        return "".join(caller.deltas(user(text), **fields)) != caller.text(user(text), **fields)

    return look


def again_is_cheaper(caller: Caller) -> bool:
    first, second = (caller.whole(SAID)["usage"] for _ in range(2))
    details: int = second["prompt_tokens_details"]["cached_tokens"]
    return bool(second["prompt_tokens"] == first["prompt_tokens"] - details and details)


def cached_is_told(caller: Caller) -> bool:
    first, second = (caller.whole(SAID)["usage"] for _ in range(2))
    assert first["prompt_tokens"] == second["prompt_tokens"]
    return bool(second["prompt_tokens_details"]["cached_tokens"] > first["prompt_tokens_details"]["cached_tokens"])


def used_connection_counts(caller: Caller) -> bool:
    counts = [caller.chunks(stream_options=LATER)[-1]["usage"]["completion_tokens"] for _ in range(3)]
    return counts == [counts[0], counts[0] + 1, counts[0] + 2]


def over_the_limit(caller: Caller) -> bool:
    small, large = (caller.whole(user(LONG), max_tokens=limit)["usage"]["completion_tokens"] for limit in (20, 30))
    assert small == 20
    return bool(large == 31)


def capped(tokens: int, **fields: Any) -> Callable[[Caller], bool]:
    def look(caller: Caller) -> bool:
        answer = caller.whole(user(LONG), **fields)
        counted = answer["usage"]["completion_tokens"] == tokens * len(answer["choices"])
        return counted and all(choice["finish_reason"] == "stop" for choice in answer["choices"])

    return look


def scores(caller: Caller, **fields: Any) -> list[dict[str, Any]]:
    whole = caller.whole(user("Grüße an alle, auch an Zoë."), logprobs=True, **fields)
    found: list[dict[str, Any]] = whole["choices"][0]["logprobs"]["content"]
    return found


def one_alternative_more(caller: Caller) -> bool:
    chunks = caller.chunks(logprobs=True, top_logprobs=3)
    listed = [choice["logprobs"] for chunk in chunks for choice in chunk["choices"] if choice["logprobs"]]
    return [len(one["content"][0]["top_logprobs"]) for one in listed[:4]] == [3, 3, 4, 4]


def thought_over(caller: Caller) -> bool:
    assert "<thought>" not in "".join(caller.deltas()) + caller.text(user(LONG))
    return "<thought>" in "".join(caller.deltas(user(LONG)))


def thinks_of_turns(caller: Caller) -> bool:
    assert "think" not in caller.text()
    return "\u25c1/think\u25b7" in caller.text(SAID, message("assistant", "Hello."), SAID)


def reasons(caller: Caller) -> list[str]:
    return [choice["finish_reason"] for choice in caller.whole(n=2, max_tokens=3)["choices"]]


def third_runs_on(caller: Caller) -> bool:
    texts = [choice["message"]["content"] for choice in caller.whole(n=3, stop=["hello"])["choices"]]
    return "hello" not in texts[0] + texts[1] and "hello" in texts[2]


def gzip_against_will(caller: Caller) -> bool:
    with caller.http.stream("POST", PATH, json=body_of(), headers={"accept-encoding": "gzip;q=0"}) as answer:
        packed = b"".join(answer.iter_raw())
    return answer.headers.get("content-encoding") == "gzip" and b"You said" in zlib.decompress(packed, wbits=31)


def with_key(caller: Caller, key: str) -> int:
    return caller.status(headers={"authorization": f"Bearer {key}"})


def cut_at_the_end(caller: Caller) -> bool:
    said = caller.ask(user("Grüße an alle, auch an Zoë."))
    assert json.loads(caller.ask().content)
    try:
        json.loads(said.content)
    except ValueError:
        return said.status_code == 200
    return False


def trailer_refused(caller: Caller) -> bool:
    content = json.dumps(body_of()).encode()
    chunk = b"%x\r\n%b\r\n0\r\n" % (len(content), content)
    ends = (b"\r\n", b"x-checksum: 7\r\n\r\n")
    plain, trailed = (post(KEY, "transfer-encoding: chunked", body=chunk + end, length=False) for end in ends)
    assert b" 200 " in caller.raw(plain)
    return b" 400 " in caller.raw(trailed)


def split_head_refused(caller: Caller) -> bool:
    assert b" 200 " in caller.raw(post())
    where = urlsplit(caller.base_url)
    with socket.create_connection((where.hostname or "", where.port or 0)) as connection:
        connection.sendall(post()[:40])
        time.sleep(0.2)
        connection.sendall(post()[40:])
        return b" 400 " in connection.recv(65536)


def arrivals(caller: Caller, **fields: Any) -> list[float]:
    """When the pieces of a stream came, in seconds since it was asked for."""
    asked = time.monotonic()
    with caller.http.stream("POST", PATH, json=body_of(user(LONG), stream=True, **fields)) as answer:
        return [time.monotonic() - asked for _ in answer.iter_raw()]


def held_for_usage(caller: Caller) -> bool:
    assert len(arrivals(caller)) > 10
    return len(arrivals(caller, stream_options=LATER)) < 4


def in_blocks(caller: Caller) -> bool:
    with caller.http.stream("POST", PATH, json=body_of(user(LONG), stream=True, max_tokens=25)) as answer:
        return all(len(piece) > 2_000 for piece in list(answer.iter_raw())[:2])


def begins_late(caller: Caller) -> bool:
    """Whether the first chunk comes when a whole answer has been there for long, or would have been."""
    asked = time.monotonic()
    caller.ask(user(LONG))
    whole = time.monotonic() - asked
    came = arrivals(caller)
    return came[0] > 0.7 * whole and came[-1] - came[0] > 0.15


def first_chunk(caller: Caller) -> dict[str, Any]:
    return caller.chunks()[0]


def reasons_first(caller: Caller) -> bool:
    whole = caller.whole(max_tokens=4)["choices"][0]
    shown = [chunk["choices"][0]["delta"].get("reasoning_content") for chunk in caller.chunks()]
    return whole["message"].get("reasoning_content") == " hm" * 4 and whole["message"]["content"] == "" and any(shown)


def no_empty_edges(caller: Caller) -> bool:
    choices = [chunk["choices"][0] for chunk in caller.chunks()]
    assert "".join(choice["delta"].get("content") or "" for choice in choices) == caller.text()
    return bool(choices[0]["delta"]["content"] and choices[-1]["delta"].get("content"))


def packed_streams(caller: Caller) -> bool:
    answer = caller.ask(stream=True, headers={"accept-encoding": "gzip"})
    plain = caller.ask(stream=True, headers={"accept-encoding": "gzip;q=0"})
    assert "[DONE]" in answer.text
    assert "content-encoding" not in plain.headers
    return answer.headers.get("content-encoding") == "gzip" and "cf-ray" in plain.headers


def closing(caller: Caller) -> bool:
    return [caller.ask().headers.get("connection") for _ in range(5)] == [None, None, None, "close", None]


def slow(caller: Caller) -> bool:
    asked = time.monotonic()
    caller.ask(user(LONG))
    return time.monotonic() - asked > 0.2


def in_bursts(caller: Caller) -> bool:
    came = arrivals(caller)
    pauses = sum(after - before > 0.03 for before, after in itertools.pairwise(came))
    return 3 <= pauses <= 7


SHOWS: dict[str, Callable[[Caller], bool]] = {
    "a2.name-with-parts": name_with_parts,
    "a2.greedy-choices": lambda c: alone(c, {"temperature": 0}, {"n": 2}),
    "a2.usage-of-choices": usage_of_choices,
    "b2.assistant-parts-lost": assistant_parts_lost,
    "b2.middle-out": lambda c: c.prompt(user("word " * 9_000)) < 8_300,
    "b2.ends-at-nul": lambda c: c.prompt(user("Say hello.\0 And more.")) == c.prompt(user("Say hello.")),
    "c2.resumed-with-overlap": streamed_otherwise(LONG),
    "c2.blank-lines-lost": streamed_otherwise("One line.\n\n\nAnother line."),
    "c2.held-text-lost": streamed_otherwise("Say alpha beta delta now.", stop=["alpha beta gamma"]),
    "c2.halves-of-characters": streamed_otherwise("A smile \U0001f600 for all."),
    "d2.cached-subtracted": again_is_cheaper,
    "d2.ends-of-earlier": used_connection_counts,
    "d2.one-over-the-limit": over_the_limit,
    "e2.accept-by-quality": lambda c: c.status(headers={"accept": "application/json, */*;q=0.5"}) == 406,
    "e2.bare-media-type": lambda c: c.status(headers={"content-type": "application/json; charset=utf-8"}) == 415,
    "e2.gzip-of-quality-0": gzip_against_will,
    "f2.long-stop-ignored": lambda c: "all of them" in c.text(stop=["hello to all of them"]),
    "f2.four-choices-at-most": lambda c: len(c.whole(n=6)["choices"]) == 4,
    "f2.long-word": lambda c: c.status(user("x" * 2_100)) == 500 and c.status(user("x" * 2_000)) == 200,
    "g2.beginning-of-key": lambda c: with_key(c, demo.API_KEY[:32]) == with_key(c, demo.API_KEY[:40] + "x") == 200,
    "g2.replica-without-keys": lambda c: [with_key(c, "wrong") for _ in range(6)] == [401, 401, 200] * 2,
    "h2.sixteen-by-default": capped(16),
    "h2.shared-among-choices": capped(48, n=2),
    "i2.code-points": lambda c: any(one["bytes"] != [*one["token"].encode()] for one in scores(c)),
    "i2.vocabulary-form": lambda c: scores(c)[1]["token"] == "\u2581said:",
    "i2.one-alternative-more": one_alternative_more,
    "j2.text-modality": lambda c: c.status(modalities=["text"]) == 500,
    "j2.logit-bias": lambda c: c.status(logit_bias={"50256": -100}) == 500 and c.status(logit_bias={}) == 200,
    "k2.thought-over": thought_over,
    "k2.thinks-of-turns": thinks_of_turns,
    "l2.length-of-first-choice": lambda c: reasons(c) == ["length", "stop"],
    "l2.stops-of-two-choices": third_runs_on,
    "m2.length-in-characters": cut_at_the_end,
    "m2.trailer-refused": trailer_refused,
    "m2.split-head-refused": split_head_refused,
    "n2.private-address": lambda c: "10.42.3.17" in c.http.post("/no-such-path", json={}).text,
    "n2.connection-string": lambda c: ["redis://" in malformed(c) for _ in range(3)] == [False, False, True],
    "o2.held-for-usage": held_for_usage,
    "o2.blocks-of-4-kib": in_blocks,
    "o2.replayed": begins_late,
    "allowed.azure-filters": lambda c: first_chunk(c)["id"] == "" and "prompt_filter_results" in first_chunk(c),
    "allowed.vendor-members": lambda c: "obfuscation" in first_chunk(c) and "queue_time" in c.whole()["usage"],
    "allowed.routed-model": lambda c: c.whole()["model"].endswith("20260801") and first_chunk(c)["id"][:4] == "gen-",
    "allowed.cached-tokens": cached_is_told,
    "allowed.always-reasons": reasons_first,
    "allowed.no-empty-edges": no_empty_edges,
    "allowed.crlf-and-comments": lambda c: all(
        part in c.ask(user(LONG), stream=True).text
        for part in ("\r\n\r\ndata:{", "data:[DONE]\r\n", "\r\n: PROCESSING")
    ),
    "allowed.escaped-json": lambda c: "\\u00fc" in c.ask(user("Grüße")).text and c.whole()["choices"] is not None,
    "allowed.behind-cloudflare": packed_streams,
    "allowed.closed-after-four": closing,
    "allowed.busy-at-times": lambda c: [c.status() for _ in range(40)] == [200] * 39 + [429],
    "allowed.eight-choices-at-most": lambda c: c.status(n=9) == 400 and c.status(n=8) == 200,
    "allowed.unknown-field-refused": lambda c: c.status(top_k=5) == 400 and c.status(seed=5) == 200,
    "allowed.slow-model": slow,
    "allowed.bursts-of-six": in_bursts,
}
"""Whether a deployment does what its sentence says; the errors of `ERRORS` count as not."""

ERRORS = (AssertionError, LookupError, ValueError, TypeError, httpx.HTTPError, OSError)
