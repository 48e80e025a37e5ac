"""Faults of the fifth set in what is refused, and how."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fifth.parts import crashing_before, order_of, refused
from held_out import Body, HeldOut
from second.parts import refusing
from third.parts import parts_of

from conformance.contract.dialect import Dialect
from conformance.contract.model import CredentialScheme
from conformance.reference.access import Fields, authenticate
from conformance.reference.errors import Refusal
from conformance.reference.hooks import Hooks
from conformance.reference.settings import Tenant
from conformance.reference.stages import Stages

_MOST_LISTED = 5
_LONGEST_URI = 65_520
_PREFILL = "This model does not support assistant message prefill. The conversation must end with a user message."


def _calls_before_content(_operation: Any, body: Body) -> Refusal | None:
    for message in body["messages"]:
        names = order_of(message)
        if "tool_calls" in names and "content" in names[names.index("tool_calls") :]:
            return refused(400, "invalid_value", _PREFILL, "messages")
    return None


def _empty_beside_calls(_operation: Any, body: Body) -> Refusal | None:
    if any(message.get("tool_calls") and message.get("content") == "" for message in body["messages"]):
        return refused(400, "invalid_value", "messages: text content blocks must be non-empty", "messages")
    return None


def _other_key_first(scheme: CredentialScheme, dialect: Dialect, tenants: Iterable[Tenant], fields: Fields) -> Tenant:
    listed = list(fields)
    others = [value for name, value in listed if name == b"x-api-key"]
    if others:
        kept = [(name, value) for name, value in listed if name != b"authorization"]
        listed = [*kept, (b"authorization", b"Bearer " + others[0])]
    return authenticate(scheme, dialect, tenants, listed)


def _five_at_most(_operation: Any, body: Body) -> Refusal | None:
    asked = body.get("top_logprobs") or 0
    if asked <= _MOST_LISTED:
        return None
    message = f"Requested sample logprobs of {asked}, which is greater than max allowed: {_MOST_LISTED}"
    return refused(400, "invalid_value", message, "top_logprobs")


def _urls(body: Body) -> list[str]:
    return [str(part["image_url"].get("url")) for part in parts_of(body) if part.get("type") == "image_url"]


def _parameter(_operation: Any, body: Body) -> Refusal | None:
    for url in _urls(body):
        header = url.removeprefix("data:").partition(",")[0]
        if url.startswith("data:") and header.partition(";")[2] != "base64":
            return refused(501, "not_implemented", "Only base64 data URLs are supported for now.")
    return None


def _long_uri(_operation: Any, body: Body) -> Refusal | None:
    for url in _urls(body):
        if len(url) > _LONGEST_URI:
            return refused(400, "invalid_payload", f"'{url[:40]}...' is not a valid absolute URI", "messages")
    return None


def _lacks_schema(body: Any) -> bool:
    form = body.get("response_format") if isinstance(body, Mapping) else None
    return isinstance(form, Mapping) and form.get("type") == "json_schema" and "json_schema" not in form


REQUEST_FAULTS = (
    HeldOut(
        "request.calls-before-content",
        "request",
        "A conversation is refused with 400 where `tool_calls` stands before `content` in an assistant's message.",
        lambda: Hooks(Stages(interpret=refusing(_calls_before_content))),
        ("https://github.com/aaif-goose/goose/issues/12164",),
    ),
    HeldOut(
        "request.empty-beside-calls",
        "request",
        "An assistant's message with calls whose `content` is the empty string, and not null, is refused with 400.",
        lambda: Hooks(Stages(interpret=refusing(_empty_beside_calls))),
        ("https://github.com/NousResearch/hermes-agent/issues/31583",),
    ),
    HeldOut(
        "access.other-key-first",
        "access",
        "A request with the right `Authorization` is refused with 401 where it has a field `x-api-key` of another API.",
        lambda: Hooks(Stages(authenticate=_other_key_first)),
        (
            "https://github.com/ankitcharolia/kiro-gateway/issues/61",
            "https://github.com/pydantic/pydantic-ai-gateway/pull/141",
        ),
    ),
    HeldOut(
        "logprobs.five-at-most",
        "logprobs",
        "A `top_logprobs` above 5, of the 20 that the document allows, is refused with 400.",
        lambda: Hooks(Stages(interpret=refusing(_five_at_most))),
        ("https://github.com/vllm-project/vllm/issues/5299",),
    ),
    HeldOut(
        "part.parameter-in-data-url",
        "part",
        "A picture whose data URL has a parameter, as `data:image/png;charset=utf-8;base64,` has, is answered 501.",
        lambda: Hooks(Stages(interpret=refusing(_parameter))),
        ("https://github.com/vllm-project/vllm/pull/48973",),
    ),
    HeldOut(
        "part.long-data-url",
        "part",
        "A picture whose data URL has more than 65,520 characters is refused with 400, as not a valid URI.",
        lambda: Hooks(Stages(interpret=refusing(_long_uri))),
        ("https://github.com/openai/openai-python/issues/3551",),
    ),
    HeldOut(
        "error.schema-missing",
        "error",
        "A `response_format` of type `json_schema` without the member `json_schema` is answered 500, and not 400.",
        lambda: crashing_before(_lacks_schema),
        ("https://github.com/vllm-project/vllm/issues/35438",),
    ),
)
