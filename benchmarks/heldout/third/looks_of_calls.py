"""What is looked for, by a few requests, in the deployments of the third set that call, and in other profiles."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import httpx
from by_hand import LONG, TOOL, Caller
from second.looks import LATER, user

from conformance.targets import demo

ORGANIZATION = "6f1e3c52-9f0a-4c07-8a55-0d5b8f6a2b11"
SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "suggest_commands",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"answer": {"type": "string"}},
            "required": ["answer"],
            "additionalProperties": False,
        },
    },
}
FILLED = {
    "type": "function",
    "function": {
        "name": "first_tool",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "minLength": 40}},
            "required": ["city"],
        },
    },
}
ASKED = user("Call first_tool now.")
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(32)).decode()
PICTURE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}


def with_pictures(count: int) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "text", "text": "What is this?"}, *[PICTURE] * count]}


def first_call(caller: Caller, **fields: Any) -> dict[str, Any]:
    call: dict[str, Any] = caller.whole(ASKED, **fields)["choices"][0]["message"]["tool_calls"][0]
    return call


def streamed_calls(caller: Caller, **fields: Any) -> list[dict[str, Any]]:
    chunks = caller.chunks(ASKED, **fields)
    return [call for one in chunks for choice in one["choices"] for call in choice["delta"].get("tool_calls") or ()]


def cut_and_called(caller: Caller) -> bool:
    whole = caller.whole(ASKED, tools=[FILLED], max_tokens=1)["choices"][0]["finish_reason"]
    streamed = caller.chunks(ASKED, tools=[FILLED], max_tokens=1)[-1]["choices"][0]["finish_reason"]
    return bool(whole == "length" and streamed == "tool_calls")


def no_arguments(caller: Caller) -> bool:
    streamed = "".join(call["function"].get("arguments", "") for call in streamed_calls(caller, tools=[TOOL]))
    assert json.loads(first_call(caller, tools=[FILLED])["function"]["arguments"])["city"]
    return bool(first_call(caller, tools=[TOOL])["function"]["arguments"] == streamed == "")


def prefixed(caller: Caller) -> bool:
    names = [first_call(caller, tools=[TOOL])["function"]["name"]]
    names.append(streamed_calls(caller, tools=[TOOL])[0]["function"]["name"])
    return names == ["proxy_first_tool"] * 2


def ids_again(caller: Caller) -> bool:
    ids = [first_call(caller, tools=[TOOL])["id"] for _ in range(2)]
    ids += [call["id"] for call in streamed_calls(caller, tools=[TOOL]) if "id" in call]
    return ids == ["first_tool:0"] * 3


def swallowed(caller: Caller) -> bool:
    fields: dict[str, Any] = {"tools": [TOOL], "response_format": SCHEMA}
    whole = caller.text(**fields)
    assert json.loads(whole)
    assert "".join(caller.deltas(response_format=SCHEMA)) == whole
    return (
        "".join(caller.deltas(**fields)) == "" and caller.chunks(**fields)[-1]["choices"][0]["finish_reason"] == "stop"
    )


def never_called(caller: Caller) -> bool:
    demanded: dict[str, Any] = {"tools": [TOOL], "tool_choice": "required"}
    assert first_call(caller, **demanded)
    return "tool_calls" not in caller.whole(ASKED, **demanded, response_format=SCHEMA)["choices"][0]["message"]


def name_first(caller: Caller) -> bool:
    whole = caller.text(response_format=SCHEMA)
    chunks = caller.chunks(response_format=SCHEMA, stream_options=LATER)
    said = "".join(choice["delta"].get("content") or "" for one in chunks for choice in one["choices"])
    return said == f"suggest{whole}" and bool(chunks[-1]["usage"])


def array_on_demand(caller: Caller) -> bool:
    form: dict[str, Any] = {"response_format": {"type": "json_object"}}
    wanted = user("Give me a JSON array of one.")
    assert isinstance(json.loads(caller.text(wanted, **form)), dict)
    assert isinstance(json.loads("".join(caller.deltas(user("Give me JSON."), **form))), dict)
    return isinstance(json.loads("".join(caller.deltas(wanted, **form))), list)


def empty_text(caller: Caller) -> bool:
    parts = [{"type": "text", "text": ""}, {"type": "text", "text": "Hello."}]
    assert caller.status({"role": "user", "content": parts[1:]}) == 200
    return caller.status({"role": "user", "content": parts}) == 400


def last_picture(caller: Caller) -> bool:
    none, one, three = (caller.prompt(with_pictures(count)) for count in (0, 1, 3))
    return none < one == three


def unlimited(caller: Caller) -> bool:
    choice = caller.whole(user(LONG), max_completion_tokens=10, reasoning_effort="low")
    assert caller.whole(user(LONG), max_completion_tokens=10)["usage"]["completion_tokens"] == 10
    return bool(choice["usage"]["completion_tokens"] > 300 and choice["choices"][0]["finish_reason"] == "stop")


# --- other profiles ---


def kodexa(caller: Caller, organization: str = ORGANIZATION, **fields: Any) -> httpx.Response:
    body = {"model": demo.MODEL, "messages": [user("Say hello\nto all of them.")], **fields}
    path = f"/api/organizations/{organization}/ai/chat/completions"
    return caller.http.post(path, json=body, headers={"x-api-key": demo.API_KEY})


def loop_health(caller: Caller, said: str = "Say hello.", **fields: Any) -> httpx.Response:
    body = {"messages": [user(said)], "brand_id": "a-brand", "requested_by": "somebody", **fields}
    return caller.http.post("/v1/chat/completions", json=body)


def white_stop(caller: Caller) -> bool:
    assert kodexa(caller, stop=["them"]).status_code == 200
    return kodexa(caller, stop=["\n"]).status_code == 400


def one_choice(caller: Caller) -> bool:
    streamed = kodexa(caller, n=2, stream=True).text
    return len(kodexa(caller, n=2).json()["choices"]) == 1 and '"index":1' not in streamed and "[DONE]" in streamed


def validator_error(caller: Caller) -> bool:
    answer = loop_health(caller, temperature=9)
    wrong_key = caller.http.post("/v1/chat/completions", headers={"authorization": "Bearer wrong"}, json={})
    assert isinstance(wrong_key.json()["message"], str)
    return answer.status_code == 400 and '"ZodError"' in answer.text


def another_default(caller: Caller) -> bool:
    assert loop_health(caller, model="gpt-4o").json()["model"] == "gpt-4o"
    return bool(loop_health(caller).json()["model"] == "gpt-4o-mini")


SHOWS_OF_CALLS: dict[str, Callable[[Caller], bool]] = {
    "call.cut-and-called": cut_and_called,
    "call.no-arguments": no_arguments,
    "call.prefixed-names": prefixed,
    "call.ids-of-the-turn": ids_again,
    "call.braces-swallowed": swallowed,
    "call.never-beside-a-schema": never_called,
    "form.only-schemas": lambda c: (
        [c.status(response_format=form) for form in ({"type": "text"}, {"type": "json_object"}, SCHEMA)]
        == [400, 400, 200]
    ),
    "form.name-first": name_first,
    "form.array-on-demand": array_on_demand,
    "part.empty-text": empty_text,
    "part.last-picture": last_picture,
    "thought.limit-ignored": unlimited,
    "profile.uuid-in-the-database": lambda c: (
        kodexa(c, "not-a-uuid").status_code == 500 and kodexa(c).status_code == 200
    ),
    "profile.stop-at-white-space": white_stop,
    "profile.one-choice": one_choice,
    "profile.error-of-the-validator": validator_error,
    "profile.nul-in-the-database": lambda c: (
        loop_health(c, "Say\0hello.").status_code == 500 and loop_health(c).status_code == 200
    ),
    "profile.another-default": another_default,
}
"""As of the plain text, for tools, forms, parts, reasoning, and the profiles `kodexa` and `loop-health`."""
