"""Combined requests about tools: valid, taken apart into what they combine, and left out where tools are."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import pytest
from planning_samples import TARGET
from shipped_contracts import shipped_contract

from conformance.contract import Tier
from conformance.probes import Intent, Plan, Probe, plan
from conformance.probes.call_histories import HISTORY
from conformance.probes.content_parts import REMOTE
from conformance.probes.request_body import RequestBody
from conformance.probes.schema_corpus import TOGETHER, corpus_schema, very_long
from conformance.reference.providers.sampled import json_of
from conformance.targets import Target

SURFACE = ("tools/*", "structured/*", "reasoning/*", "parts/*")


def planned(target: Target = TARGET, tier: Tier = Tier.STANDARD) -> Plan:
    return plan(shipped_contract("openai"), target, SURFACE, tier)


def probes(target: Target = TARGET) -> dict[str, Probe]:
    return {probe.name: probe for probe in planned(target).every_probe()}


def with_call(call_id: str) -> Target:
    call = {"id": call_id, "type": "function", "function": {"name": "set_city", "arguments": "{}"}}
    message = json.dumps({"role": "assistant", "content": None, "tool_calls": [call]})
    return dataclasses.replace(TARGET, dialect=dataclasses.replace(TARGET.dialect, call=message))


def test_every_request_that_must_be_served_is_valid() -> None:
    accepts = RequestBody(shipped_contract("openai"), TARGET).accepts
    for probe in probes().values():
        if probe.intent is not Intent.REFUSED:
            assert accepts(probe.body), probe.name


def test_the_surface_keeps_to_its_budget() -> None:
    standard = planned().probes
    assert len(standard) <= 50
    # A picture that nobody can fetch may be refused or not, and the reference refuses it.
    answered = [probe for probe in standard if probe.intent is not Intent.REFUSED and probe.name != REMOTE]
    assert len(answered) <= 27


def test_a_combined_request_has_what_its_parts_ask_for() -> None:
    agent = probes()["tools/agent-streamed"]
    assert {part.name for part in agent.instead} >= {"tools/several-streamed", "tools/two-choices-streamed"}
    assert (agent.body["n"], agent.body["reasoning_effort"], agent.body["tool_choice"]) == (2, "low", "required")
    assert agent.body["stream_options"] == {"include_usage": True}
    assert len(agent.body["messages"]) > 10


def test_agents_ask_for_calls_beside_a_form_and_after_a_call_of_the_target() -> None:
    agent = probes(with_call("call_aa"))["tools/agent"].body
    assert agent["response_format"]["type"] == "json_schema"
    assert [call["id"] for message in agent["messages"] for call in message.get("tool_calls", ())] == ["call_aa"]
    unformed = dataclasses.replace(TARGET, unsupported=("response_format",))
    assert "response_format" not in probes(unformed)["tools/agent"].body


def test_the_format_text_is_asked_for_once() -> None:
    whole = probes()["tools/none-with-effort"]
    assert whole.body["response_format"] == {"type": "text"}
    assert "structured/text" in {part.name for part in whole.instead}
    lacking = dataclasses.replace(TARGET, unsupported=("tools",))
    assert "structured/text" in {probe.name for probe in planned(lacking).probes}


def test_without_tools_an_effort_and_documents_are_asked_for_alone() -> None:
    lacking = dataclasses.replace(TARGET, unsupported=("tools",))
    found = probes(lacking)
    assert "tools" not in found["structured/beside-tools"].body
    assert "tools" not in found["reasoning/effort-low"].body


def test_a_format_that_the_target_lacks_is_not_taken_out_of_its_request() -> None:
    lacking = dataclasses.replace(TARGET, unsupported=("response_format",))
    assert "response_format" in probes(lacking)["structured/beside-tools"].body


def test_what_the_target_lacks_is_left_out_of_a_combined_request() -> None:
    lacking = dataclasses.replace(TARGET, unsupported=("n", "temperature", "parallel_tool_calls"))
    found = probes(lacking)
    assert not {"n", "temperature"} & found["tools/agent"].body.keys()
    assert "tools/allowed-and-one" not in found
    own = {probe.name for probe in planned(lacking).probes}
    assert {"tools/allowed", "tools/one-at-a-time", "tools/agent"} <= own


@pytest.mark.parametrize("call_id", ["call_9aB3dE5fG7hJ", "9aB3dE5fG", "functions.set_city:0", "call_aa", "a"])
def test_calls_of_a_history_have_ids_of_their_own(call_id: str) -> None:
    messages: list[dict[str, Any]] = probes(with_call(call_id))[HISTORY].body["messages"]
    ids = [call["id"] for message in messages for call in message.get("tool_calls", ())]
    assert len(ids) == len(set(ids)) == 6
    assert {message["tool_call_id"] for message in messages if message["role"] == "tool"} == set(ids)


@pytest.mark.parametrize(("schema", "least"), [(TOGETHER, 1024), ("very-long", 16 * 1024)])
def test_long_documents_are_as_long_as_they_are_said_to_be(schema: str, least: int) -> None:
    found = very_long() if schema == "very-long" else corpus_schema(schema)
    document = json_of(found.schema)
    assert len(document.encode()) > least
    assert "\u200d" in document


def test_tools_have_names_with_all_that_a_name_may_have() -> None:
    names = {
        tool["function"]["name"]
        for probe in probes().values()
        if probe.tier is not Tier.EXHAUSTIVE
        for tool in probe.body.get("tools", ())
        if "function" in tool and probe.intent is Intent.SERVED
    }
    assert all(re.fullmatch("[a-zA-Z0-9_-]{1,64}", name) for name in names)
    assert max(map(len, names)) == 64
    assert all(any(re.search(kind, name) for name in names) for kind in ("-", "_", "[0-9]", "[A-Z]"))


def test_a_call_with_arguments_comes_behind_one_without() -> None:
    tools = probes()["tools/agent-streamed"].body["tools"]
    assert ["parameters" in tool["function"] for tool in tools] == [True, False, True]
