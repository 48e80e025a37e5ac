"""What a client asks for beyond text reaches the upstream as it was sent, or is refused by name."""

from __future__ import annotations

from typing import Any

import pytest
from fake_upstream import Script, UpstreamRequest, completion
from model_servers import Manner, model_server
from reference_callers import error_reason, events_of
from upstream_gateway import answering, choice, function, http_client, lenient_contract, patient_gateway

from conformance.reference import EmbeddedReference
from conformance.reference.providers.upstream import Upstream, UpstreamProvider

pytestmark = pytest.mark.network

TOOLS = [{**function("weather", city="string"), "x": None}]
HINTS: dict[str, Any] = {
    "verbosity": "low",
    "prediction": {"type": "content", "content": "hi"},
    "store": False,
    "metadata": {"a": "b"},
    "service_tier": "flex",
    "safety_identifier": "me",
    "prompt_cache_key": "key",
}
DECISIVE: dict[str, Any] = {
    "tools": TOOLS,
    "tool_choice": {"type": "function", "function": {"name": "weather"}},
    "parallel_tool_calls": False,
    "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}},
    "reasoning_effort": "low",
    "logit_bias": {"50256": -100},
}
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":\n "R\\u00f6m"}'}}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk=", "detail": "low"}}


def messages_sent(*messages: dict[str, Any], script: Script | None = None) -> list[Any]:
    with patient_gateway(script or answering(completion("hi")), contract=lenient_contract()) as gate:
        gate.complete(messages=list(messages), tools=TOOLS)
        sent: list[Any] = gate.upstream.requests[-1].body["messages"]
        return sent


def user(content: Any, **members: Any) -> dict[str, Any]:
    return {"role": "user", "content": content, **members}


def test_fields_are_sent_as_they_came() -> None:
    kept = {"message": {"role": "assistant", "tool_calls": [CALL]}, "finish_reason": "tool_calls"}
    with patient_gateway(answering({"choices": [kept]})) as gate:
        gate.complete(**HINTS, **DECISIVE)
        sent = gate.upstream.requests[0].body
        assert {name: sent[name] for name in {**HINTS, **DECISIVE}} == {**HINTS, **DECISIVE}
        assert set(sent) == {*HINTS, *DECISIVE, "model", "messages", "max_tokens"}


def test_a_conversation_of_text_is_sent_as_text() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    said: dict[str, Any] = {"role": "assistant", "content": "c", "refusal": None, "tool_calls": None, "annotations": []}
    sent = messages_sent(user(parts, name="me"), said, {"role": "developer", "content": "d"})
    assert sent == [
        {"role": "user", "content": "ab", "name": "me"},
        {"role": "assistant", "content": "c"},
        {"role": "system", "content": "d"},
    ]


@pytest.mark.parametrize("content", [None, "", "Let me look."])
def test_calls_and_their_results_are_handed_on_unchanged(content: str | None) -> None:
    called = {"role": "assistant", "content": content, "tool_calls": [CALL]}
    result = {"role": "tool", "tool_call_id": "call_1", "content": '{"degrees": 7}'}
    assert messages_sent(user("a"), called, result, user("b")) == [user("a"), called, result, user("b")]


@pytest.mark.parametrize(
    "members",
    [
        {"reasoning": "hm"},
        {"reasoning_content": "hm"},
        {"reasoning_details": [{"type": "reasoning.text", "text": "hm"}]},
        {"refusal": "I cannot.", "content": None},
        {"content": [{"type": "refusal", "refusal": "I cannot."}]},
        {"tool_calls": [CALL], "reasoning_content": "hm", "content": None},
    ],
)
def test_what_a_model_said_beside_text_is_handed_back(members: dict[str, Any]) -> None:
    said = {"role": "assistant", "content": "c", **members}
    results = [{"role": "tool", "tool_call_id": "call_1", "content": "7"}] if "tool_calls" in members else []
    assert messages_sent(user("a"), said, *results, user("b"))[1] == said


def test_an_id_that_was_used_before_is_not_used_again() -> None:
    """Some servers begin at call_0 for each answer, and each choice is an answer of its own."""
    message = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    results = [{"role": "tool", "tool_call_id": "call_1", "content": "7"}]
    called = answering({"choices": [{"message": message, "finish_reason": "tool_calls"}]})
    with patient_gateway(called, contract=lenient_contract()) as gate:
        choices = gate.complete(tools=TOOLS, n=3)["choices"]
        ids = [one["message"]["tool_calls"][0]["id"] for one in choices]
        assert len(set(ids)) == 3
        assert "call_1" in ids
        later = gate.complete(tools=TOOLS, messages=[user("a"), message, *results])
        assert later["choices"][0]["message"]["tool_calls"][0]["id"] != "call_1"


