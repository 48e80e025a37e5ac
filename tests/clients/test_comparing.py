"""What a client says is compared with what the bytes say: the same, otherwise, or broke."""

from __future__ import annotations

from typing import Any

import pytest
from client_samples import ASKED, CALL, CHUNKS, USAGE, chunk, completion, error, exchange, scenario, stream

from conformance.clients.comparing import compared
from conformance.clients.expected import expected_of
from conformance.report.client_results import Understanding
from conformance.wire.exchange import EndKind, Exchange

SAID = {"text": ["Hello."], "finish_reason": ["stop"], "tool_calls": [[]], "usage": USAGE}
CALLED = [{"id": "call_1", "name": "set_city", "arguments": {"city": "Oslo"}}]
WITH_CALL = completion(message={"role": "assistant", "content": None, "tool_calls": [CALL]})


def result(kind: str, recorded: Exchange, **line: Any) -> Understanding:
    return compared(expected_of(scenario(kind, recorded)), line).understanding


def understood(kind: str, recorded: Exchange, **said: Any) -> tuple[str, ...]:
    """The members that a client understood otherwise."""
    judged = compared(expected_of(scenario(kind, recorded)), {"understood": {**SAID, **said}})
    return tuple(one.member for one in judged.differences)


def test_a_client_that_says_what_the_bytes_say_understood_the_same() -> None:
    assert result("completion", completion(), understood=SAID) is Understanding.SAME
    assert result("stream", stream(), understood={**SAID, "usage": None}) is Understanding.SAME


@pytest.mark.parametrize(
    "said",
    [
        {"finish_reason": ["STOP"]},
        {"tool_calls": []},
        {"usage": {**USAGE, "cached": 1}},
        {"usage": {"prompt_tokens": 3}},
    ],
)
def test_a_spelling_of_its_own_is_no_difference(said: dict[str, Any]) -> None:
    assert understood("completion", completion(), **said) == ()


def test_a_member_that_a_client_does_not_show_is_not_compared() -> None:
    assert result("completion", completion(), understood={"text": ["Hello."]}) is Understanding.SAME


@pytest.mark.parametrize(
    ("said", "member"),
    [
        ({"text": ["Hello"]}, "text"),
        ({"text": ["Hello.", ""]}, "text"),
        ({"finish_reason": ["length"]}, "finish_reason"),
        ({"finish_reason": [None]}, "finish_reason"),
        ({"tool_calls": [CALLED]}, "tool_calls"),
        ({"usage": None}, "usage"),
        ({"usage": {**USAGE, "total_tokens": 6}}, "usage"),
    ],
)
def test_what_a_client_lost_or_made_up_is_a_difference(said: dict[str, Any], member: str) -> None:
    assert understood("completion", completion(), **said) == (member,)


def test_usage_that_never_came_is_made_up_but_for_zeros() -> None:
    assert understood("stream", stream(), usage=USAGE) == ("usage",)
    assert understood("stream", stream(), usage=dict.fromkeys(USAGE, 0)) == ()


def test_a_call_is_compared_by_what_its_arguments_mean_and_by_what_the_client_shows_of_it() -> None:
    said = {"text": [None]}
    assert understood("tools", WITH_CALL, **said, tool_calls=[CALLED]) == ()
    assert understood("tools", WITH_CALL, **said, tool_calls=[[{"name": "set_city"}]]) == ()
    assert understood("tools", WITH_CALL, **said, tool_calls=[[{**CALLED[0], "id": "made-up"}]]) == ("tool_calls",)
    assert understood("tools", WITH_CALL, **said, tool_calls=[[]]) == ("tool_calls",)


def test_whoever_raises_on_an_answer_that_was_served_broke() -> None:
    judged = compared(
        expected_of(scenario("stream", stream())), {"failed": {"class": "ValidationError", "message": "usage\nis null"}}
    )
    assert judged.understanding is Understanding.BROKE
    assert judged.message == "ValidationError: usage\\nis null"


def test_an_answer_that_was_cut_and_is_taken_for_whole_is_understood_otherwise() -> None:
    cut = stream(chunk({"role": "assistant", "content": "Hel"}), ending=EndKind.RESET)
    assert understood("stream", cut, text=["Hel"], finish_reason=[None], usage=None) == ("answer",)


def test_how_the_connection_ends_after_the_sentinel_is_of_no_matter() -> None:
    assert understood("stream", stream(*CHUNKS, ending=EndKind.TRUNCATED), usage=None) == ()


def test_an_error_in_the_midst_of_a_stream_must_be_raised() -> None:
    broken = stream(CHUNKS[0], '{"error":{"message":"overloaded","type":"x"}}')
    assert result("stream", broken, understood=SAID) is Understanding.OTHERWISE
    assert result("stream", broken, failed={"class": "APIError", "message": "overloaded"}) is Understanding.SAME


REFUSED = error(429, 'Slow "down"\nplease')


@pytest.mark.parametrize(
    ("failed", "expected"),
    [
        ({"class": "RateLimitError", "message": 'Slow "down"\nplease', "status": 429}, Understanding.SAME),
        ({"class": "RateLimitError", "message": r"{'message': 'Slow \"down\"\nplease'}"}, Understanding.SAME),
        ({"class": "Error", "message": '429 {"message":"Slow \\"down\\"\\nplease"}'}, Understanding.SAME),
        ({"class": "APIError", "message": 'Slow "down"\nplease', "status": 500}, Understanding.OTHERWISE),
        ({"class": "RateLimitError", "message": "too many requests", "status": 429}, Understanding.OTHERWISE),
        ({"class": "Error", "message": 'Slow "down"\nplease'}, Understanding.OTHERWISE),
        ({"class": "KeyError", "message": "'choices'"}, Understanding.BROKE),
    ],
)
def test_an_error_is_understood_by_its_status_and_its_message(failed: dict[str, Any], expected: Understanding) -> None:
    assert result("error-429", REFUSED, failed=failed) is expected


def test_an_answer_in_place_of_an_error_is_made_up() -> None:
    assert result("error-429", REFUSED, understood=SAID) is Understanding.OTHERWISE


def test_a_client_that_cannot_ask_is_not_blamed() -> None:
    assert result("choices", completion(), unsupported=True) is Understanding.UNSUPPORTED


def test_the_address_of_the_replay_server_is_in_no_message() -> None:
    failed = {"class": "HTTPStatusError", "message": "for http://127.0.0.1:40123/2/error-429/v1/chat/completions"}
    judged = compared(expected_of(scenario("error-429", REFUSED)), {"failed": failed})
    assert judged.message == "HTTPStatusError: for http://replay/v1/chat/completions"


def test_an_error_that_is_a_code_beside_a_message_says_the_message() -> None:
    body = b'{"error":"invalid_json","message":"The body is cut."}'
    refused = exchange("error/x", ASKED, [body], status=400)
    assert expected_of(scenario("error-400", refused)).error == "The body is cut."
    bare = exchange("error/x", ASKED, [b'{"error":"invalid_json"}'], status=400)
    assert expected_of(scenario("error-400", bare)).error == "invalid_json"
