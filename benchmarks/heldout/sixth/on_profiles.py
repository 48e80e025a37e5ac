"""Faults of the sixth set in deployments of the other profiles."""

from __future__ import annotations

import dataclasses
import itertools
import secrets
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from fifth.parts import refused
from fourth.on_profiles import KODEXA, LOOP_HEALTH
from held_out import Body, EventEdit, HeldOut, events_stage, generating
from second.parts import refusing
from third.parts import rearranging

from conformance.contract.dialect import Dialect
from conformance.reference.access import authorize
from conformance.reference.answer import EventData
from conformance.reference.errors import Refusal, envelope
from conformance.reference.generation import Finish, Increments
from conformance.reference.hooks import Hooks
from conformance.reference.provider import CompletionRequest, Provider
from conformance.reference.settings import Tenant
from conformance.reference.stages import Stages

_DEFAULT_MODEL = "claude-sonnet-4-6"
_OTHER_MODEL = "gpt-4o"
_SWITCHES = 10
_BEFORE_SWITCH = 5
"""Chunks that the first provider sends before it fails."""


# --- Kodexa ---


def _not_both(_operation: Any, body: Body) -> Refusal | None:
    if body.get("temperature") is None or body.get("top_p") is None:
        return None
    return refused(400, "invalid_value", "This model takes `temperature` or `top_p`, and not both.")


def _by_turns(_operation: Any, body: Body) -> Refusal | None:
    spoken = [message["role"] for message in body["messages"] if message["role"] in ("user", "assistant")]
    if all(one != other for one, other in itertools.pairwise(spoken)):
        return None
    message = "A conversation must alternate between the roles user and assistant."
    return refused(400, "invalid_value", message, "messages")


def _no_delta() -> EventEdit:
    def edit(event: dict[str, Any], _request: CompletionRequest) -> None:
        for choice in event["choices"]:
            if choice["finish_reason"] == "length":
                del choice["delta"]

    return edit


def _key_remembered() -> Hooks:
    """Keeps by the key alone that it was found to be right."""
    right: set[str] = set()

    def stage(dialect: Dialect, tenant: Tenant, parameters: Mapping[str, str]) -> None:
        if tenant.api_key not in right:
            authorize(dialect, tenant, parameters)
            right.add(tenant.api_key)

    return Hooks(Stages(authorize=stage))


async def _first_counted(_provider: Provider, _request: CompletionRequest, usual: Increments) -> Increments:
    async for increment in usual:
        if isinstance(increment, Finish) and increment.choice > 0:
            yield dataclasses.replace(increment, completion_tokens=0, reasoning_tokens=0)
        else:
            yield increment


# --- Loop Health ---


def _up_to_one(_operation: Any, body: Body) -> Refusal | None:
    if body.get("model", _DEFAULT_MODEL) != _DEFAULT_MODEL or (body.get("temperature") or 0) <= 1:
        return None
    return refused(500, "provider_error", "temperature: must be from 0 to 1")


def _passed_on(_operation: Any, body: Body) -> Refusal | None:
    if body.get("model", _DEFAULT_MODEL) == _DEFAULT_MODEL:
        return None
    return refused(500, "provider_error", "Unrecognized request arguments supplied: brand_id, requested_by")


def _in_a_field(_operation: Any, body: Body) -> Refusal | None:
    if str(body["requested_by"]).isascii():
        return None
    return refused(500, "internal_error", "'ascii' codec can't encode characters: ordinal not in range(128)")


def _as_the_provider(dialect: Dialect, refusal: Refusal) -> Any:
    if refusal.reason != "context_length_exceeded":
        return envelope(dialect, refusal)
    kind = "invalid_request_error"
    return {"error": {"message": refusal.message, "type": kind, "param": refusal.param, "code": refusal.reason}}


