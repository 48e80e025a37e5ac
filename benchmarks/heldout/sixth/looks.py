"""What is looked for, by a few requests, in the deployments of the sixth set."""

from __future__ import annotations

import itertools
import json
import re
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import httpx
from by_hand import OTHER_TOOL, PATH, TOOL, Caller, body_of, post
from fifth.looks import CALL, RESULT, form
from second.looks import LATER, in_parts, user
from sixth.looks_of_profiles import SHOWS_OF_PROFILES
from third.looks import head_of, raw_body
from third.looks_of_calls import ASKED, PICTURE

from conformance.targets import demo

Look = Callable[[Caller], bool]
BOTH = user("Call first_tool and other_tool now.")
ALONE = {"role": "user", "content": [{"type": "text", "text": "What is this? "}, PICTURE]}


# --- requests ---


def ends_of_top_p(caller: Caller) -> bool:
    return [caller.status(top_p=one) for one in (0, 0.0, 0.5, 1, 1.0)] == [422, 422, 200, 422, 422]


def scheme(caller: Caller) -> bool:
    written = [caller.status(headers={"authorization": f"{one} {demo.API_KEY}"}) for one in ("Bearer", "bearer")]
    return written == [200, 401]


def probabilities_of_calls(caller: Caller) -> bool:
    fields: dict[str, Any] = {"stream": True, "tools": [TOOL], "logprobs": True}
    two = [{name: fields[name] for name in pair} for pair in itertools.combinations(fields, 2)]
    assert [caller.status(**one) for one in two] == [200] * 3
    return caller.status(**fields) == 400


def last_text(caller: Caller) -> bool:
    parts = in_parts("user", "The first of them. ", "The second of them.")
    assert caller.prompt(in_parts("user", "The second of them.")) == caller.prompt(user("The second of them."))
    said = caller.text(parts)
    assert "".join(caller.deltas(parts)) == said
    return "second" in said and "first" not in said


def omitted(caller: Caller) -> bool:
    return "What is this? [image omitted]" in caller.text(ALONE)


def half_a_pair(caller: Caller) -> bool:
    def ask(text: str, *, stream: bool) -> httpx.Response:
        body = json.dumps(body_of(user("@"), stream=stream)).replace("@", text).encode()
        return caller.http.post(PATH, content=body, headers={"content-type": "application/json"})

    assert [ask("\\ud83d\\ude00", stream=one).status_code for one in (False, True)] == [200, 200]
    whole, streamed = (ask("\\ud83d", stream=one) for one in (False, True))
    return whole.status_code == 500 and streamed.status_code == 200 and "TypeError" in streamed.text


def messages_missing(caller: Caller) -> bool:
    def status(**fields: Any) -> int:
        return caller.http.post(PATH, json={"model": demo.MODEL, **fields}).status_code

    statuses = [status(), status(messages=None), status(messages=7), status(messages=[])]
    return statuses == [404, 404, 404, 400]


# --- answers ---


def last_event_open(caller: Caller) -> bool:
    answer = caller.ask(stream=True).text
    assert caller.status() == 200
    return answer.endswith("}\n\ndata: [DONE]\n") and not answer.endswith("\n\n")


def in_every_chunk(caller: Caller) -> bool:
    assert all("usage" not in one for one in caller.chunks())
    *chunks, last = caller.chunks(stream_options=LATER)
    if any(one["usage"] is None for one in chunks):
        return False
    counts = [one["usage"]["completion_tokens"] for one in chunks]
    return counts == sorted(counts) and counts[-1] == last["usage"]["completion_tokens"] and not last["choices"]


def one_less(caller: Caller) -> bool:
    def counts(**fields: Any) -> list[int]:
        streamed = caller.chunks(stream_options=LATER, **fields)[-1]["usage"]
        return [one["completion_tokens"] for one in (caller.whole(**fields)["usage"], streamed)]

    assert len(set(counts())) == 1
    return [counts(max_tokens=one) for one in (1, 5)] == [[0, 0], [4, 4]]


def thought_out(caller: Caller) -> bool:
    fields: dict[str, Any] = {"reasoning_effort": "high", "max_completion_tokens": 3}
    choice = caller.whole(**fields)["choices"][0]
    reasons = [one["finish_reason"] for chunk in caller.chunks(**fields) for one in chunk["choices"]]
    assert caller.whole(max_completion_tokens=3)["choices"][0]["finish_reason"] == "length"
    return choice["finish_reason"] == reasons[-1] == "stop" and choice["message"]["content"] is None


# --- calls and forms ---


