"""Documents in the ways in which vendors publish them, each as small as can be; their own deployments keep them all."""

from __future__ import annotations

from typing import Any

from own_documents import own_document, the_post

ROLES = ["system", "user", "assistant"]
MESSAGES = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["role", "content"],
        "properties": {"role": {"type": "string", "enum": ROLES}, "content": {"type": "string"}},
    },
}
CHUNK = {
    "type": "object",
    "required": ["id", "choices"],
    "properties": {"id": {"type": "string"}, "choices": {"type": "array"}},
}
DONE = {"type": "string", "enum": ["[DONE]"]}


def request(*required: str, **properties: Any) -> dict[str, Any]:
    """A request schema with further properties."""
    usual = {"model": {"type": "string"}, "messages": MESSAGES, "max_tokens": {"type": "integer", "minimum": 1}}
    return {
        "type": "object",
        "required": ["model", "messages", *required],
        "properties": {**usual, "stream": {"type": "boolean"}, **properties},
    }


def streaming(version: str = "3.1.0", **media_type: Any) -> dict[str, Any]:
    """A document whose stream is described in some way."""
    document = own_document(request(), completion={"type": "object"}, version=version)
    the_post(document)["responses"]["200"]["content"]["text/event-stream"] = media_type
    return document


def event(data: Any) -> dict[str, Any]:
    """The schema of a whole event."""
    return {"type": "object", "required": ["data"], "properties": {"data": data, "event": {"type": "string"}}}


def _only_streams() -> dict[str, Any]:
    document = own_document(request("stream", stream={"type": "boolean", "enum": [True]}))
    the_post(document)["responses"]["200"]["content"] = {"text/event-stream": {"schema": CHUNK}}
    return document


def _with_parameters() -> dict[str, Any]:
    document = own_document(request(), path="/deployments/{deployment-id}/chat/completions")
    the_post(document)["parameters"] = [
        {"in": "path", "name": "deployment-id", "required": True, "schema": {"type": "string"}},
        {
            "in": "query",
            "name": "api-version",
            "required": True,
            "schema": {"type": "string", "enum": ["2030-01-01", "2030-02-01"]},
        },
        {"in": "header", "name": "X-Tenant", "required": True, "schema": {"type": "string"}, "example": "blue"},
        {"in": "cookie", "name": "region", "required": True, "schema": {"type": "integer", "minimum": 1}},
        {"in": "query", "name": "trace", "schema": {"type": "string"}},
    ]
    return document


def _with_keys(*places: str) -> dict[str, Any]:
    schemes = {place: {"type": "apiKey", "in": place, "name": f"{place}-key"} for place in places}
    return own_document(request(), security=[{place: [] for place in places}], components={"securitySchemes": schemes})


def _refusing_with(status: str, error: Any) -> dict[str, Any]:
    document = own_document(request(), completion={"type": "object"})
    the_post(document)["responses"][status] = {
        "description": "Not valid.",
        "content": {"application/json": {"schema": error}},
    }
    return document


_DETAIL = {
    "type": "object",
    "required": ["detail"],
    "properties": {
        "detail": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["loc", "msg", "type"],
                "properties": {"loc": {"type": "array"}, "msg": {"type": "string"}, "type": {"type": "string"}},
            },
        }
    },
}
_COMPLETION = {
    "type": "object",
    "required": ["id", "choices", "usage"],
    "properties": {
        "id": {"type": "string"},
        "object": {"type": "string", "enum": ["chat.completion"]},
        "choices": {"type": "array", "items": {"type": "object", "properties": {"message": {"type": "object"}}}},
        "usage": {"type": "object"},
    },
}
_PART = {
    "oneOf": [
        {"type": "object", "required": ["content"], "properties": {"content": {"type": "string"}}},
        {
            "type": "object",
            "required": ["calls"],
            "properties": {"calls": {"type": "array", "items": {"type": "object"}}},
        },
    ]
}

PUBLISHED: dict[str, dict[str, Any]] = {
    "a default that is an object": own_document(
        request(
            hint={
                "type": "object",
                "required": ["kind"],
                "properties": {"kind": {"type": "string"}},
                "default": {"kind": "plain"},
            }
        )
    ),
    "formats": own_document(
        request(site={"type": "string", "format": "uri"}, since={"type": "string", "format": "date-time"})
    ),
    "nullable that means nothing": own_document(
        request(
            name={"type": "string", "nullable": True},
            mode={"type": "string", "nullable": True, "enum": ["a", "b"]},
            either={"nullable": True, "anyOf": [{"type": "string"}, {"type": "integer"}]},
        )
    ),
    "nullable of 3.0": own_document(
        request(name={"type": "string", "nullable": True}, mode={"type": "string", "nullable": True, "enum": ["a"]}),
        version="3.0.3",
    ),
    "read and write only": own_document(
        request("id", id={"type": "string", "readOnly": True}),
        completion={
            "type": "object",
            "required": ["secret", "choices"],
            "properties": {"secret": {"type": "string", "writeOnly": True}, "choices": {"type": "array"}},
        },
    ),
    "messages that may be left out": own_document(
        {"type": "object", "required": ["model"], "properties": request()["properties"]}
    ),
    "messages that may be null": own_document(
        {
            "type": "object",
            "properties": {
                **request()["properties"],
                "messages": {"anyOf": [MESSAGES, {"type": "null"}], "default": None},
            },
        }
    ),
    "a role of any text": own_document(
        request(messages={"type": "array", "items": {"type": "object", "properties": {"role": {"type": "string"}}}})
    ),
    "a branch within allOf": own_document(
        request(
            messages={
                "type": "array",
                "items": {
                    "allOf": [
                        _PART,
                        {"type": "object", "required": ["role"], "properties": {"role": {"type": "string"}}},
                    ]
                },
            }
        ),
        version="3.0.3",
    ),
    "kinds of requests": own_document(
        {
            "oneOf": [
                {"type": "object", "required": ["prompt"], "properties": {"prompt": {"type": "string"}}},
                request(),
            ]
        }
    ),
    "events in the schema of the stream": streaming(schema=event(CHUNK)),
    "events with text that is JSON": streaming(
        "3.2.0", itemSchema=event({"type": "string", "contentMediaType": "application/json", "contentSchema": CHUNK})
    ),
    "events with an object": streaming("3.2.0", itemSchema=event(CHUNK)),
    "chunks or the last event": streaming(schema={"oneOf": [CHUNK, DONE]}),
    "events of two kinds": streaming(schema={"oneOf": [event(CHUNK), event(DONE)]}),
    "an array of chunks": streaming(schema={"type": "array", "items": CHUNK}),
    "a stream of text": streaming(schema={"type": "string"}),
    "streams only": _only_streams(),
    "parameters of every kind": _with_parameters(),
    "a key in the query": _with_keys("query"),
    "a key in a cookie": _with_keys("cookie"),
    "two keys": _with_keys("header", "query"),
    "422 and no 400": _refusing_with("422", _DETAIL),
    "errors that are a text": _refusing_with(
        "default", {"type": "object", "properties": {"error": {"type": "string"}}}
    ),
    "completions in two branches": own_document(
        request(), completion={"anyOf": [_COMPLETION, {"type": "string"}, {**_COMPLETION, "required": ["id"]}]}
    ),
    "a huge limit": own_document(
        request(
            max_tokens={"type": "integer", "minimum": 0, "maximum": 2_000_000},
            n={"type": "integer", "maximum": 500},
            seed={"type": "integer", "maximum": 4.0},
        )
    ),
}
