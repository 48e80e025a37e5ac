from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from conformance.contract import load_contract

if TYPE_CHECKING:
    from reference_callers import Caller

pytestmark = pytest.mark.network


def content(completion: dict[str, Any], choice: int = 0) -> str:
    text = completion["choices"][choice]["message"]["content"]
    assert isinstance(text, str)
    return text


def test_a_completion_matches_the_contract(caller: Caller) -> None:
    completion = caller.complete("Hello there.")
    response = load_contract(caller.profile).operation.response(200)
    assert response is not None
    assert response.json_schema is not None
    Draft202012Validator(response.json_schema).validate(completion)
    assert completion["object"] == "chat.completion"
    assert abs(completion["created"] - time.time()) < 60
    assert content(completion).startswith("You said: Hello there.")
    assert completion["choices"][0]["finish_reason"] == "stop"


def test_loop_health_fills_in_its_default_model(loop_health: Caller) -> None:
    assert loop_health.complete()["model"] == "claude-sonnet-4-6"
    assert loop_health.complete(model="gpt-4o")["model"] == "gpt-4o"


def test_ids_are_unique_and_answers_deterministic(caller: Caller) -> None:
    first, second = caller.complete("Twice."), caller.complete("Twice.")
    assert first["id"] != second["id"]
    assert first["id"].startswith("chatcmpl-")
    assert content(first) == content(second)


def test_an_answer_has_at_least_a_dozen_tokens_that_add_up(caller: Caller) -> None:
    for text in ("", "Hi", "日本語", "👩‍👩‍👧‍👦", "a" * 500):
        usage = caller.complete(text)["usage"]
        assert usage["completion_tokens"] >= 12
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_usage_grows_with_every_message_of_the_prompt(caller: Caller) -> None:
    short = caller.complete("Hello.")["usage"]["prompt_tokens"]
    messages = [{"role": "system", "content": "Be brief and kind."}, {"role": "user", "content": "Hello."}]
    body = caller.body() | {"messages": messages}
    assert caller.post(body).json()["usage"]["prompt_tokens"] > short


def test_max_tokens_cuts_and_the_finish_reason_is_length(caller: Caller) -> None:
    whole = content(caller.complete("one two three four five six seven eight nine ten eleven"))
    for limit in (1, 2, 5):
        completion = caller.complete("one two three four five six seven eight nine ten eleven", max_tokens=limit)
        assert completion["usage"]["completion_tokens"] == limit
        assert completion["choices"][0]["finish_reason"] == "length"
        assert whole.startswith(content(completion))
    longer = caller.complete("one two three four five six seven eight nine ten eleven", max_tokens=1000)
    assert longer["choices"][0]["finish_reason"] == "stop"
    assert content(longer) == whole


def test_the_smaller_of_two_token_limits_holds(openai: Caller) -> None:
    assert openai.complete(max_tokens=5, max_completion_tokens=2)["usage"]["completion_tokens"] == 2
    assert openai.complete(max_completion_tokens=3)["usage"]["completion_tokens"] == 3


def test_stop_ends_before_the_sequence(kodexa: Caller, openai: Caller) -> None:
    for caller in (kodexa, openai):
        completion = caller.complete("alpha beta gamma delta", stop=["gamma"])
        assert content(completion) == "You said: alpha beta "
        assert completion["choices"][0]["finish_reason"] == "stop"


def test_stop_is_found_across_tokens_and_the_first_one_counts(openai: Caller) -> None:
    assert content(openai.complete("alpha beta gamma", stop="ta ga")) == "You said: alpha be"
    assert content(openai.complete("alpha beta gamma", stop=["gamma", "eta", "zzz"])) == "You said: alpha b"
    assert content(openai.complete("x" * 40, stop="x" * 30)) == "You said: "
    assert content(openai.complete("aab aaab aaaab", stop="aaab")) == "You said: aab "


def test_stop_at_the_very_start_leaves_an_empty_text(openai: Caller) -> None:
    completion = openai.complete("Hello.", stop="You")
    assert content(completion) == ""
    assert completion["usage"]["completion_tokens"] == 0


def test_n_is_the_number_of_choices(openai: Caller, kodexa: Caller) -> None:
    for caller in (openai, kodexa):
        completion = caller.complete("Hello.", n=3, max_tokens=2)
        assert [choice["index"] for choice in completion["choices"]] == [0, 1, 2]
        assert completion["usage"]["completion_tokens"] == 6


def test_a_field_that_a_contract_does_not_have_is_ignored(loop_health: Caller) -> None:
    completion = loop_health.complete("Hello.", n=3, stop=["said"])
    assert len(completion["choices"]) == 1
    assert "said" in content(completion)


def test_text_parts_are_joined(openai: Caller) -> None:
    parts = [{"type": "text", "text": "one "}, {"type": "text", "text": "two"}]
    body = openai.body() | {"messages": [{"role": "user", "content": parts}]}
    assert "one two" in content(openai.post(body).json())


def test_any_text_comes_back_as_it_was(caller: Caller) -> None:
    for text in (
        "naïve 日本語 \u202eקף 👩🏽‍🚀🇩🇪",
        "data: [DONE]\n\ndata: x\r\n",
        "a\u0000b\u2028c",
        "<b>&amp;</b>",
        "\u0301 \t ",
    ):
        assert text in content(caller.complete(text))


def test_logprobs_have_one_entry_per_token(openai: Caller) -> None:
    completion = openai.complete("naïve 日本語 🇩🇪", logprobs=True, top_logprobs=3)
    entries = completion["choices"][0]["logprobs"]["content"]
    assert len(entries) == completion["usage"]["completion_tokens"]
    assert "".join(entry["token"] for entry in entries) == content(completion)
    for entry in entries:
        assert bytes(entry["bytes"]).decode() == entry["token"]
        assert entry["logprob"] < 0
        assert len(entry["top_logprobs"]) == 3
        assert entry["top_logprobs"][0]["token"] == entry["token"]


def test_logprobs_are_null_unless_requested(openai: Caller) -> None:
    assert openai.complete()["choices"][0]["logprobs"] is None
    entries = openai.complete(logprobs=True)["choices"][0]["logprobs"]["content"]
    assert all(entry["top_logprobs"] == [] for entry in entries)


def test_no_answer_may_be_kept_by_a_cache(caller: Caller) -> None:
    assert caller.post(caller.body()).headers["cache-control"] == "no-store"


def test_json_mode_gives_a_json_object(openai: Caller) -> None:
    asked = 'Say `"hello"` \\ and é.'
    completion = openai.complete(asked, response_format={"type": "json_object"})
    assert json.loads(content(completion)) == {"said": asked}
    assert content(openai.complete(asked, response_format={"type": "text"})).startswith("You said: ")
    assert openai.post(openai.body(asked, response_format="json_object")).status_code == 400
