"""Faults of the fifth set in deployments of the other profiles."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from fifth.parts import refused
from fourth.on_profiles import KODEXA, LOOP_HEALTH
from held_out import Body, EventEdit, HeldOut, events_stage, reading
from second.parts import refusing, with_texts

from conformance.contract.dialect import Dialect
from conformance.reference.access import authorize
from conformance.reference.errors import Refusal
from conformance.reference.hooks import Hooks
from conformance.reference.interpretation import interpret
from conformance.reference.provider import CompletionRequest
from conformance.reference.settings import Tenant
from conformance.reference.stages import Stages
from conformance.reference.tokens import split_tokens

_DEFAULT_MODEL = "claude-sonnet-4-6"
_THINKING = 1_024
_END_OF_TURN = "<|im_end|>"


# --- Kodexa ---


def _last_token(sequence: str) -> str:
    return (split_tokens(sequence) or [sequence])[-1]


def _stops_at_last_token(
    operation: Any, dialect: Any, settings: Any, *, scores_tokens: bool, body: Body
) -> CompletionRequest:
    request = interpret(operation, dialect, settings, scores_tokens=scores_tokens, body=body)
    return dataclasses.replace(request, stop=tuple(map(_last_token, request.stop)))


def _letter_by_letter(dialect: Dialect, tenant: Tenant, parameters: Mapping[str, str]) -> None:
    given = parameters.get("orgId", "")
    if given != given.lower():
        message = "The authenticated user is not a member of this organization."
        raise Refusal(403, "not_a_member", message, param="orgId")
    authorize(dialect, tenant, parameters)


def _no_prompt() -> EventEdit:
    def edit(event: dict[str, Any], _request: CompletionRequest) -> None:
        used = event.get("usage")
        if used:
            event["usage"] = {**used, "prompt_tokens": 0, "total_tokens": used["completion_tokens"]}

    return edit


def _begins_with_assistant(_operation: Any, body: Body) -> Refusal | None:
    spoken = [message["role"] for message in body["messages"] if message["role"] not in ("system", "developer")]
    if not spoken or spoken[0] == "user":
        return None
    message = "A conversation must start with a user message. Try again with one that starts with a user message."
    return refused(400, "invalid_value", message, "messages")


# --- Loop Health ---


def _empty_turn(_operation: Any, body: Body) -> Refusal | None:
    if all(message["role"] != "assistant" or message["content"] for message in body["messages"]):
        return None
    return refused(400, "invalid_value", "assistant messages must include non-empty content or tool_calls", "messages")


def _ended_at_marks(body: Body) -> Body:
    messages = [
        with_texts(message, lambda text: text.partition(_END_OF_TURN)[0]) if message["role"] == "user" else message
        for message in body["messages"]
    ]
    return {**body, "messages": messages}


def _instructions_only(_operation: Any, body: Body) -> Refusal | None:
    if any(message["role"] != "system" for message in body["messages"]):
        return None
    return refused(500, "provider_error", "Invalid Message: bedrock requires at least one non-system message")


def _less_than_thinking(_operation: Any, body: Body) -> Refusal | None:
    limit = body.get("max_tokens")
    if body.get("model", _DEFAULT_MODEL) != _DEFAULT_MODEL or limit is None or limit > _THINKING:
        return None
    return refused(500, "provider_error", "`max_tokens` must be greater than `thinking.budget_tokens`.")


PROFILE_FAULTS = (
    HeldOut(
        "kodexa.part-of-the-stop",
        "kodexa",
        "Of a stop sequence of several tokens only the last is looked for, so that the others stay in the text.",
        lambda: Hooks(Stages(interpret=_stops_at_last_token)),
        ("https://github.com/jundot/omlx/issues/2386",),
        profile=KODEXA,
    ),
    HeldOut(
        "kodexa.capital-letters",
        "kodexa",
        "The UUID of the own organization in capital letters, which mean the same, is refused with 403.",
        lambda: Hooks(Stages(authorize=_letter_by_letter)),
        ("https://github.com/EUDAT-B2SHARE/b2share/issues/1550", "https://github.com/pace/bricks/pull/350"),
        profile=KODEXA,
    ),
    HeldOut(
        "kodexa.no-prompt-in-streams",
        "kodexa",
        "The usage of a stream has 0 `prompt_tokens`, and a total without them; that of whole answers is right.",
        lambda: Hooks(Stages(build_events=events_stage(_no_prompt))),
        ("https://github.com/tenstorrent/tt-inference-server/pull/2981",),
        profile=KODEXA,
    ),
    HeldOut(
        "kodexa.begins-with-assistant",
        "kodexa",
        "A conversation whose first message beside instructions is an assistant's is refused with 400.",
        lambda: Hooks(Stages(interpret=refusing(_begins_with_assistant))),
        (
            "https://github.com/aws-solutions-library-samples/"
            "guidance-for-multi-provider-generative-ai-gateway-on-aws/issues/123",
        ),
        profile=KODEXA,
    ),
    HeldOut(
        "loop-health.empty-turn",
        "loop-health",
        "A conversation with an assistant's turn whose content is the empty string is refused with 400.",
        lambda: Hooks(Stages(interpret=refusing(_empty_turn))),
        ("https://github.com/tashfeenahmed/freellmapi/issues/165",),
        profile=LOOP_HEALTH,
    ),
    HeldOut(
        "loop-health.marks-in-text",
        "loop-health",
        "The mark `<|im_end|>` in a user's text ends the turn: what follows it does not reach the model as text.",
        lambda: reading(_ended_at_marks),
        ("https://github.com/ggml-org/llama.cpp/issues/24382",),
        profile=LOOP_HEALTH,
    ),
    HeldOut(
        "loop-health.instructions-only",
        "loop-health",
        "A conversation of system messages alone, which the document allows, is answered 500.",
        lambda: Hooks(Stages(interpret=refusing(_instructions_only))),
        ("https://github.com/BerriAI/litellm/issues/8247",),
        profile=LOOP_HEALTH,
    ),
    HeldOut(
        "loop-health.less-than-thinking",
        "loop-health",
        "With the default model a `max_tokens` of 1,024 or less is answered 500: the model wants more to think.",
        lambda: Hooks(Stages(interpret=refusing(_less_than_thinking))),
        (
            "https://github.com/liuw1535/antigravity2api-nodejs/issues/149",
            "https://github.com/liuw1535/antigravity2api-nodejs/issues/150",
        ),
        profile=LOOP_HEALTH,
    ),
)