def _switching() -> Hooks:
    """Goes over to another provider in the middle of each tenth stream, and lets that one begin anew."""
    seen = 0

    async def change(events: AsyncGenerator[EventData, None]) -> AsyncGenerator[EventData, None]:
        nonlocal seen
        seen += 1
        if seen % _SWITCHES:
            async for event in events:
                yield event
            return
        listed = [event async for event in events]
        for event in listed[:_BEFORE_SWITCH]:
            yield event
        named = {"id": f"chatcmpl-{secrets.token_hex(12)}", "model": _OTHER_MODEL}
        for event in listed:
            yield {**event, **named} if isinstance(event, Mapping) else event

    return Hooks(rearranging(change))


PROFILE_FAULTS = (
    HeldOut(
        "kodexa.temperature-or-top-p",
        "kodexa",
        "A request with both `temperature` and `top_p` is refused with 400; the page has both, each for itself.",
        lambda: Hooks(Stages(interpret=refusing(_not_both))),
        (
            "https://github.com/aws-samples/bedrock-access-gateway/issues/191",
            "https://github.com/aws-samples/bedrock-access-gateway/pull/238",
        ),
        profile=KODEXA,
    ),
    HeldOut(
        "kodexa.by-turns",
        "kodexa",
        "A conversation with two messages of a user, or of an assistant, in succession is refused with 400.",
        lambda: Hooks(Stages(interpret=refusing(_by_turns))),
        ("https://github.com/Portkey-AI/gateway/issues/748",),
        profile=KODEXA,
    ),
    HeldOut(
        "kodexa.no-delta-at-the-limit",
        "kodexa",
        "The chunk of a stream that says `length` has no `delta`, which clients read without looking for it.",
        lambda: Hooks(Stages(build_events=events_stage(_no_delta))),
        ("https://github.com/envoyproxy/ai-gateway/pull/2107",),
        profile=KODEXA,
    ),
    HeldOut(
        "kodexa.key-remembered",
        "kodexa",
        "A key that was found right once opens every organization from then on: it is remembered without its own.",
        _key_remembered,
        ("https://github.com/stellar/stellar-disbursement-platform-backend/pull/1142",),
        profile=KODEXA,
    ),
    HeldOut(
        "kodexa.first-choice-counted",
        "kodexa",
        "With `n` above 1 `completion_tokens` has the tokens of the first choice alone, whole or streamed.",
        lambda: generating(_first_counted),
        ("https://github.com/ggml-org/llama.cpp/pull/27318",),
        profile=KODEXA,
    ),
    HeldOut(
        "loop-health.temperature-up-to-one",
        "loop-health",
        "With the default model a `temperature` above 1, of the 2 that the document allows, is answered 500.",
        lambda: Hooks(Stages(interpret=refusing(_up_to_one))),
        ("https://github.com/odysseus-dev/odysseus/issues/1615", "https://github.com/vercel/ai/pull/10308"),
        profile=LOOP_HEALTH,
    ),
    HeldOut(
        "loop-health.fields-passed-on",
        "loop-health",
        "With any model but the default one all is answered 500: its provider gets `brand_id` as well, and refuses it.",
        lambda: Hooks(Stages(interpret=refusing(_passed_on))),
        (
            "https://github.com/router-for-me/CLIProxyAPI/issues/1703",
            "https://github.com/BerriAI/litellm/issues/15637",
        ),
        profile=LOOP_HEALTH,
    ),
    HeldOut(
        "loop-health.requested-by-in-a-field",
        "loop-health",
        "A `requested_by` with a character beyond ASCII is answered 500: it is passed on in a header field.",
        lambda: Hooks(Stages(interpret=refusing(_in_a_field))),
        ("https://github.com/open-webui/open-webui/pull/15035",),
        profile=LOOP_HEALTH,
    ),
    HeldOut(
        "loop-health.error-of-the-provider",
        "loop-health",
        "A prompt longer than the window is refused in the shape of the provider, and not in the documented one.",
        lambda: Hooks(Stages(error_body=_as_the_provider)),
        ("https://github.com/ferro-labs/ai-gateway/issues/302",),
        profile=LOOP_HEALTH,
    ),
    HeldOut(
        "loop-health.switched-midway",
        "loop-health",
        "Each tenth stream goes over to another provider midway, which begins anew: two answers, ids, models in one.",
        _switching,
        ("https://github.com/apache/shenyu/issues/7021",),
        profile=LOOP_HEALTH,
    ),
)
