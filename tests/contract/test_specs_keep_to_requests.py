"""The shipped contracts take the requests that their documents allow and refuse what lies just outside."""

from __future__ import annotations

from typing import Any

import pytest
from shipped_specs import PROFILES, accepts, cases, changed, document, root_pointers, validator

ORDINARY_REQUEST: dict[str, dict[str, Any]] = {
    "kodexa": {
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Grüße"}],
        "model": "gpt-4",
        "max_tokens": 123,
        "n": 2,
        "stop": ["END", "\n"],
        "stream": True,
        "temperature": 0.5,
        "top_p": 0.9,
    },
    "loop-health": {
        "model": "gpt-4o",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Grüße"}],
        "temperature": 0.5,
        "max_tokens": 123,
        "stream": True,
        "brand_id": "brand",
        "requested_by": "somebody",
    },
    "openai": {
        "model": "gpt-4o",
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "name": "ada", "content": [{"type": "text", "text": "Grüße"}]},
        ],
        "temperature": 0.5,
        "top_p": 0.9,
        "n": 2,
        "stop": ["END", "\n"],
        "max_tokens": 12,
        "max_completion_tokens": 12,
        "stream": True,
        "stream_options": {"include_usage": True},
        "presence_penalty": 0.5,
        "frequency_penalty": -0.5,
        "seed": 7,
        "user": "somebody",
        "logprobs": True,
        "top_logprobs": 3,
    },
}

SERVED: dict[str, list[tuple[str, Any]]] = {
    "kodexa": [
        ("messages.0.role", "developer"),
        ("messages.0.role", "tool"),
        ("temperature", 0),
        ("temperature", 2),
        ("top_p", 0),
        ("top_p", 1.0),
        ("n", 1),
        ("n", 128),
        ("n", 2.0),
        ("max_tokens", 1),
        ("stop", ["a", "b", "c", "d"]),
        ("stream", ...),
        ("unknown", {"x": 1}),
    ],
    "loop-health": [
        ("model", ...),
        ("model", "claude-sonnet-4-6"),
        ("model", "gpt-3.5-turbo"),
        ("messages.0.content", ""),
        ("temperature", 0),
        ("temperature", 2),
        ("max_tokens", 1),
        ("stream", ...),
        ("brand_id", "b"),
        ("requested_by", "r"),
        ("unknown", {"x": 1}),
    ],
    "openai": [
        *[("messages.0.role", role) for role in ("developer", "system", "user", "assistant")],
        ("messages.0.tool_call_id", 7),
        *[(field, None) for field in ("temperature", "top_p", "n", "stop", "max_tokens", "max_completion_tokens")],
        *[(field, None) for field in ("stream", "stream_options", "presence_penalty", "frequency_penalty")],
        *[(field, None) for field in ("seed", "logprobs")],
        ("temperature", 2),
        ("top_p", 1),
        ("n", 128),
        ("stop", "END"),
        ("stop", ["a"]),
        ("stop", ["a", "b", "c", "d"]),
        ("presence_penalty", -2),
        ("frequency_penalty", 2),
        ("top_logprobs", 0),
        ("top_logprobs", 20),
        ("max_tokens", 1),
        ("unknown", {"x": 1}),
    ],
}
BAD_MESSAGES: list[tuple[str, Any]] = [
    ("messages", ...),
    ("messages", []),
    ("messages", "Hi"),
    ("messages.0", "Hi"),
    ("messages.0.role", ...),
    ("messages.0.role", "User"),
    ("messages.0.role", 1),
    ("messages.0.content", ...),
    ("messages.0.content", 1),
]
REFUSED: dict[str, list[tuple[str, Any]]] = {
    "kodexa": [
        *BAD_MESSAGES,
        ("model", ...),
        ("model", 1),
        ("temperature", -0.00005),
        ("temperature", 2.00005),
        ("temperature", "1"),
        ("top_p", -0.00005),
        ("top_p", 1.00005),
        ("top_p", "1"),
        ("n", 0),
        ("n", 129),
        ("n", 1.5),
        ("max_tokens", 0),
        ("max_tokens", 1.5),
        ("stop", []),
        ("stop", ["a", "b", "c", "d", "e"]),
        ("stop", [1]),
        ("stop", 1),
        ("stream", "true"),
    ],
    "loop-health": [
        *BAD_MESSAGES,
        ("messages.0.role", "tool"),
        ("messages.0.role", "developer"),
        ("messages.0.content", [{"type": "text", "text": "Hi"}]),
        ("model", "gpt-4"),
        ("model", None),
        ("temperature", -0.00005),
        ("temperature", 2.00005),
        ("temperature", "1"),
        ("max_tokens", 0),
        ("max_tokens", 1.5),
        ("max_tokens", None),
        ("stream", "true"),
        *[(field, value) for field in ("brand_id", "requested_by") for value in (..., "", 1, None)],
    ],
    "openai": [
        *BAD_MESSAGES,
        *[(field, "1") for field in ("temperature", "top_p", "n", "max_tokens", "max_completion_tokens", "seed")],
        *[(field, "1") for field in ("presence_penalty", "frequency_penalty")],
        ("messages.1.content", []),
        ("messages.1.content.0", "Hi"),
        ("messages.1.content.0.type", ...),
        ("messages.1.content.0.type", "txt"),
        ("messages.1.content.0.text", ...),
        ("messages.1.content.0.text", 1),
        ("messages.1.name", 1),
        ("messages.1.role", "tool"),
        ("model", ...),
        ("model", 1),
        ("temperature", -0.00005),
        ("temperature", 2.00005),
        ("top_p", -0.00005),
        ("top_p", 1.00005),
        ("n", 0),
        ("n", 129),
        ("stop", []),
        ("stop", ["a", "b", "c", "d", "e"]),
        ("stop", [1]),
        ("stop", 1),
        ("max_tokens", 0),
        ("max_completion_tokens", 0),
        ("stream", 1),
        ("stream_options", True),
        ("stream_options.include_usage", "true"),
        ("presence_penalty", -2.00005),
        ("presence_penalty", 2.00005),
        ("frequency_penalty", -2.00005),
        ("frequency_penalty", 2.00005),
        ("seed", 1.5),
        ("user", 1),
        ("logprobs", 1),
        ("top_logprobs", -1),
        ("top_logprobs", 21),
        ("top_logprobs", 1.5),
    ],
}


