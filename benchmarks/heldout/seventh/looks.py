"""What is looked for, by a few requests, in the deployments of the seventh set."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from by_hand import LONG, OTHER_TOOL, PATH, SAID, TOOL, Caller, body_of, post
from fifth.looks import CALL, RESULT, form
from second.looks import LATER, user
from seventh.looks_of_profiles import SHOWS_OF_PROFILES
from third.looks import head_of, raw_body
from third.looks_of_calls import FILLED, first_call, streamed_calls

Look = Callable[[Caller], bool]
WRONG = {"authorization": "Bearer of-nobody"}
PACKED = {"accept-encoding": "gzip"}
PLAIN = {"accept-encoding": "identity"}
SOUND = {"type": "input_audio", "input_audio": {"data": base64.b64encode(bytes(64)).decode(), "format": "wav"}}
BOTH = user("Call first_tool and other_tool now.")
WINDOW = 131_072
"""Tokens that the reference has for a prompt and its answer."""


# --- requests ---


def no_properties(caller: Caller) -> bool:
    return [caller.status(tools=[tool]) for tool in (TOOL, FILLED)] == [400, 200]


def unchecked(caller: Caller) -> bool:
    def status(**fields: Any) -> list[int]:
        bare = httpx.post(caller.base_url + PATH, json=body_of(**fields), trust_env=False).status_code
        return [caller.status(headers=WRONG, **fields), bare, caller.status(**fields)]

    return status() == [401, 401, 200] and status(stream=True) == [200, 200, 200]


def in_succession(caller: Caller) -> bool:
    def turn(*names: str) -> int:
        calls = {"role": "assistant", "content": None, "tool_calls": [{**CALL, "id": name} for name in names]}
        results = [{**RESULT, "tool_call_id": name} for name in names]
        return caller.status(SAID, calls, *results, tools=[FILLED])

    return [turn("a"), turn("a", "b")] == [200, 400]


def sound(caller: Caller) -> bool:
    spoken = {"role": "user", "content": [{"type": "text", "text": "What is said here?"}, SOUND]}
    assert caller.status(SAID) == 200
    return caller.status(spoken) == 400 and caller.prompt(SAID, spoken) == caller.prompt(SAID)


def packed(caller: Caller) -> bool:
    plain, coded = (caller.ask(temperature=9, headers=one) for one in (PLAIN, PACKED))
    assert plain.json()["error"]["param"] == coded.json()["error"]["param"]
    told: str = coded.json()["error"]["message"]
    return told.startswith("\x1f\ufffd\b") and "temperature" in plain.json()["error"]["message"]


def as_param(caller: Caller) -> bool:
    answer = caller.ask(headers=WRONG)
    return bool(answer.status_code == 401 and answer.json()["error"]["param"] == "of-nobody")


def nothing(caller: Caller) -> bool:
    events = {"accept": "text/event-stream"}
    assert [caller.status(temperature=9), caller.status(headers=events)] == [400, 200]
    answer = caller.ask(temperature=9, headers=events)
    return answer.status_code == 200 and not answer.content


def coding(caller: Caller) -> bool:
    assert caller.status(model="no-such", headers=PLAIN) == 404
    with caller.http.stream("POST", PATH, json=body_of(model="no-such"), headers=PACKED) as answer:
        sent = b"".join(answer.iter_raw())
    return answer.headers.get("content-encoding") == "gzip" and sent.startswith(b'{"error"')


# --- answers ---


def tail(caller: Caller) -> bool:
    fields: dict[str, Any] = {"tools": [TOOL], "reasoning_effort": "low"}
    said = caller.text(**fields)
    assert "".join(caller.deltas(tools=[TOOL])) == "".join(caller.deltas(reasoning_effort="low")) == said
    return "".join(caller.deltas(**fields)) == said + said[-6:]


def no_usage(caller: Caller) -> bool:
    told = caller.chunks(stream_options=LATER)[-1]["usage"]
    assert caller.whole()["usage"]["total_tokens"] > 0
    return [told[name] for name in ("prompt_tokens", "completion_tokens", "total_tokens")] == [0, 0, 0]


def of_first(caller: Caller) -> bool:
    chunks = caller.chunks(logprobs=True, top_logprobs=2)
    listed = [one["logprobs"]["content"] for chunk in chunks for one in chunk["choices"] if one["logprobs"]]
    assert "".join(entry["token"] for entries in listed for entry in entries) == caller.text()
    first = listed[0]
    return len(first) == 3 and all(entry["top_logprobs"] == first[0]["top_logprobs"] for entry in first)


def of_thoughts(caller: Caller) -> bool:
    def tokens(**fields: Any) -> str:
        choice = caller.whole(logprobs=True, top_logprobs=2, **fields)["choices"][0]
        return "".join(entry["token"] for entry in choice["logprobs"]["content"])

    assert tokens() == caller.text()
    return tokens(reasoning_effort="low") == " hm hm" + caller.text()


def marker(caller: Caller) -> bool:
    said = user("The stream ends with data: [DONE] and nothing more comes.")
    cut = "You said: The stream ends with data: "
    if caller.text(said) != cut:
        return False
    assert caller.whole(said)["choices"][0]["finish_reason"] == "stop"
    return "".join(caller.deltas(said)) == cut


def beyond(caller: Caller) -> bool:
    answers = [caller.whole(max_completion_tokens=number) for number in (1_000, WINDOW)]
    ends = [one["choices"][0]["finish_reason"] for one in answers]
    counts = [one["usage"]["completion_tokens"] for one in answers]
    assert ends[0] == "stop"
    assert counts[0] > 0
    streamed = caller.deltas(max_completion_tokens=WINDOW)
    return ends[1] == "length" and counts[1] == 0 and "".join(streamed) == ""


# --- calls and forms ---


def quotes(caller: Caller) -> bool:
    def streamed(*tools: dict[str, Any]) -> str:
        return "".join(one["function"].get("arguments", "") for one in streamed_calls(caller, tools=list(tools)))

    assert first_call(caller, tools=[TOOL])["function"]["arguments"] == "{}"
    assert json.loads(streamed(FILLED))["city"]
    return streamed(TOOL) == '{}""'


def no_room(caller: Caller) -> bool:
    named = {"type": "function", "function": {"name": "first_tool"}}
    fields: dict[str, Any] = {"tools": [FILLED], "tool_choice": named, "reasoning_effort": "high"}
    assert caller.status(**fields) == 200
    assert caller.status(max_completion_tokens=3, tools=[FILLED], reasoning_effort="high") == 200
    assert caller.status(max_completion_tokens=3, stream=True, **fields) == 200
    return caller.status(max_completion_tokens=3, **fields) == 500


def numbers(caller: Caller) -> bool:
    asked = form(number={"enum": [1, 2, 3]}, word={"enum": ["one", "two"]})
    document = json.loads(caller.text(response_format=asked))
    return bool(document["number"] == "" and document["word"] in ("one", "two"))


# --- the way ---


def old_client(caller: Caller) -> bool:
    def answer(version: bytes) -> bytes:
        return caller.raw(post(body=raw_body(stream=True)).replace(b"HTTP/1.1", version))

    assert b"transfer-encoding: chunked" in head_of(answer(b"HTTP/1.1"))
    old = answer(b"HTTP/1.0")
    return b"transfer-encoding: chunked" in head_of(old) and old.endswith(b"\r\n0\r\n\r\n")


def left(caller: Caller) -> bool:
    asked = user(LONG)
    whole = caller.text(asked)
    assert caller.status(asked, temperature=9, max_completion_tokens=5, stop=["word3"]) == 400
    after = caller.whole(asked)
    assert caller.text(asked) == whole
    return bool(after["usage"]["completion_tokens"] == 5 and after["choices"][0]["finish_reason"] == "length")


def swapped(caller: Caller) -> bool:
    assert "apples" in caller.text(user("I like apples."))
    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(lambda word: caller.text(user(f"I like {word}.")), ("apples", "pears")))
    return "pears" in said[0] and "apples" in said[1]


# --- allowed variations ---


def empty_scores(caller: Caller) -> bool:
    opening, second = caller.chunks(logprobs=True)[:2]
    assert caller.chunks()[0]["choices"][0]["logprobs"] is None
    assert second["choices"][0]["logprobs"]["content"]
    return bool(opening["choices"][0]["logprobs"] == {"content": [], "refusal": None})


def empty_list(caller: Caller) -> bool:
    assert first_call(caller, tools=[TOOL])
    return bool(caller.whole()["choices"][0]["message"].get("tool_calls") == [])


def as_groq(caller: Caller) -> bool:
    asked: list[dict[str, Any]] = [{"logprobs": True}, {"logit_bias": {"50256": -100}}, {"n": 2}, {"n": 1}]
    return [caller.status(**one) for one in asked] == [400, 400, 400, 200]


def one_call(caller: Caller) -> bool:
    calls = caller.whole(BOTH, tools=[TOOL, OTHER_TOOL])["choices"][0]["message"]["tool_calls"]
    return [one["function"]["name"] for one in calls] == ["first_tool"]


def laconic(caller: Caller) -> bool:
    assert json.loads(caller.text(response_format={"type": "json_object"}))
    assert first_call(caller, tools=[TOOL])
    return caller.text(user(LONG)) == "".join(caller.deltas()) == "Yes."


def bare(caller: Caller) -> bool:
    answers = [caller.whole(), caller.chunks(stream_options=LATER)[-1]]
    three = {"prompt_tokens", "completion_tokens", "total_tokens"}
    return all(set(one["usage"]) == three and "system_fingerprint" not in one for one in answers)


def codes(caller: Caller) -> bool:
    answers = [caller.ask(headers=WRONG), caller.ask(temperature=9), caller.ask(model="no-such")]
    return all(one.json()["error"]["code"] == str(one.status_code) for one in answers)


def again_by_date(caller: Caller) -> bool:
    answers = [caller.ask() for _ in range(40)]
    if [one.status_code for one in answers] != [200] * 39 + [429]:
        return False
    return parsedate_to_datetime(answers[-1].headers["retry-after"]).year > 2020


def capital(caller: Caller) -> bool:
    answer = caller.raw(post(body=raw_body(stream=True)))
    assert "".join(caller.deltas()) == caller.text()
    return re.search(rb"\r\nTransfer-Encoding: Chunked\r\n", answer) is not None


def large(caller: Caller) -> bool:
    answer = caller.ask(user("a" * 2**20))
    assert caller.status(user(LONG)) == 200
    return answer.status_code == 413 and bool(answer.json()["error"]["message"])


SHOWS: dict[str, Look] = {
    "request.no-properties": no_properties,
    "access.streams-unchecked": unchecked,
    "turn.results-in-succession": in_succession,
    "part.audio-takes-the-message": sound,
    "error.packed-message": packed,
    "error.key-as-param": as_param,
    "error.nothing-for-events": nothing,
    "http.coding-of-errors": coding,
    "stream.tail-again": tail,
    "usage.nothing-in-streams": no_usage,
    "logprobs.alternatives-of-first": of_first,
    "logprobs.of-thoughts": of_thoughts,
    "finish.marker-in-text": marker,
    "finish.limit-beyond-window": beyond,
    "call.quotes-behind": quotes,
    "choice.thought-out": no_room,
    "form.numbers-as-nothing": numbers,
    "http.chunks-for-1-0": old_client,
    "state.left-by-the-refused": left,
    "state.answers-swapped": swapped,
    "allowed.empty-scores-at-first": empty_scores,
    "allowed.empty-list-of-calls": empty_list,
    "allowed.as-groq": as_groq,
    "allowed.one-call-at-a-time": one_call,
    "allowed.laconic": laconic,
    "allowed.no-details": bare,
    "allowed.codes-of-status": codes,
    "allowed.date-to-come-again": again_by_date,
    "allowed.capital-coding": capital,
    "allowed.one-mebibyte": large,
    **SHOWS_OF_PROFILES,
}
"""Whether a deployment does what its sentence says; the errors of `ERRORS` count as not."""
