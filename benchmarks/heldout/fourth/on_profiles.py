"""Faults of the fourth set in deployments of the other profiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fourth.parts import ended_otherwise
from held_out import Body, EventEdit, HeldOut, answering_when, events_stage, reading_stage
from second.parts import editing, refusing
from third.parts import leaving_out

from conformance.contract.dialect import Dialect
from conformance.reference.access import authorize
from conformance.reference.errors import Refusal
from conformance.reference.hooks import Hooks
from conformance.reference.provider import CompletionRequest
from conformance.reference.request_context import RequestContext
from conformance.reference.settings import Tenant
from conformance.reference.stages import Stages
from conformance.reference.validation import RequestRules

KODEXA, LOOP_HEALTH = "kodexa", "loop-health"
ORGANIZATIONS = ("6f1e3c52-9f0a-4c07-8a55-0d5b8f6a2b11", "b3a9d9c4-52a1-4f0e-9b5d-7c1f0f6e4d22")
"""Those of the two tenants, as the dialect of the profile has them."""
_MODELS = ("claude-sonnet-4-6", "gpt-4o", "gpt-4o-mini", "gpt-4-turbo", "gpt-3.5-turbo")
_MOST_TOKENS = 16_384
_EXPRESS = 100 * 1024
_TOO_LARGE = (
    b'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Error</title></head>\n<body>\n'
    b"<pre>PayloadTooLargeError: request entity too large</pre>\n</body></html>\n"
)


# --- Kodexa ---


def _has_odd_key(context: RequestContext) -> bool:
    return not context.headers.get("x-api-key", "").isascii()


def _told(dialect: Dialect, tenant: Tenant, parameters: Mapping[str, str]) -> None:
    """Tells who is not a member whether the organization exists."""
    try:
        authorize(dialect, tenant, parameters)
    except Refusal as refusal:
        if parameters.get("orgId", "").lower() in ORGANIZATIONS:
            raise
        raise Refusal(404, "not_found", "There is no such organization.", param="orgId") from refusal


def _growing_index() -> EventEdit:
    number = 0

    def edit(event: dict[str, Any], _request: CompletionRequest) -> None:
        nonlocal number
        for choice in event["choices"]:
            choice["index"] = number
            number += 1

    return edit


def _no_id() -> EventEdit:
    def edit(event: dict[str, Any], _request: CompletionRequest) -> None:
        event["id"] = ""

    return edit


def _written_as_float(_operation: Any, body: Body) -> Refusal | None:
    for name in ("temperature", "top_p"):
        if isinstance(body.get(name), int):
            return Refusal(400, "invalid_value", f"value is not a valid float: `{name}`", param=name)
    return None


# --- Loop Health ---


def _prefilled(_operation: Any, body: Body) -> Refusal | None:
    if body.get("model", _MODELS[0]) != _MODELS[0] or body["messages"][-1]["role"] != "assistant":
        return None
    message = "This model does not support assistant message prefill. The conversation must end with a user message."
    return Refusal(500, "provider_error", message)


def _too_many_tokens(_operation: Any, body: Body) -> Refusal | None:
    asked = body.get("max_tokens") or 0
    if asked <= _MOST_TOKENS:
        return None
    message = f"max_tokens is too large: {asked}. This model supports at most {_MOST_TOKENS} completion tokens."
    return Refusal(500, "provider_error", message)


def _is_unknown(body: Any) -> bool:
    return isinstance(body, Mapping) and isinstance(body.get("model"), str) and body["model"] not in _MODELS


def _default_for_unknown() -> Hooks:
    def known(body: Any) -> Any:
        return leaving_out(body, "model") if _is_unknown(body) else body

    def check(rules: RequestRules, body: Any) -> None:
        rules.check_body(known(body))

    return Hooks(Stages(check_body=check, interpret=reading_stage(known)))


PROFILE_FAULTS = (
    HeldOut(
        "kodexa.key-beyond-ascii",
        "kodexa",
        "A key with a character beyond ASCII is answered 500, and not 401.",
        lambda: answering_when(_has_odd_key, 500, b"Internal Server Error", b"text/plain; charset=utf-8"),
        (
            "https://github.com/jundot/omlx/pull/1719",
            "https://github.com/sgl-project/sglang/pull/38122",
        ),
        profile=KODEXA,
    ),
    HeldOut(
        "kodexa.organization-told",
        "kodexa",
        "An organization of others is answered 403, one that does not exist 404: so anybody learns which exist.",
        lambda: Hooks(Stages(authorize=_told)),
        ("https://github.com/rotationalio/ensign/pull/267",),
        profile=KODEXA,
    ),
    HeldOut(
        "kodexa.growing-index",
        "kodexa",
        "The `index` of the choice grows with each chunk of a stream, as if it counted tokens.",
        lambda: Hooks(Stages(build_events=events_stage(_growing_index))),
        ("https://github.com/microsoft/foundry-local/issues/144",),
        profile=KODEXA,
    ),
    HeldOut(
        "kodexa.end-of-turn",
        "kodexa",
        "A choice that ends by itself has the finish reason of another API, `end_turn`, whole or streamed.",
        lambda: editing(ended_otherwise({"stop": "end_turn"}), lambda: ended_otherwise({"stop": "end_turn"})),
        (
            "https://github.com/aws-samples/bedrock-access-gateway/issues/11",
            "https://github.com/vercel/modelfusion/pull/343",
        ),
        profile=KODEXA,
    ),
    HeldOut(
        "kodexa.whole-temperature",
        "kodexa",
        "A `temperature` or `top_p` that is written as a whole number, as 1 and not as 1.0, is refused with 400.",
        lambda: Hooks(Stages(interpret=refusing(_written_as_float))),
        ("https://github.com/huggingface/hub-docs/issues/8",),
        profile=KODEXA,
    ),
    HeldOut(
        "kodexa.empty-id",
        "kodexa",
        "The `id` of all chunks of all streams is the empty string.",
        lambda: Hooks(Stages(build_events=events_stage(_no_id))),
        ("https://github.com/huggingface/text-generation-inference/issues/1782",),
        profile=KODEXA,
    ),
    HeldOut(
        "loop-health.ends-with-assistant",
        "loop-health",
        "With the default model a conversation that ends with an assistant's message is answered 500.",
        lambda: Hooks(Stages(interpret=refusing(_prefilled))),
        (
            "https://github.com/Kilo-Org/kilocode/issues/8260",
            "https://github.com/router-for-me/CLIProxyAPI/issues/5319",
        ),
        profile=LOOP_HEALTH,
    ),
    HeldOut(
        "loop-health.limit-of-the-model",
        "loop-health",
        "A `max_tokens` above 16,384, to which the document sets no bound, is answered 500.",
        lambda: Hooks(Stages(interpret=refusing(_too_many_tokens))),
        ("https://github.com/project-arbr/arbr-control-plane/pull/46",),
        profile=LOOP_HEALTH,
    ),
    HeldOut(
        "loop-health.default-for-unknown",
        "loop-health",
        "A model that the document does not list is not refused: the default model answers, under its own name.",
        _default_for_unknown,
        ("https://github.com/icebear0828/codex-proxy/issues/660",),
        profile=LOOP_HEALTH,
    ),
    HeldOut(
        "loop-health.body-of-100-kib",
        "loop-health",
        "A request of more than 100 KiB is refused with 413 and a page, in no shape that the document has.",
        lambda: answering_when(
            lambda context: len(context.raw) > _EXPRESS, 413, _TOO_LARGE, b"text/html; charset=utf-8"
        ),
        ("https://github.com/lutzleonhardt/copilot-proxy/issues/4",),
        profile=LOOP_HEALTH,
    ),
)