def given(schema: dict[str, Any], name: str = "first_tool") -> dict[str, Any]:
    held = {"type": "object", "properties": {"given": schema}, "required": ["given"]}
    return {"type": "function", "function": {"name": name, "parameters": held}}


def behind_empty(caller: Caller) -> bool:
    def arguments(*tools: dict[str, Any]) -> list[str]:
        written: dict[int, str] = {}
        for chunk in caller.chunks(BOTH, tools=list(tools)):
            for choice in chunk["choices"]:
                for call in choice["delta"].get("tool_calls") or ():
                    written[call["index"]] = written.get(call["index"], "") + call["function"]["arguments"]
        return [written[index] for index in sorted(written)]

    full = given({"const": 7}, "other_tool")
    calls = caller.whole(BOTH, tools=[TOOL, full])["choices"][0]["message"]["tool_calls"]
    assert [json.loads(call["function"]["arguments"]) for call in calls] == [{}, {"given": 7}]
    assert arguments(full, TOOL) == ['{"given": 7}', "{}"]
    return arguments(TOOL, full) == ["{}", "{}"]


def dashes(caller: Caller) -> bool:
    tools = [{"type": "function", "function": {"name": "get-time", "parameters": {"type": "object"}}}]
    said = user("Call get-time now.")
    called = caller.whole(said, tools=tools)["choices"][0]["message"]["tool_calls"][0]["function"]["name"]
    streamed = [one["delta"] for chunk in caller.chunks(said, tools=tools) for one in chunk["choices"]]
    names = [call["function"].get("name") for one in streamed for call in one.get("tool_calls") or ()]
    return bool(called == "get_time" and names[0] == "get_time")


def in_parallel(caller: Caller) -> bool:
    fields: dict[str, Any] = {"tools": [TOOL, OTHER_TOOL], "parallel_tool_calls": False}
    calls = caller.whole(BOTH, **fields)["choices"][0]["message"]["tool_calls"]
    streamed = [one["delta"] for chunk in caller.chunks(BOTH, **fields) for one in chunk["choices"]]
    return len(calls) == 2 and {call["index"] for one in streamed for call in one.get("tool_calls") or ()} == {0, 1}


def unbounded(caller: Caller) -> bool:
    def length(**bounds: int) -> int:
        asked = form(listed={"type": "array", "items": {"type": "string"}, **bounds})
        said = caller.text(response_format=asked)
        assert "".join(caller.deltas(response_format=asked)) == said
        return len(json.loads(said)["listed"])

    return length(minItems=2, maxItems=2) == length(minItems=6, maxItems=9) == 4


def open_at_a_pattern(caller: Caller) -> bool:
    def text(pattern: str) -> str:
        return caller.text(response_format=form(word={"type": "string", "pattern": pattern}))

    assert json.loads(text("^hello there!$"))["word"] == "hello there!"
    return text(r"^hello there\!$").startswith("You said:")


# --- the way ---


def no_last_chunk(caller: Caller) -> bool:
    answer = caller.raw(post(body=raw_body(stream=True)))
    assert b"transfer-encoding: chunked" in head_of(answer)
    return answer.endswith(b"data: [DONE]\n\n\r\n")


def few_ids(caller: Caller) -> bool:
    ids = [caller.whole()["id"] for _ in range(150)]
    chunks = {one["id"] for one in caller.chunks()}
    return len(chunks) == 1 and all(re.fullmatch("chatcmpl-[0-9]{1,3}", one) for one in ids) and len(set(ids)) < 150


def breaker(caller: Caller) -> bool:
    assert [caller.status(temperature=9) for _ in range(4)] == [400] * 4
    assert caller.status() == 200
    assert [caller.status(temperature=9) for _ in range(5)] == [400] * 5
    opened = [caller.status(), caller.status(temperature=9)]
    time.sleep(5.2)
    return opened == [503, 503] and caller.status() == 200


def tokens_of_another(caller: Caller) -> bool:
    texts = [" ".join([word] * 30) for word in ("apples", "pears")]
    assert "".join(caller.deltas(user(texts[0]))) == f"You said: {texts[0]}"
    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(lambda text: "".join(caller.deltas(user(text))), texts))
    return all("apples" in one and "pears" in one for one in said)


# --- allowed variations ---


def every_role(caller: Caller) -> bool:
    roles = [choice["delta"].get("role") for one in caller.chunks() for choice in one["choices"]]
    return set(roles) == {"assistant"} and len(roles) > 3