def test_texts_in_parts_are_joined_where_nothing_is_beside_them() -> None:
    parts = [{"type": "text", "text": "7 "}, {"type": "text", "text": "degrees"}]
    called = {"role": "assistant", "content": parts, "tool_calls": [CALL]}
    sent = messages_sent(user("a"), called, {"role": "tool", "tool_call_id": "call_1", "content": parts})
    assert [message["content"] for message in sent] == ["a", "7 degrees", "7 degrees"]


def test_parts_beside_text_are_sent_as_they_came() -> None:
    asked = user([{"type": "text", "text": "What is this?"}, PICTURE], name="me")
    assert messages_sent(asked) == [asked]


@pytest.mark.parametrize("name", HINTS)
@pytest.mark.parametrize("words", ["openai", "fastapi", "bare"])
def test_a_hint_that_the_upstream_refuses_is_left_out(name: str, words: str) -> None:
    with patient_gateway(model_server(Manner(refuses=frozenset({name}), words=words))) as gate:
        gate.complete(**HINTS)
        sent = gate.upstream.requests[-1].body
        assert name not in sent
        if words != "bare":
            assert HINTS.keys() - {name} <= sent.keys()


@pytest.mark.parametrize("name", DECISIVE)
@pytest.mark.parametrize("stream", [False, True])
def test_what_decides_on_the_answer_is_refused_by_name(name: str, stream: bool) -> None:
    manner = Manner(refuses=frozenset({name}), status=500 if stream else 400)
    with patient_gateway(model_server(manner)) as gate:
        answer = gate.ask(stream=stream, **DECISIVE)
        assert (answer.status_code, error_reason("openai", answer)) == (400, "unsupported_parameter")
        assert answer.json()["error"]["param"] == name
        assert len(gate.upstream.requests) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("tool_choice", "auto"), ("parallel_tool_calls", True), ("response_format", {"type": "text"}), ("logit_bias", {})],
)
def test_a_default_that_the_upstream_refuses_goes_without_saying(name: str, value: Any) -> None:
    with patient_gateway(model_server(Manner(refuses=frozenset({name})))) as gate:
        gate.complete(tools=TOOLS, **{name: value})
        assert name not in gate.upstream.requests[-1].body


@pytest.mark.parametrize(
    ("words", "status", "field"),
    [
        ("tools param requires --jinja flag", 500, "tools"),
        ("No endpoints found that support tool use.", 404, "tools"),
        ("Function calling is not enabled for this model", 400, "tools"),
        ("image input is not supported - hint: you may need to provide the mmproj", 500, "messages"),
        ("this is not a multimodal model", 400, "messages"),
        ("No endpoints found that support image input", 404, "messages"),
    ],
)
def test_what_a_model_cannot_do_is_the_clients_to_know(words: str, status: int, field: str) -> None:
    with patient_gateway(answering({"error": {"message": words}}, status), contract=lenient_contract()) as gate:
        answer = gate.ask(tools=TOOLS, messages=[user([{"type": "text", "text": "a"}, PICTURE])])
        assert (answer.status_code, error_reason("openai", answer)) == (400, "unsupported_parameter")
        assert answer.json()["error"]["param"] == field
        assert words[:20] in answer.text
        assert len(gate.upstream.requests) == 1


def test_an_error_about_the_order_of_calls_is_no_lack_of_tools() -> None:
    words = "An assistant message with tool_calls must be followed by tool messages."
    with patient_gateway(answering({"error": {"message": words}}, 400)) as gate:
        answer = gate.ask(tools=TOOLS)
        assert error_reason("openai", answer) == "provider_refused"
        assert words in answer.json()["error"]["message"]


def test_an_unexplained_refusal_names_the_tools_as_what_may_be_at_fault() -> None:
    with patient_gateway(answering({"error": {"message": "Bad request"}}, 400)) as gate:
        said = gate.ask(tools=TOOLS, tool_choice="auto").json()["error"]["message"]
        assert "('tools')" in said


@pytest.mark.parametrize(
    "history",
    [
        [
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "call_1", "content": "7"},
        ],
        [user([PICTURE])],
    ],
    ids=["calls", "a picture"],
)
def test_a_history_with_more_than_text_is_never_put_in_other_turns(history: list[Any]) -> None:
    refused = answering(
        {"error": {"message": "Conversation roles must alternate user/assistant/user/assistant/..."}}, 400
    )
    with patient_gateway(refused, contract=lenient_contract()) as gate:
        answer = gate.ask(messages=[user("a"), *history], tools=TOOLS)
        assert (answer.status_code, error_reason("openai", answer)) == (400, "provider_refused")
        assert all(len(request.body["messages"]) == 1 + len(history) for request in gate.upstream.requests)


