"""What a refusal says that a deployment does not take, as real deployments word it; and what says no such thing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conformance.suite.complaint import read_complaint
from conformance.suite.limits import least_limit
from conformance.suite.refusals import advised_limit, refused_fields, refused_together, refuses_streaming

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
