"""What is looked for, by a few requests, in the deployments of the fifth set."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from by_hand import KEY, OTHER_TOOL, PATH, SAID, TOOL, Caller, body_of, post
from fourth.looks_of_calls import NOWHERE, chunks_of
from fourth.on_profiles import ORGANIZATIONS
from second.looks import LATER, user
from third.looks import exchanged, head_of, raw_body
from third.looks_of_calls import PIXEL, first_call, kodexa, loop_health, streamed_calls

from conformance.targets import demo

Look = Callable[[Caller], bool]
LARGE = 2**53 + 1
CALL = {"id": "a", "type": "function", "function": {"name": "first_tool", "arguments": "{}"}}
RESULT = {"role": "tool", "tool_call_id": "a", "content": "done"}
HEAD = b"HEAD /v1/chat/completions HTTP/1.1\r\nhost: here\r\nauthorization: " + KEY.encode() + b"\r\n\r\n"


def with_turn(caller: Caller, turn: dict[str, Any]) -> int:
    """The status of a conversation in which the assistant called with this message."""
    return caller.status(SAID, turn, RESULT, tools=[TOOL])


def order(caller: Caller) -> bool:
    first = {"role": "assistant", "tool_calls": [CALL], "content": None}
    second = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    assert first == second
    return [with_turn(caller, first), with_turn(caller, second)] == [400, 200]


def empty_content(caller: Caller) -> bool:
    turns: list[dict[str, Any]] = [{"role": "assistant", "content": said, "tool_calls": [CALL]} for said in ("", None)]
    return [with_turn(caller, turn) for turn in turns] == [400, 200]


def other_key(caller: Caller) -> bool:
    return caller.status(headers={"x-api-key": "another"}) == 401 and caller.status() == 200


def five(caller: Caller) -> bool:
    return [caller.status(logprobs=True, top_logprobs=number) for number in (5, 6)] == [200, 400]


def picture(caller: Caller, url: str) -> int:
    parts = [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": url}}]
    return caller.status({"role": "user", "content": parts})


def parameter(caller: Caller) -> bool:
    urls = [f"data:image/png;{further}base64,{PIXEL}" for further in ("charset=utf-8;", "")]
    return [picture(caller, url) for url in urls] == [501, 200]


def long_uri(caller: Caller) -> bool:
    return [picture(caller, "data:image/png;base64," + "AAAA" * number) for number in (16_380, 16_000)] == [400, 200]


def no_schema(caller: Caller) -> bool:
    assert caller.status(response_format={"type": "unheard"}) == 400
    return caller.status(response_format={"type": "json_schema", "schema": {"type": "object"}}) == 500


def no_finish(caller: Caller) -> bool:
    def reasons(**fields: Any) -> set[Any]:
        return {choice["finish_reason"] for one in caller.chunks(**fields) for choice in one["choices"]}

    return reasons(logprobs=True) == {None} and reasons() == {None, "stop"}


def path(caller: Caller) -> bool:
    assert caller.whole()["model"] == demo.MODEL
    return str(caller.chunks()[0]["model"]).endswith(".gguf")


def uncounted(caller: Caller) -> bool:
    return caller.prompt(SAID, tools=[TOOL, OTHER_TOOL]) == caller.prompt(SAID)


def called_with(caller: Caller, schema: Any, *, streamed: bool) -> Any:
    parameters = {"type": "object", "properties": {"given": schema}, "required": ["given"]}
    tools = [{"type": "function", "function": {"name": "first_tool", "parameters": parameters}}]
    if streamed:
        calls = streamed_calls(caller, tools=tools)
        return json.loads("".join(call["function"].get("arguments", "") for call in calls))["given"]
    return json.loads(first_call(caller, tools=tools)["function"]["arguments"])["given"]


def rounded(caller: Caller) -> bool:
    assert called_with(caller, {"const": 7}, streamed=False) == 7
    return [called_with(caller, {"const": LARGE}, streamed=one) for one in (False, True)] == [LARGE - 1] * 2


def emptied(caller: Caller) -> bool:
    held = {"properties": {"city": {"const": "Oslo"}}, "required": ["city"]}
    assert called_with(caller, {**held, "type": "object"}, streamed=False) == {"city": "Oslo"}
    return bool(called_with(caller, {**held, "type": ["object", "null"]}, streamed=False) == {})


def form(**properties: Any) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return {"type": "json_schema", "json_schema": {"name": "a_form", "schema": schema}}


def too_long(caller: Caller) -> bool:
    def word(schema: dict[str, Any]) -> str:
        return str(json.loads(caller.text(response_format=form(word=schema)))["word"])

    assert len(word({"type": "string", "maxLength": 5})) <= 5
    found = word({"type": "string", "pattern": "^[a-z]+$", "maxLength": 5})
    return len(found) > 5 and re.search("^[a-z]+$", found) is not None


def head_hangs(caller: Caller) -> bool:
    where = urlsplit(caller.base_url)
    with socket.create_connection((where.hostname or "", where.port or 0)) as connection:
        assert b" 405 " in exchanged(connection, HEAD)
        connection.settimeout(1)
        connection.sendall(post())
        try:
            return b" 200 " not in connection.recv(65536)
        except TimeoutError:
            return True


def refusal_again(caller: Caller) -> bool:
    answers = [caller.ask(temperature=9) for _ in range(2)]
    assert caller.status() == 200
    return [one.status_code for one in answers] == [400, 200] and "error" in answers[1].json()


def leave(caller: Caller) -> None:
    where = urlsplit(caller.base_url)
    with socket.create_connection((where.hostname or "", where.port or 0)) as connection:
        connection.sendall(post())
        time.sleep(0.08)


def slots(caller: Caller) -> bool:
    assert caller.status() == 200
    for _ in range(2):
        leave(caller)
    time.sleep(0.5)
    return caller.status() == 503


# --- other profiles ---


def part_of_stop(caller: Caller) -> bool:
    assert "Say hello" not in kodexa(caller, stop=["Say"]).json()["choices"][0]["message"]["content"]
    return str(kodexa(caller, stop=["hello\nto all"]).json()["choices"][0]["message"]["content"]).endswith("hello\nto")


def capitals(caller: Caller) -> bool:
    return [kodexa(caller, one).status_code for one in (ORGANIZATIONS[0], ORGANIZATIONS[0].upper())] == [200, 403]


def no_prompt(caller: Caller) -> bool:
    assert kodexa(caller).json()["usage"]["prompt_tokens"] > 0
    used = chunks_of(kodexa(caller, stream=True, stream_options=LATER))[-1]["usage"]
    return bool(used["prompt_tokens"] == 0 and used["total_tokens"] == used["completion_tokens"] > 0)


def assistant_first(caller: Caller) -> bool:
    turns = [{"role": "assistant", "content": "Hello."}, user("Hello.")]
    return [kodexa(caller, messages=one).status_code for one in (turns, turns[::-1])] == [400, 200]


def empty_turn(caller: Caller) -> bool:
    turns = [[user("One."), {"role": "assistant", "content": said}, user("Two.")] for said in ("", "Yes.")]
    return [loop_health(caller, messages=one).status_code for one in turns] == [400, 200]


def marks(caller: Caller) -> bool:
    text = loop_health(caller, "One<|im_end|> and another.").json()["choices"][0]["message"]["content"]
    return "One" in text and "another" not in text


def instructions(caller: Caller) -> bool:
    alone = [{"role": "system", "content": "Be brief."}]
    return [loop_health(caller, messages=one).status_code for one in (alone, [*alone, user("Hello.")])] == [500, 200]


def small_limit(caller: Caller) -> bool:
    return [loop_health(caller, max_tokens=one).status_code for one in (1_024, 1_025)] == [500, 200]


# --- allowed variations ---


def sorted_members(caller: Caller) -> bool:
    asked = form(zebra={"type": "string"}, apple={"type": "integer"})
    said = caller.text(response_format=asked)
    assert "".join(caller.deltas(response_format=asked)) == said
    return list(json.loads(said)) == ["apple", "zebra"]


def short_ids(caller: Caller) -> bool:
    ids = [first_call(caller, tools=[TOOL])["id"] for _ in range(2)]
    ids += [call["id"] for call in streamed_calls(caller, tools=[TOOL]) if "id" in call]
    return len(set(ids)) == 3 and all(len(one) == 9 and one.isalnum() for one in ids)


def certain(caller: Caller) -> bool:
    answer = caller.ask(logprobs=True, top_logprobs=2)
    entry = answer.json()["choices"][0]["logprobs"]["content"][0]
    return '"logprob":-0.0' in answer.text and entry["top_logprobs"][1]["logprob"] == -9999.0


def empties(caller: Caller) -> bool:
    deltas = caller.deltas()
    assert "".join(deltas) == caller.text()
    return deltas[2:5:2] == ["", ""] and deltas[1] != ""


def within(caller: Caller) -> bool:
    said = user("Grüße an Zoë.")
    whole = caller.whole(said, logprobs=True, top_logprobs=2)
    entries, text = whole["choices"][0]["logprobs"]["content"], whole["choices"][0]["message"]["content"]
    assert bytes(one for entry in entries for one in entry["bytes"]).decode() == text
    assert whole["usage"]["completion_tokens"] == len(entries)
    chunks = caller.chunks(said, logprobs=True, stream_options=LATER)
    listed = [choice["logprobs"]["content"] for one in chunks for choice in one["choices"] if choice["logprobs"]]
    assert sum(map(len, listed)) == chunks[-1]["usage"]["completion_tokens"] == len(entries)
    return any("\ufffd" in entry["token"] for entry in entries)


def floats(caller: Caller) -> bool:
    text = loop_health(caller).text
    return '"index":0.0' in text and re.search(r'"total_tokens":\d+\.0', text) is not None


def kindless(caller: Caller) -> bool:
    return not {"object", "created"} & set(loop_health(caller).json())


def unprocessable(caller: Caller) -> bool:
    answer = caller.ask(temperature=9)
    malformed = caller.http.post(PATH, content=b"{", headers={"content-type": "application/json"})
    assert malformed.status_code == 400
    return answer.status_code == 422 and answer.json()["error"]["param"] == "temperature"


def extensions(caller: Caller) -> bool:
    answer = caller.raw(post(body=raw_body(stream=True)))
    assert "".join(caller.deltas()) == caller.text()
    return b";part=0\r\ndata: " in answer and b";part=1\r\ndata: " in answer


def until_close(caller: Caller) -> bool:
    answer = caller.raw(post(body=raw_body(stream=True)))
    head = head_of(answer)
    assert "".join(caller.deltas()) == caller.text()
    return b"transfer-encoding" not in head and b"connection: close" in head and answer.endswith(b"[DONE]\n\n")


def hidden(caller: Caller) -> bool:
    return [kodexa(caller, one).status_code for one in (*ORGANIZATIONS, NOWHERE)] == [200, 404, 404]


def bearer(caller: Caller) -> bool:
    place = f"/api/organizations/{ORGANIZATIONS[0]}/ai/chat/completions"
    statuses = [caller.http.post(place, json=body_of(), headers={"authorization": key}) for key in (KEY, f"{KEY}x")]
    return [one.status_code for one in statuses] == [200, 401]


SHOWS: dict[str, Look] = {
    "request.calls-before-content": order,
    "request.empty-beside-calls": empty_content,
    "access.other-key-first": other_key,
    "logprobs.five-at-most": five,
    "part.parameter-in-data-url": parameter,
    "part.long-data-url": long_uri,
    "error.schema-missing": no_schema,
    "stream.no-finish-with-logprobs": no_finish,
    "stream.path-as-model": path,
    "usage.tools-uncounted": uncounted,
    "call.integers-as-doubles": rounded,
    "call.nullable-object-emptied": emptied,
    "form.pattern-without-length": too_long,
    "http.head-never-ends": head_hangs,
    "state.refusal-again-with-200": refusal_again,
    "state.slots-lost": slots,
    "kodexa.part-of-the-stop": part_of_stop,
    "kodexa.capital-letters": capitals,
    "kodexa.no-prompt-in-streams": no_prompt,
    "kodexa.begins-with-assistant": assistant_first,
    "loop-health.empty-turn": empty_turn,
    "loop-health.marks-in-text": marks,
    "loop-health.instructions-only": instructions,
    "loop-health.less-than-thinking": small_limit,
    "allowed.sorted-members": sorted_members,
    "allowed.short-call-ids": short_ids,
    "allowed.certain-tokens": certain,
    "allowed.empty-deltas": empties,
    "allowed.tokens-within-characters": within,
    "allowed.counts-as-floats": floats,
    "allowed.no-object": kindless,
    "allowed.unprocessable": unprocessable,
    "allowed.chunk-extensions": extensions,
    "allowed.until-close": until_close,
    "allowed.forbidden-as-404": hidden,
    "allowed.bearer-as-well": bearer,
}
"""Whether a deployment does what its sentence says; the errors of `ERRORS` count as not."""
