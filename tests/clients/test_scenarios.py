"""Which recorded exchanges clients are shown: by what was asked and what came, never by the name of a probe."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from client_samples import ASKED, CALL, TOOLS, completion, error, exchange, stream

from conformance.clients.scenarios import scenarios_of
from conformance.wire.exchange import EndKind, Exchange, Redaction

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
HANDED_BACK = [
    *ASKED["messages"],
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": "done"},
]


def kinds(*exchanges: Exchange, **broken: tuple[str, ...]) -> list[str]:
    return [one.id for one in scenarios_of(exchanges, broken).scenarios]


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        ({}, "completion"),
        ({"n": 1, "stream": False, "max_tokens": 3}, "completion"),
        ({"stream": True}, "stream"),
        ({"stream": True, "stream_options": {"include_usage": True}}, "stream-usage"),
        ({"n": 2}, "choices"),
        ({"n": 2, "stream": True}, "stream-choices"),
        ({"tools": TOOLS, "tool_choice": "required"}, "tools"),
        ({"tools": TOOLS, "tool_choice": "required", "stream": True}, "stream-tools"),
        ({"tools": TOOLS, "messages": HANDED_BACK}, "second-turn"),
        ({"response_format": FORMAT}, "structured"),
        ({"response_format": FORMAT, "stream": True}, "stream-structured"),
    ],
)
def test_a_served_request_is_of_the_kind_that_it_asks_for(asked: dict[str, Any], kind: str) -> None:
    assert kinds(exchange("any", {**ASKED, **asked}, [b"{}"])) == [kind]


@pytest.mark.parametrize(
    "asked",
    [
        {"logprobs": True},
        {"n": 3},
        {"tools": TOOLS, "tool_choice": "none"},
        {"tools": [{"type": "function", "function": {"name": "other"}}], "tool_choice": "required"},
        {"response_format": {"type": "json_object"}},
        {"response_format": {"json_schema": FORMAT["json_schema"]}},
    ],
)
def test_what_drivers_do_not_ask_for_is_no_scenario(asked: dict[str, Any]) -> None:
    assert kinds(exchange("any", {**ASKED, **asked}, [b"{}"])) == []


def test_a_field_that_every_request_has_says_nothing_of_what_is_asked_for() -> None:
    due = {**ASKED, "brand_id": "b"}
    asked = [exchange(f"x{number}", due, [b"{}"], status=400) for number in range(10)]
    plain = exchange("plain", due, [b"{}"])
    other = exchange("other", {**due, "logprobs": True, "stream": True}, [b"{}"])
    assert kinds(*asked, plain, other) == ["completion", "error-400"]


def test_errors_are_told_apart_by_their_status_and_by_what_was_asked() -> None:
    streamed = exchange("x", {**ASKED, "stream": True}, [b"{}"], status=401)
    assert kinds(error(429, "slow down"), error(401, "who?", "y"), streamed) == [
        "error-401",
        "stream-error-401",
        "error-429",
    ]


def test_an_exchange_with_a_secret_taken_out_is_not_shown_and_the_reason_is_given() -> None:
    masked = replace(completion(), redactions=(Redaction("api-key", "plain", "body"),))
    chosen = scenarios_of([masked], {})
    assert chosen.scenarios == ()
    assert chosen.left_out == {"completion": "completion/plain#1: a secret was taken out of the answer"}


def test_what_the_client_of_the_run_ended_is_not_shown() -> None:
    assert kinds(stream(ending=EndKind.HUNG_UP)) == []


def test_an_answer_that_the_target_cut_is_shown() -> None:
    assert kinds(stream(ending=EndKind.RESET)) == ["stream"]


def test_what_went_elsewhere_is_not_shown() -> None:
    other = exchange("x", ASKED, [b"{}"], url="http://target/v1/models")
    assert kinds(completion(), completion("again"), other) == ["completion"]


def test_of_each_kind_the_exchange_is_shown_that_breaks_the_most_and_a_second_that_breaks_something_else() -> None:
    broken = {"two#1": ("a", "b"), "same#1": ("a",), "other#1": ("c",)}
    names = [completion(name) for name in ("none", "same", "two", "other")]
    chosen = scenarios_of(names, broken).scenarios
    assert [(one.id, one.exchange.id) for one in chosen] == [("completion", "two#1"), ("2/completion", "other#1")]
    assert chosen[0].explains == ("a", "b")


def test_all_structured_answers_that_are_shown_were_asked_for_by_one_schema() -> None:
    other = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    first = exchange("first", {**ASKED, "response_format": FORMAT}, [b"{}"])
    second = exchange("second", {**ASKED, "response_format": other, "stream": True}, [b"{}"])
    chosen = scenarios_of([first, second], {})
    assert chosen.schema == SCHEMA
    assert [one.id for one in chosen.scenarios] == ["structured"]
