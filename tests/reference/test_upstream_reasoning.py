"""What an upstream's model thinks stands apart from what it says, is counted, and is not shown."""

from __future__ import annotations

from typing import Any

import pytest
from fake_upstream import UpstreamRequest, chunk, completion
from upstream_gateway import answering, choice, patient_gateway, streamed, streaming

from conformance.reference.provider import Thought
from conformance.reference.providers.upstream_reasoning import ContentReader

pytestmark = pytest.mark.network

CONTENTS: dict[str, tuple[str, str, int]] = {
    "a block": ("<think>one two</think>\n\nHello there.", "Hello there.", 2),
    "a block after white space": ("\n <think>\none two\n</think>Hello there.", "Hello there.", 3),
    "an empty block": ("<think>\n\n</think>\n\nHello there.", "Hello there.", 1),
    "two blocks": ("<think>one</think>\n<think> two</think>\nHello there.", "Hello there.", 2),
    "a longer tag": ("<thinking>one two</thinking> Hello there.", "Hello there.", 2),
    "a tag in brackets": ("[THINK]one two[/THINK]Hello there.", "Hello there.", 2),
    "a lone end at the beginning": ("</think>\n\nHello there.", "Hello there.", 0),
    "a block that does not end": ("<think>one two", "", 2),
    "channels": (
        "<|channel|>analysis<|message|>one two<|end|>"
        "<|start|>assistant<|channel|>final<|message|>Hello there.<|return|>",
        "Hello there.",
        2,
    ),
    "a channel alone": ("<|start|>assistant<|channel|>final<|message|>Hello there.", "Hello there.", 0),
    "a channel of calls": ("<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|>", "", 1),
    "a channel without an end": ("<|channel|>analysis", "", 2),
    "tags within the text": ("Write <think> and </think>.", "Write <think> and </think>.", 0),
    "half a tag": ("<thi", "<thi", 0),
    "something like a tag": ("<thin> air", "<thin> air", 0),
    "something like a channel": ("<|x|> a", "<|x|> a", 0),
    "white space": ("  \n", "  \n", 0),
    "a list": ("[1, 2]", "[1, 2]", 0),
}


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_reasoning_is_taken_out_of_the_content(name: str, size: int) -> None:
    content, text, thoughts = CONTENTS[name]
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    with patient_gateway(streaming(*map(chunk, pieces), chunk(None, "stop"), "[DONE]")) as gate:
        events = gate.stream(stream_options={"include_usage": True})
        *_, usage, _ = events
        assert streamed(events) == (text, "stop")
        assert usage["usage"]["completion_tokens_details"]["reasoning_tokens"] == thoughts
    with patient_gateway(answering(completion(content))) as gate:
        value = gate.complete()
        assert choice(value) == (text, "stop")
        assert value["usage"]["completion_tokens_details"]["reasoning_tokens"] == thoughts
        assert value["usage"]["completion_tokens"] >= thoughts


def test_all_before_a_lone_end_is_reasoning_where_nothing_has_been_sent() -> None:
    with patient_gateway(answering(completion("one two\n</think>\n\nHello there."))) as gate:
        assert choice(gate.complete()) == ("Hello there.", "stop")
    within = "Say:\n<think>\n</think>\nHello there."
    with patient_gateway(answering(completion(within))) as gate:
        assert choice(gate.complete())[0] == within


@pytest.mark.parametrize("member", ["reasoning", "reasoning_content"])
@pytest.mark.parametrize("stream", [False, True])
def test_members_of_reasoning_are_counted_and_not_shown(member: str, stream: bool) -> None:
    thoughts = [{"choices": [{"delta": {member: text, "content": ""}}]} for text in ("secret th", "oughts, all")]
    whole = {"role": "assistant", "content": "Hello there.", member: "secret thoughts, all"}

    async def script(request: UpstreamRequest) -> None:
        if stream:
            request.head(media_type="text/event-stream")
            request.events(*thoughts, chunk("Hello there."), chunk(None, "stop"), "[DONE]")
        else:
            request.json({"choices": [{"message": whole, "finish_reason": "stop"}]})

    with patient_gateway(script) as gate:
        answer = gate.ask()
        assert "secret" not in answer.text
        assert choice(answer.json())[0] == "Hello there."
        usage = answer.json()["usage"]
        assert usage["completion_tokens"] == 5
        assert usage["completion_tokens_details"]["reasoning_tokens"] == 3
        assert "secret" not in gate.ask(stream=True).text


