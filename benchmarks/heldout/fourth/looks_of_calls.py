"""What is looked for, by a few requests, in the deployments of the fourth set that call, and in other profiles."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
from by_hand import SAID, TOOL, Caller
from fourth.on_profiles import ORGANIZATIONS
from second.looks import user
from third.looks_of_calls import first_call, kodexa, loop_health, streamed_calls

from conformance.targets import demo

NOWHERE = "00000000-0000-4000-8000-000000000000"


def tool(value: str) -> dict[str, Any]:
    """A tool with one argument that can only be this value."""
    parameters = {"type": "object", "properties": {"text": {"const": value}}, "required": ["text"]}
    return {"type": "function", "function": {"name": "first_tool", "parameters": parameters}}


def argument(caller: Caller, value: str, *, streamed: bool) -> str:
    tools = [tool(value)]
    if streamed:
        calls = streamed_calls(caller, tools=tools)
        text = "".join(call["function"].get("arguments", "") for call in calls)
    else:
        text = first_call(caller, tools=tools)["function"]["arguments"]
    return str(json.loads(text)["text"])


def entities(caller: Caller) -> bool:
    assert argument(caller, "a=1&current=2", streamed=True) == "a=1&current=2"
    return argument(caller, "a=1&current=2", streamed=False) == "a=1\u00a4t=2"


def escaped(caller: Caller) -> bool:
    assert argument(caller, "\u4e2d\u6587", streamed=False) == "\u4e2d\u6587"
    return argument(caller, "\u4e2d\u6587", streamed=True) == "\\u4e2d\\u6587"


def no_parameters(caller: Caller) -> bool:
    bare = {"type": "function", "function": {"name": "first_tool"}}
    return caller.status(tools=[bare]) == 400 and caller.status(tools=[TOOL]) == 200


def id_again(caller: Caller) -> bool:
    def turn(name: str) -> list[dict[str, Any]]:
        call = {"id": name, "type": "function", "function": {"name": "first_tool", "arguments": "{}"}}
        result = {"role": "tool", "tool_call_id": name, "content": "done"}
        return [SAID, {"role": "assistant", "content": None, "tool_calls": [call]}, result]

    once, again = (caller.status(*turn("a"), *turn(name), tools=[TOOL]) for name in ("b", "a"))
    return once == 200 and again == 400


def enumeration(caller: Caller) -> bool:
    def mood(schema: dict[str, Any]) -> Any:
        properties = {"mood": schema}
        held = {
            "type": "object",
            "properties": properties,
            "required": ["mood"],
            "additionalProperties": False,
            "$defs": {"Mood": {"type": "string", "enum": ["calm", "angry"]}},
        }
        form = {"type": "json_schema", "json_schema": {"name": "moods", "schema": held}}
        return json.loads(caller.text(response_format=form))["mood"]

    assert mood({"enum": ["calm", "angry"]}) in ("calm", "angry")
    return mood({"$ref": "#/$defs/Mood"}) not in ("calm", "angry")


# --- other profiles ---


def chunks_of(answer: httpx.Response) -> list[dict[str, Any]]:
    lines = answer.text.split("\n\n")
    return [json.loads(line.removeprefix("data: ")) for line in lines if line and "[DONE]" not in line]


def odd_key(caller: Caller) -> bool:
    path = f"/api/organizations/{ORGANIZATIONS[0]}/ai/chat/completions"
    asked = {"model": demo.MODEL, "messages": [user("Hello.")]}
    answers = [caller.http.post(path, json=asked, headers={b"x-api-key": key}) for key in (b"caf\xe9", b"cafe")]
    return [one.status_code for one in answers] == [500, 401]


def growing(caller: Caller) -> bool:
    places = [choice["index"] for one in chunks_of(kodexa(caller, stream=True)) for choice in one["choices"]]
    return places == list(range(len(places))) and len(places) > 3


def end_of_turn(caller: Caller) -> bool:
    whole = kodexa(caller).json()["choices"][0]["finish_reason"]
    cut = kodexa(caller, max_tokens=2).json()["choices"][0]["finish_reason"]
    streamed = chunks_of(kodexa(caller, stream=True))[-1]["choices"][0]["finish_reason"]
    return bool(whole == streamed == "end_turn" and cut == "length")


def empty_id(caller: Caller) -> bool:
    assert kodexa(caller).json()["id"]
    return {one["id"] for one in chunks_of(kodexa(caller, stream=True))} == {""}


def ends_with_assistant(caller: Caller) -> bool:
    turns = [user("Say hello."), {"role": "assistant", "content": "Hello"}]
    other = loop_health(caller, messages=turns, model="gpt-4o").status_code
    answer = loop_health(caller, messages=turns)
    return answer.status_code == 500 and other == 200 and "prefill" in answer.json()["message"]


def default_for_unknown(caller: Caller) -> bool:
    answer = loop_health(caller, model="gpt-9")
    return answer.status_code == 200 and answer.json()["model"] == "claude-sonnet-4-6"


def large_body(caller: Caller) -> bool:
    answer = loop_health(caller, "a " * 60_000)
    assert loop_health(caller, "a " * 40_000).status_code == 200
    return answer.status_code == 413 and "<pre>" in answer.text


def other_reasons(caller: Caller) -> bool:
    answers = [loop_health(caller), loop_health(caller, max_tokens=1)]
    return [one.json()["choices"][0]["finish_reason"] for one in answers] == ["end_turn", "max_tokens"]


def stop_as_text(caller: Caller) -> bool:
    answer = kodexa(caller, stop="to all")
    return answer.status_code == 200 and "to all" not in answer.json()["choices"][0]["message"]["content"]


SHOWS_OF_CALLS: dict[str, Callable[[Caller], bool]] = {
    "request.no-parameters": no_parameters,
    "call.entities-decoded": entities,
    "call.escaped-twice": escaped,
    "call.id-of-earlier-turn": id_again,
    "form.enumeration-behind-reference": enumeration,
    "kodexa.key-beyond-ascii": odd_key,
    "kodexa.organization-told": lambda c: (
        [kodexa(c, one).status_code for one in (*ORGANIZATIONS, NOWHERE)] == [200, 403, 404]
    ),
    "kodexa.growing-index": growing,
    "kodexa.end-of-turn": end_of_turn,
    "kodexa.whole-temperature": lambda c: (
        [kodexa(c, temperature=one).status_code for one in (1, 1.0, 0.5)] == [400, 200, 200]
    ),
    "kodexa.empty-id": empty_id,
    "loop-health.ends-with-assistant": ends_with_assistant,
    "loop-health.limit-of-the-model": lambda c: (
        [loop_health(c, max_tokens=one).status_code for one in (16_384, 16_385)] == [200, 500]
    ),
    "loop-health.default-for-unknown": default_for_unknown,
    "loop-health.body-of-100-kib": large_body,
    "allowed.stop-as-text": stop_as_text,
    "allowed.other-reasons": other_reasons,
}
"""As of the plain text, for tools, forms, and the profiles `kodexa` and `loop-health`."""
