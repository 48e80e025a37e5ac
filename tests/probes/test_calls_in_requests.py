"""Requests with calls of tools have what the calls need; what not every deployment offers need not be served."""

from __future__ import annotations

import json
from typing import Any

import pytest
from planning_samples import ALL_BUT_GENERATED, TARGET
from shipped_contracts import shipped_contract

from conformance.contract import Tier
from conformance.probes import Intent, Probe, plan
from conformance.probes.common_requests import is_common, without_uncommon_fields
from conformance.probes.conversations import calling, in_context, result_of
from conformance.probes.usual_requests import is_usual_conversation

USER = {"role": "user", "content": "Say hello."}
TOOLS = [{"type": "function", "function": {"name": "a", "parameters": {"type": "object"}}}]


def roles(messages: list[Any]) -> list[str]:
    return [message["role"] for message in messages]


@pytest.mark.parametrize(
    ("messages", "completed", "before"),
    [
        ([USER], ["user"], 0),
        ([{"role": "assistant", "content": "Hello."}], ["user", "assistant", "user"], 1),
        ([result_of("x")], ["user", "assistant", "tool"], 2),
        ([USER, result_of("x")], ["user", "assistant", "tool"], 0),
        ([USER, calling("x")], ["user", "assistant", "tool"], 0),
        ([USER, calling("x"), result_of("x")], ["user", "assistant", "tool"], 0),
        ([USER, calling("x"), result_of("x"), USER, calling("y")], [*["user", "assistant", "tool"] * 2], 0),
        ([{"role": "system", "content": "Be brief."}, result_of("x")], ["system", "user", "assistant", "tool"], 0),
    ],
)
def test_a_call_has_its_result_and_a_result_its_call(messages: list[Any], completed: list[str], before: int) -> None:
    found, shift = in_context(messages)
    assert roles(found) == completed
    assert shift == before
    assert is_usual_conversation(found)
    assert in_context(found) == (found, 0)


def test_what_is_no_message_is_left_as_it_is() -> None:
    assert in_context(["text", None]) == (["text", None], 0)


def call(**changed: Any) -> dict[str, Any]:
    return {"role": "assistant", "tool_calls": [{**calling("x")["tool_calls"][0], **changed}]}


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [USER, result_of("x")],
        [USER, calling("x"), result_of("y")],
        [USER, calling("x"), result_of("x"), calling("x"), result_of("x")],
        [USER, call(id="x" * 41), result_of("x" * 41)],
        [USER, call(function={"name": "f", "arguments": "not json"}), result_of("x")],
        [USER, call(type="custom"), result_of("x")],
        [USER, {"role": "assistant", "content": None}, USER],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/"}}]}],
    ],
)
def test_conversations_that_nobody_must_serve(messages: list[Any]) -> None:
    assert not is_usual_conversation(messages)


@pytest.mark.parametrize(
    ("fields", "common"),
    [
        ({}, True),
        ({"temperature": 2}, True),
        ({"tools": TOOLS}, True),
        ({"tools": []}, False),
        ({"tools": TOOLS * 2}, False),
        ({"tools": TOOLS, "tool_choice": "auto"}, True),
        ({"tools": TOOLS, "tool_choice": "required"}, False),
        ({"tool_choice": "auto"}, False),
        ({"parallel_tool_calls": False}, False),
        ({"tools": TOOLS, "parallel_tool_calls": False}, True),
        ({"response_format": {"type": "text"}}, True),
        ({"response_format": {"type": "json_object"}}, False),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}}, False),
        ({"reasoning_effort": "low"}, True),
        ({"reasoning_effort": "xhigh"}, False),
        ({"logit_bias": {"5": 1}}, True),
        ({"logit_bias": {"word": 1}}, False),
        ({"service_tier": "flex"}, False),
        ({"metadata": {}}, False),
    ],
)
def test_which_fields_every_deployment_serves_that_has_them(fields: dict[str, Any], common: bool) -> None:
    request = {"model": "m", "messages": [USER], **fields}
    assert is_common(request) is common
    assert is_common(request, required=fields)
    assert is_common(without_uncommon_fields(request))


def test_json_that_is_asked_for_in_words_is_served() -> None:
    asking = [{"role": "user", "content": "Answer with JSON."}]
    assert is_common({"messages": asking, "response_format": {"type": "json_object"}})


@pytest.fixture(scope="module")
def probes() -> list[Probe]:
    return list(plan(shipped_contract("openai"), TARGET, ALL_BUT_GENERATED, Tier.EXHAUSTIVE).every_probe())


def test_calls_that_must_be_served_stand_in_a_conversation_that_agents_have(probes: list[Probe]) -> None:
    served = [probe for probe in probes if probe.intent is Intent.SERVED and "tool_calls" in json.dumps(probe.body)]
    assert served
    for probe in served:
        assert isinstance(probe.body, dict)
        # What is combined is asked for apart where it is refused together, so that it may have all shapes of messages.
        assert probe.instead or is_usual_conversation(probe.body["messages"]), probe.name
        called = {
            one["function"]["name"] for message in probe.body["messages"] for one in message.get("tool_calls", ())
        }
        assert called <= {tool["function"]["name"] for tool in probe.body["tools"]}, probe.name


def test_what_is_a_matter_of_the_platform_is_only_sent_to_be_refused(probes: list[Probe]) -> None:
    fields = {"web_search_options", "moderation", "audio", "prediction", "service_tier", "store", "metadata"}
    sent = [probe for probe in probes if isinstance(probe.body, dict) and fields & probe.body.keys()]
    assert sent
    assert {probe.intent for probe in sent} == {Intent.REFUSED, Intent.EITHER}
    assert {probe.name.partition("/")[0] for probe in sent if probe.intent is Intent.EITHER} == {"fields", "request"}


def test_a_broken_message_of_a_tool_stands_after_its_call_and_is_named_by_its_place(probes: list[Probe]) -> None:
    (broken,) = [
        probe for probe in probes if probe.name == "request.messages.items.tool_call_id.required/enforced/left-out"
    ]
    assert isinstance(broken.body, dict)
    assert roles(broken.body["messages"]) == ["user", "assistant", "tool"]
    assert "`messages[2].tool_call_id`" in broken.about


def test_parts_are_broken_around_data_that_is_real(probes: list[Probe]) -> None:
    detail = next(probe for probe in probes if ".image_url.detail.enum/enforced/" in probe.name)
    sound = next(probe for probe in probes if ".input_audio.format.enum/enforced/" in probe.name)
    assert "data:image/png;base64,iVBOR" in json.dumps(detail.body)
    assert "UklGR" in json.dumps(sound.body)