def interleaved(caller: Caller) -> bool:
    tools = [given({"const": "one"}), given({"const": "two"}, "other_tool")]
    indexes, written = [], {0: "", 1: ""}
    for chunk in caller.chunks(BOTH, tools=tools):
        for choice in chunk["choices"]:
            for call in choice["delta"].get("tool_calls") or ():
                indexes.append(call["index"])
                written[call["index"]] += call["function"]["arguments"]
    assert [json.loads(written[index])["given"] for index in (0, 1)] == ["one", "two"]
    return indexes[:4] == [0, 1, 0, 1]


def text_alone(caller: Caller) -> bool:
    return [caller.status(one) for one in (ALONE, in_parts("user", "One.", "Two."))] == [400, 200]


def no_max_tokens(caller: Caller) -> bool:
    statuses = [caller.status(max_tokens=9), caller.status(max_completion_tokens=9)]
    return statuses == [400, 200] and caller.status(max_tokens=None) == 200


def empty_beside_calls(caller: Caller) -> bool:
    turn = {"role": "assistant", "content": "", "tool_calls": [CALL]}
    assert caller.status(ASKED, turn, RESULT, tools=[TOOL]) == 200
    message = caller.whole(ASKED, tools=[TOOL])["choices"][0]["message"]
    return bool(message["content"] == "" and message["tool_calls"])


def byte_order_mark(caller: Caller) -> bool:
    assert not caller.ask().content.startswith(b"\xef\xbb\xbf")
    return caller.ask(stream=True).content.startswith(b"\xef\xbb\xbfdata: {")


def padded(caller: Caller) -> bool:
    answer = caller.raw(post(body=raw_body(stream=True)))
    assert "".join(caller.deltas()) == caller.text()
    return re.search(rb"\r\n000000[0-9A-F]{2}\r\ndata: ", answer) is not None and answer.endswith(
        b"\r\n00000000\r\n\r\n"
    )


def unspaced(caller: Caller) -> bool:
    head = head_of(caller.raw(post()))
    assert caller.status() == 200
    return b"\r\ncontent-type:application/json\r\n" in head + b"\r\n" and b": " not in head


def closed_after_errors(caller: Caller) -> bool:
    two = caller.raw(post("Bearer wrong"), post())
    assert caller.status() == 200
    return two.count(b"HTTP/1.1 ") == 1 and b"connection: close" in head_of(two)


def soon_closed(caller: Caller) -> bool:
    where = urlsplit(caller.base_url)
    with socket.create_connection((where.hostname or "", where.port or 0)) as connection:
        connection.settimeout(1.5)
        connection.sendall(post())
        got = connection.recv(65536)
        while b"}" not in got[-2:]:
            got += connection.recv(65536)
        assert b" 200 " in got
        assert b"connection: close" not in got
        try:
            return connection.recv(1) == b""
        except TimeoutError:
            return False


SHOWS: dict[str, Look] = {
    "request.ends-of-top-p": ends_of_top_p,
    "access.scheme-as-written": scheme,
    "logprobs.not-of-streamed-calls": probabilities_of_calls,
    "part.last-text": last_text,
    "part.image-omitted": omitted,
    "error.half-a-pair": half_a_pair,
    "error.messages-missing-as-404": messages_missing,
    "stream.last-event-open": last_event_open,
    "usage.in-every-chunk": in_every_chunk,
    "usage.one-less-at-the-limit": one_less,
    "finish.thought-out-says-stop": thought_out,
    "call.lost-behind-empty": behind_empty,
    "call.dashes-as-underscores": dashes,
    "call.parallel-nevertheless": in_parallel,
    "form.items-unbounded": unbounded,
    "form.open-at-a-pattern": open_at_a_pattern,
    "http.no-last-chunk": no_last_chunk,
    "state.three-digit-ids": few_ids,
    "state.breaker-of-refusals": breaker,
    "state.tokens-of-another": tokens_of_another,
    "allowed.role-in-every-delta": every_role,
    "allowed.interleaved-calls": interleaved,
    "allowed.text-alone": text_alone,
    "allowed.no-max-tokens": no_max_tokens,
    "allowed.empty-beside-calls": empty_beside_calls,
    "allowed.byte-order-mark": byte_order_mark,
    "allowed.padded-sizes": padded,
    "allowed.no-space-behind-colons": unspaced,
    "allowed.closed-after-errors": closed_after_errors,
    "allowed.idle-for-half-a-second": soon_closed,
    **SHOWS_OF_PROFILES,
}
"""Whether a deployment does what its sentence says; the errors of `ERRORS` count as not."""