def test_parts_of_reasoning_are_no_text() -> None:
    parts = [{"type": "thinking", "thinking": "a"}, {"type": "reasoning", "text": "b"}, {"type": "text", "text": "hi"}]
    with patient_gateway(answering(completion(parts))) as gate:
        assert choice(gate.complete())[0] == "hi"


def test_reasoning_takes_of_the_limit() -> None:
    thinking = {"role": "assistant", "content": "a b c d e", "reasoning": "one two three four"}
    with patient_gateway(answering({"choices": [{"message": thinking, "finish_reason": "stop"}]})) as gate:
        for limit, (text, reason) in {3: ("", "length"), 6: ("a b", "length"), 20: ("a b c d e", "stop")}.items():
            value = gate.complete(max_tokens=limit)
            assert choice(value) == (text, reason)
            usage = value["usage"]
            assert usage["completion_tokens"] == min(limit, 9)
            assert usage["completion_tokens_details"]["reasoning_tokens"] == min(limit, 4)


def test_thoughts_behind_the_text_take_of_the_limit_too() -> None:
    events = [
        chunk("a b"),
        {"choices": [{"delta": {"reasoning": " c d"}}]},
        chunk(" e f"),
        chunk(None, "stop"),
        "[DONE]",
    ]
    with patient_gateway(streaming(*events)) as gate:
        value = gate.complete(max_tokens=5)
        assert choice(value) == ("a b e", "length")
        assert value["usage"]["completion_tokens"] == 5


@pytest.mark.parametrize(
    ("reason", "counted", "thought", "limit", "ours"),
    [
        ("stop", 66, 64, 100, (66, 64, "stop")),
        ("length", 16, 16, 16, (16, 16, "length")),
        ("stop", 10**9, 10**9, 100, (2, 0, "stop")),
        ("stop", 3, 64, 100, (2, 0, "stop")),
        ("stop", 100, 98, 100, (100, 98, "length")),
        ("stop", 66, -1, 100, (2, 0, "stop")),
        ("stop", 66, "64", 100, (2, 0, "stop")),
    ],
)
def test_hidden_reasoning_is_counted_where_the_figures_can_be_true(
    reason: str, counted: Any, thought: Any, limit: int, ours: tuple[int, int, str]
) -> None:
    usage = {"completion_tokens": counted, "completion_tokens_details": {"reasoning_tokens": thought}}
    text = "" if reason == "length" else "one two"
    with patient_gateway(answering(completion(text, reason, usage=usage))) as gate:
        value = gate.complete(max_tokens=limit)
        told = value["usage"]
        details = told["completion_tokens_details"]
        assert (told["completion_tokens"], details["reasoning_tokens"], choice(value)[1]) == ours


@pytest.mark.parametrize("profile", ["openai", "kodexa"])
def test_a_refusal_stands_apart_where_the_platform_has_a_place_for_it(profile: str) -> None:
    apart = profile == "openai"
    refusal = [{"choices": [{"delta": {"refusal": text}}]} for text in ("I can", "not.")]
    with patient_gateway(streaming(*refusal, chunk(None, "stop"), "[DONE]"), profile) as gate:
        message = gate.complete()["choices"][0]["message"]
        assert message["content"] == (None if apart else "I cannot.")
        assert message.get("refusal") == ("I cannot." if apart else None)
        *chunks, _ = gate.stream()
        member = "refusal" if apart else "content"
        assert "".join(part["choices"][0]["delta"].get(member, "") for part in chunks) == "I cannot."


def test_what_is_held_back_is_bounded() -> None:
    reader = ContentReader()
    assert "".join(str(piece) for piece in reader.feed(" " * 1000)) == " " * 1000
    reader = ContentReader()
    pieces = [piece for _ in range(100) for piece in reader.feed("<|channel|>")]
    assert pieces
    assert all(isinstance(piece, Thought) for piece in pieces)
