"""What a refusal says that a deployment does not take, as real deployments word it; and what says no such thing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conformance.suite.complaint import read_complaint
from conformance.suite.limits import least_limit
from conformance.suite.refusals import (
    advised_limit,
    refused_fields,
    refused_together,
    refuses_automatic_choice,
    refuses_reasoning,
    refuses_streaming,
    refuses_this_choice,
    says_unsupported,
)

SENT = {"model": "m", "messages": [], "max_tokens": 1, "n": 2, "stop": ["a"], "temperature": 1, "top_p": 1}


def openai(message: str, **more: Any) -> bytes:
    """An error in the envelope of the OpenAI API."""
    return json.dumps({"error": {"message": message, **more}}).encode()


def fastapi(field: str, kind: str, message: str) -> bytes:
    """An error as FastAPI and Pydantic give it."""
    return json.dumps({"detail": [{"type": kind, "loc": ["body", field], "msg": message}]}).encode()


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (
            openai("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'.", param="max_tokens"),
            ("max_tokens",),
        ),
        (openai("n > 1 is not supported.", param="n"), ("n",)),
        (openai("stop is not supported with n.", param="stop"), ("stop",)),
        (fastapi("n", "extra_forbidden", "Extra inputs are not permitted"), ("n",)),
        (openai("Unrecognized request argument supplied: stop"), ("stop",)),
        (b"Unknown parameter: `n`.", ("n",)),
        (openai("n must be at most 1.", param="n"), ()),
        (openai("This model is not supported."), ()),
        (openai("messages is not supported.", param="messages"), ()),
        (openai("presence_penalty is not supported."), ()),  # which was not sent
        (b"", ()),
        (b"\xff\xfe not supported", ()),
    ],
)
def test_fields_are_refused_by_name(body: bytes, fields: tuple[str, ...]) -> None:
    assert refused_fields(SENT, 400, body) == fields
    assert refused_fields(SENT, 500, body) == ()
    assert refused_fields("text", 400, body) == ()


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        ("You are not allowed to request logprobs from this model.", ("logprobs",)),
        ("Your plan does not have access to `n`.", ("n",)),
        ("logprobs is unsupported here.", ("logprobs",)),
        ("Your key is not allowed here.", ()),
        ("The request was blocked. Contact support and name your `n`.", ()),
        ("Forbidden", ()),
    ],
)
def test_a_403_declines_the_field_that_it_names_and_forbids(message: str, fields: tuple[str, ...]) -> None:
    assert refused_fields({**SENT, "logprobs": True}, 403, openai(message, param=None, code=None)) == fields
    assert refused_fields({**SENT, "logprobs": True}, 401, openai(message)) == ()


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (openai("This model does not support tools.", param="tools[0].type"), ("tools",)),
        (openai("tool_choice is not supported by this model."), ("tool_choice",)),
        (openai('"auto" tool choice requires --enable-auto-tool-choice; tools are not supported'), ("tools",)),
        (fastapi("reasoning_effort", "extra_forbidden", "Extra inputs are not permitted"), ("reasoning_effort",)),
        (openai("Only the roles user and assistant are supported."), ()),
        (openai("Unrecognized request argument supplied: user"), ("user",)),
        (openai('Extra field "store" is not supported'), ("store",)),
        (openai("The storage of audio is not supported."), ()),
    ],
)
def test_what_not_every_deployment_offers_is_refused_by_name(body: bytes, fields: tuple[str, ...]) -> None:
    offered = ("tools", "tool_choice", "reasoning_effort", "user", "store", "audio")
    assert refused_fields({**SENT, **dict.fromkeys(offered, 1)}, 400, body) == fields


@pytest.mark.parametrize(
    ("status", "body", "fields"),
    [
        (404, openai("No endpoints found that support tool use."), ("tools",)),
        (400, openai("`tool calling` is not supported with this model"), ("tools",)),
        (400, openai("registry.example/library/m does not support tools"), ("tools",)),
        (400, openai("tools param requires --jinja flag"), ("tools",)),
        (400, openai('Invalid JSON payload received. Unknown name "tools": Cannot find field.'), ("tools",)),
        (400, openai('tool_choice="required" requires --tool-call-parser to be set'), ("tool_choice",)),
        (400, openai("This response_format type is unavailable now"), ("response_format",)),
        (400, openai("Structured outputs are not supported by this model."), ("response_format",)),
        (501, openai("tools: not implemented"), ("tools",)),
        (500, openai("tools param requires --jinja flag"), ()),  # the client's mistake is none of the server's
        (404, openai("The model `m` does not exist."), ()),
        (400, openai("An assistant message with 'tool_calls' must be followed by tool messages."), ()),
    ],
)
def test_what_servers_say_of_tools_and_formats_is_read(status: int, body: bytes, fields: tuple[str, ...]) -> None:
    sent = {**SENT, "tools": [1], "tool_choice": "required", "response_format": {"type": "json_schema"}}
    assert refused_fields(sent, status, body) == fields


def test_a_refusal_of_the_automatic_choice_is_read() -> None:
    said = openai('"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set')
    asked = {**SENT, "tools": [1]}
    assert refuses_automatic_choice(asked, 400, said)
    assert refuses_automatic_choice({**asked, "tool_choice": "auto"}, 400, said)
    assert not refuses_automatic_choice({**asked, "tool_choice": "required"}, 400, said)
    assert not refuses_automatic_choice(SENT, 400, said)
    assert not refuses_automatic_choice(asked, 500, said)
    assert not refuses_automatic_choice(asked, 400, openai("tools are not supported"))


def test_a_refusal_of_a_form_of_choice_is_read() -> None:
    asked = {**SENT, "tools": [1], "tool_choice": {"type": "allowed_tools"}}
    assert refuses_this_choice(asked, 400, openai("Invalid tool choice, tool_choice={'type': 'allowed_tools'}"))
    assert refuses_this_choice(asked, 422, fastapi("tool_choice", "missing", "Field required"))
    assert not refuses_this_choice(asked, 500, openai("tool_choice"))
    assert not refuses_this_choice(asked, 400, openai("messages must not be empty"))


def test_a_refusal_of_reasoning_that_was_handed_back_is_read() -> None:
    said = openai("'messages.1': property 'reasoning_content' is unsupported")
    handed_back = {**SENT, "messages": [{"role": "assistant", "reasoning_content": "hm"}]}
    assert refuses_reasoning(handed_back, 400, said)
    assert not refuses_reasoning(handed_back, 400, openai("The messages are not valid."))
    assert not refuses_reasoning(SENT, 400, said)
    assert not refuses_reasoning("text", 400, said)


def test_an_error_says_that_something_is_not_supported_whatever_its_status() -> None:
    assert says_unsupported(openai("image input is not supported - hint: you may need to provide the mmproj"))
    assert says_unsupported(openai('Failed to parse tools: Unsupported tool type: {"type":"custom"}'))
    assert not says_unsupported(b"Internal Server Error")


@pytest.mark.parametrize(
    ("body", "least"),
    [
        (openai("Invalid 'max_tokens': integer below minimum value. Expected a value >= 16, but got 1 instead."), 16),
        (openai("max_tokens must be at least 8"), 8),
        (openai("max_tokens must be greater than 3"), 4),
        (openai("max_tokens is too small", param="max_tokens"), 16),
        (openai("max_tokens must be at least 1"), None),
        (openai("max_tokens must be at least 999999"), None),
        (openai("max_tokens must be at most 4096"), None),
        (openai("temperature must be at least 16"), None),
        (openai("Unsupported parameter: 'max_tokens'"), None),
    ],
)
def test_the_least_limit_is_read(body: bytes, least: int | None) -> None:
    assert least_limit(SENT, 400, body) == least


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        ("`temperature` and `top_p` cannot both be specified for this model.", ("temperature", "top_p")),
        ("Only one of temperature and top_p may be set.", ("temperature", "top_p")),
        ("stop and n are mutually exclusive", ("n", "stop")),
        ("temperature cannot both be hot and cold", ()),
        ("temperature and top_p are wrong", ()),
    ],
)
def test_fields_that_are_refused_together_are_named(message: str, fields: tuple[str, ...]) -> None:
    assert refused_together(SENT, 400, openai(message)) == fields


def test_a_refusal_of_streams_is_read() -> None:
    asked = {**SENT, "stream": True}
    assert refuses_streaming(asked, 400, openai("Streaming is not supported by this model."))
    assert not refuses_streaming(SENT, 400, openai("Streaming is not supported by this model."))
    assert not refuses_streaming(asked, 400, openai("stream must be false"))
    assert not refuses_streaming(asked, 500, openai("Streaming is not supported by this model."))


def test_the_field_to_use_instead_is_read() -> None:
    message = openai("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
    assert advised_limit(SENT, message) == "max_completion_tokens"
    assert advised_limit(SENT, openai("Unsupported parameter: 'max_tokens'.")) is None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (openai("Wrong."), "Wrong."),
        (b'{"error": "Wrong."}', "Wrong."),
        (b'{"detail": "Wrong."}', "Wrong."),
        (b'{"message": "Wrong."}', "Wrong."),
        (b'{"error": {"code": 3}}', None),
        (b"[1]", None),
        (b"{", None),
    ],
)
def test_the_message_of_an_error_is_read_in_the_common_formats(body: bytes, message: str | None) -> None:
    assert read_complaint(body).message == message