def test_an_upstream_that_knows_neither_reasoning_nor_null_gets_neither() -> None:
    async def picky(request: UpstreamRequest) -> None:
        said = request.body["messages"][1]
        if said["content"] is None or "reasoning_content" in said:
            request.json({"error": {"message": "messages[1]: content must be a string"}}, 400)
        else:
            request.json(completion("hi"))

    said = {"role": "assistant", "content": None, "tool_calls": [CALL], "reasoning_content": "hm"}
    result = {"role": "tool", "tool_call_id": "call_1", "content": "7"}
    sent = messages_sent(user("a"), said, result, script=picky)
    assert sent[1:] == [{"role": "assistant", "content": "", "tool_calls": [CALL]}, result]


@pytest.mark.parametrize("stream", [False, True])
def test_before_a_server_that_can_do_all_of_it_a_gateway_can_do_it_too(stream: bool) -> None:
    custom = {"type": "custom", "custom": {"name": "shell"}}
    form = DECISIVE["response_format"]
    with EmbeddedReference("openai", contract=lenient_contract()) as reference:
        provider = UpstreamProvider(Upstream(reference.base_url, model=reference.model, api_key=reference.api_key))
        with EmbeddedReference("openai", provider=provider, contract=lenient_contract()) as before:
            asked = [
                {"tools": [*TOOLS, custom], "messages": [user("shell and weather")], "reasoning_effort": "low"},
                {"response_format": form, "messages": [user("a")]},
                {"messages": [user([{"type": "text", "text": "one"}, PICTURE])], "max_tokens": 5},
            ]
            for fields in asked:
                theirs, ours = (answer_of(one, stream=stream, **fields) for one in (reference, before))
                assert ours == theirs


def answer_of(reference: EmbeddedReference, *, stream: bool, **fields: Any) -> list[Any]:
    """What a deployment answers, without what differs from answer to answer, and from gateway to gateway."""
    body = {"model": reference.model, "stream": stream, **fields}
    answer = http_client().post(
        f"{reference.base_url}/chat/completions", json=body, headers={"Authorization": f"Bearer {reference.api_key}"}
    )
    assert answer.status_code == 200, answer.text
    parts = events_of(answer.content)[:-1] if stream else [answer.json()]
    choices = [one for part in parts for one in part["choices"]]
    said = [one.get("message", one.get("delta")) for one in choices]
    calls = [call for message in said for call in message.get("tool_calls", ())]
    assert all(call.pop("id", "call_").startswith("call_") for call in calls)
    texts = "".join(message.get("content") or "" for message in said)
    inputs: dict[Any, str] = {}
    for number, call in enumerate(calls):
        held = call.get("function") or call.get("custom")
        key = (call.get("index", number), "custom" if "custom" in call else "function")
        inputs[key] = inputs.get(key, "") + f"{held.get('name', '')}{held.get('arguments', held.get('input'))}"
    return [texts, inputs, choices[-1]["finish_reason"]]


def test_a_document_that_was_asked_for_comes_through() -> None:
    document = '{"odd key": "日本"}'
    with patient_gateway(answering(completion(document))) as gate:
        assert choice(gate.complete(response_format=DECISIVE["response_format"])) == (document, "stop")


@pytest.mark.parametrize("profile", ["kodexa", "loop-health"])
def test_platforms_whose_documents_know_no_tools_ignore_them(profile: str) -> None:
    async def script(request: UpstreamRequest) -> None:
        request.json(completion("hi", "tool_calls") | {"x": 1})

    fields = {
        "tools": TOOLS,
        "tool_choice": {"type": "nonsense"},
        "parallel_tool_calls": False,
        "response_format": {"type": "json_object"},
        "reasoning_effort": "high",
        "verbosity": "low",
        "logit_bias": {"1": 5},
        "prediction": {"type": "content", "content": "hi"},
        "store": True,
        "metadata": {"a": "b"},
        "service_tier": "flex",
        "safety_identifier": "me",
        "prompt_cache_key": "key",
    }
    said = {
        "role": "assistant",
        "content": "b",
        "tool_calls": [{"id": "a"}],
        "reasoning_content": "hm",
        "refusal": "no",
    }
    messages: list[dict[str, Any]] = [{"role": "user", "content": "a"}, said, {"role": "user", "content": "c"}]
    with patient_gateway(script, profile) as gate:
        value = gate.complete(**fields, messages=messages)
        assert value["choices"][0]["finish_reason"] == "stop"
        body = gate.upstream.requests[0].body
        assert set(body) == {"model", "messages", "max_tokens"}
        assert body["messages"] == [{"role": one["role"], "content": one["content"]} for one in messages]
