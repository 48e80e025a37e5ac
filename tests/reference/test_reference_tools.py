"""The reference deployment calls tools, writes documents and reads parts, as the OpenAI contract says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from conformance.probes.content_parts import document, picture, sound
from conformance.probes.schema_corpus import CorpusSchema, schema_corpus

if TYPE_CHECKING:
    from reference_callers import Caller

pytestmark = pytest.mark.network


def tool(name: str, schema: Any = None, **members: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": schema or {"type": "object"}, **members}}


CITY, DAY = tool("set_city"), tool("set_day")


def message(completion: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = completion["choices"][0]["message"]
    return found


def names(completion: dict[str, Any]) -> list[str]:
    return [call["function"]["name"] for call in message(completion).get("tool_calls", [])]


def put_together(events: list[Any]) -> dict[int, dict[str, str]]:
    calls: dict[int, dict[str, str]] = {}
    for event in events[:-1]:
        for choice in event["choices"]:
            for delta in choice["delta"].get("tool_calls", ()):
                call = calls.setdefault(delta["index"], {"arguments": ""})
                call["arguments"] += delta["function"].get("arguments", "")
                call |= {key: delta[key] for key in ("id", "type") if key in delta}
                call |= {key: delta["function"][key] for key in ("name",) if key in delta["function"]}
    return calls


@pytest.mark.parametrize("one", schema_corpus(), ids=lambda one: one.name)
def test_a_strict_call_fits_each_schema_of_the_corpus(openai: Caller, one: CorpusSchema) -> None:
    fields: dict[str, Any] = {"tools": [tool("f", one.schema, strict=True)], "tool_choice": "required"}
    (call,) = message(openai.complete(**fields))["tool_calls"]
    Draft202012Validator(one.schema).validate(json.loads(call["function"]["arguments"]))
    streamed = put_together(openai.stream(**fields))
    assert list(streamed) == [0]
    assert streamed[0]["arguments"] == call["function"]["arguments"]
    held = {"name": "f", "strict": True, "schema": one.schema}
    answer = openai.complete(response_format={"type": "json_schema", "json_schema": held})
    Draft202012Validator(one.schema).validate(json.loads(message(answer)["content"]))


def test_calls_are_as_the_choice_and_the_question_have_them(openai: Caller) -> None:
    both = "Call set_city and set_day."
    given: dict[str, Any] = {"tools": [CITY, DAY]}
    assert names(openai.complete("Hello.", **given)) == []
    assert names(openai.complete("Hello.", tool_choice="required", **given)) == ["set_city"]
    assert names(openai.complete(both, **given)) == ["set_city", "set_day"]
    assert names(openai.complete(both, parallel_tool_calls=False, **given)) == ["set_city"]
    assert names(openai.complete(both, tool_choice="none", **given)) == []
    named = {"type": "function", "function": {"name": "set_day"}}
    assert names(openai.complete(tool_choice=named, **given)) == ["set_day"]
    allowed = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [named]}}
    assert names(openai.complete(both, tool_choice=allowed, **given)) == ["set_day"]


def test_a_call_ends_the_answer_and_counts(openai: Caller) -> None:
    answer = openai.complete(tools=[CITY], tool_choice="required")
    assert answer["choices"][0]["finish_reason"] == "tool_calls"
    assert message(answer)["content"] is None
    assert answer["usage"]["completion_tokens"] > 0
    cut = openai.complete(tools=[tool("f", schema_corpus()[1].schema)], tool_choice="required", max_tokens=2)
    assert cut["choices"][0]["finish_reason"] == "length"
    assert cut["usage"]["completion_tokens"] == 2


def test_the_turn_after_a_call_is_answered_in_words(openai: Caller) -> None:
    body = openai.body("Call set_city.", tools=[CITY])
    called = message(openai.post(body).json())
    result = {"role": "tool", "tool_call_id": called["tool_calls"][0]["id"], "content": "ok"}
    again = openai.post({**body, "messages": [*body["messages"], called, result]})
    assert message(again.json())["content"]
    assert "tool_calls" not in message(again.json())


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tools": [CITY], "tool_choice": {"type": "function", "function": {"name": "x"}}}, "tool_choice"),
        ({"tools": [tool("f", {"type": "nonsense"})]}, "tools[0].function.parameters"),
        ({"tools": [tool("f", {"$ref": "https://example.com/schema"})]}, "tools[0].function.parameters"),
        ({"tools": [tool(f"f{n}") for n in range(129)]}, "tools"),
        ({"tools": [tool("a b")]}, "tools[0].function.name"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "f"}}}, None),
        ({"messages": [{"role": "tool", "tool_call_id": "x", "content": "a"}]}, "messages[0].tool_call_id"),
    ],
)
def test_mistakes_are_refused_by_their_place(openai: Caller, fields: dict[str, Any], param: str | None) -> None:
    answer = openai.post({**openai.body(), **fields})
    assert answer.status_code == 400, answer.text
    assert param is None or answer.json()["error"]["param"] == param


def test_thoughts_are_counted_and_not_shown(openai: Caller) -> None:
    plain, thought = openai.complete("Hello."), openai.complete("Hello.", reasoning_effort="high")
    assert message(plain) == message(thought)
    details = thought["usage"]["completion_tokens_details"]
    assert details["reasoning_tokens"] > 0
    assert thought["usage"]["completion_tokens"] == plain["usage"]["completion_tokens"] + details["reasoning_tokens"]
    cut = openai.complete("Hello.", reasoning_effort="high", max_tokens=3)
    assert (message(cut)["content"], cut["choices"][0]["finish_reason"]) == ("", "length")
    assert cut["usage"]["completion_tokens"] == 3


def test_answers_have_the_form_that_is_asked_for(openai: Caller) -> None:
    schema = {"type": "object"}
    called = openai.complete(functions=[{"name": "f", "parameters": schema}], function_call={"name": "f"})
    assert called["choices"][0]["finish_reason"] == "function_call"
    assert message(called)["function_call"] == {"name": "f", "arguments": "{}"}
    events = openai.stream(functions=[{"name": "f", "parameters": schema}], function_call={"name": "f"})
    deltas = [choice["delta"].get("function_call", {}) for event in events[:-1] for choice in event["choices"]]
    assert "".join(delta.get("arguments", "") for delta in deltas) == "{}"
    heard = message(openai.complete(modalities=["text", "audio"], audio={"voice": "alloy", "format": "wav"}))
    assert heard["content"] is None
    assert heard["audio"]["transcript"].startswith("You said: ")
    assert message(openai.complete(web_search_options={}))["annotations"] == []
    assert openai.complete(moderation={"model": "m"})["moderation"]["input"]["model"] == "m"


def test_every_part_of_a_message_costs_tokens(openai: Caller) -> None:
    def cost(*parts: Any) -> int:
        body = openai.body() | {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi."}, *parts]}]}
        answer = openai.post(body)
        assert answer.status_code == 200, answer.text
        counted: int = answer.json()["usage"]["prompt_tokens"]
        return counted

    alone = cost()
    assert all(cost(part) > alone for part in (picture(), sound(), document(), {"type": "text", "text": " And."}))


def test_other_profiles_ignore_what_their_documents_do_not_know(kodexa: Caller, loop_health: Caller) -> None:
    for caller in (kodexa, loop_health):
        answer = caller.complete("Call set_city.", tools=[CITY], tool_choice="required", reasoning_effort="high")
        assert "tool_calls" not in message(answer)
        assert "completion_tokens_details" not in answer["usage"]
