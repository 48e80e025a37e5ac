"""The valid requests that the probes for keywords start from, each as cheap as its field allows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.contract.model import Schema
from conformance.probes.request_body import CHEAP, REMOVED, Path, RequestBody

COMPANIONS: Mapping[str, Mapping[str, Any]] = {
    "stream_options": {"stream": True},
    "top_logprobs": {"logprobs": True},
    "max_completion_tokens": {"max_tokens": REMOVED},
}
"""Fields that the OpenAI Chat Completions reference ties to another field."""
_MANY_CHOICES = 8


def base_for(path: Path, body: RequestBody) -> dict[str, Any]:
    """A valid request in which the field at a path may be set: with the fields that it needs beside it."""
    companions = COMPANIONS.get(str(path[0]), {}) if path else {}
    base = {**body.capped(CHEAP), **companions}
    return {name: value for name, value in base.items() if value is not REMOVED}


def cheap(changed: Any, body: RequestBody) -> Any:
    """The same request, with one token for each choice where it asks for many choices."""
    limit = body.limit_field
    return {**changed, limit: 1} if limit is not None and asks_for_many(changed) and limit in changed else changed


def asks_for_many(changed: Any) -> bool:
    """Whether a request asks for so many choices that they cost."""
    choices = changed.get("n") if isinstance(changed, Mapping) else None
    return type(choices) is int and choices > _MANY_CHOICES


def definitions_of(schema: Schema) -> Mapping[str, Any]:
    """What a `$ref` of a recursion leads to."""
    found: Mapping[str, Any] = schema.get("$defs", {}) if isinstance(schema, Mapping) else {}
    return found