def without_what_hangs_on(name: str, request: dict[str, Any]) -> dict[str, Any]:
    """A request without the field that is only allowed when this one is true, unless it is."""
    needing = {"stream": "stream_options", "logprobs": "top_logprobs"}.get(name)
    return {one: value for one, value in request.items() if one != needing or request.get(name) is True}


@pytest.mark.parametrize("profile", PROFILES)
def test_an_ordinary_request_fits(profile: str) -> None:
    validator(profile, "/components/schemas/Request").validate(ORDINARY_REQUEST[profile])


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("body", [None, True, 1, "Hi", []])
def test_a_request_is_an_object(profile: str, body: Any) -> None:
    assert not accepts(profile, "Request", body)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_template_is_a_valid_request_that_asks_for_a_model_only_where_one_is_due(profile: str) -> None:
    template = document(profile)["x-conformance"]["request"]
    assert accepts(profile, "Request", template)
    assert ("model" in template) == ("model" in document(profile)["components"]["schemas"]["Request"]["required"])
    for name in template:
        assert not accepts(profile, "Request", changed(template, name, ...)), f"{name} is needed"


@pytest.mark.parametrize(("profile", "path", "value"), cases(SERVED))
def test_a_request_at_a_bound_fits(profile: str, path: str, value: Any) -> None:
    assert accepts(profile, "Request", without_what_hangs_on(path, changed(ORDINARY_REQUEST[profile], path, value)))


@pytest.mark.parametrize(("profile", "path", "value"), cases(REFUSED))
def test_a_request_just_outside_a_bound_does_not_fit(profile: str, path: str, value: Any) -> None:
    assert not accepts(profile, "Request", changed(ORDINARY_REQUEST[profile], path, value))


def test_the_organization_of_kodexa_is_a_uuid() -> None:
    judge = validator("kodexa", next(root_pointers("kodexa")))
    assert judge.is_valid("6f1e3c52-9f0a-4c07-8a55-0d5b8f6a2b11")
    assert not judge.is_valid("6f1e3c52-9f0a-4c07-8a55-0d5b8f6a2b1")
    assert not judge.is_valid("acme")
    assert not judge.is_valid(7)


def test_the_credentials() -> None:
    schemes = {profile: list(document(profile)["components"]["securitySchemes"].values()) for profile in PROFILES}
    assert [(one["type"], one["in"], one["name"]) for one in schemes["kodexa"]] == [("apiKey", "header", "x-api-key")]
    for profile in ("loop-health", "openai"):
        assert [(one["type"], one["scheme"]) for one in schemes[profile]] == [("http", "bearer")]


def test_the_defaults_that_the_documents_state() -> None:
    def defaults(profile: str) -> dict[str, Any]:
        properties = document(profile)["components"]["schemas"]["Request"]["properties"]
        return {name: schema["default"] for name, schema in properties.items() if "default" in schema}

    assert defaults("kodexa") == {}
    assert defaults("loop-health") == {"model": "claude-sonnet-4-6", "temperature": 0.7, "stream": False}
    for profile in PROFILES:
        for name, value in defaults(profile).items():
            request = without_what_hangs_on(name, changed(ORDINARY_REQUEST[profile], name, value))
            assert accepts(profile, "Request", request)
