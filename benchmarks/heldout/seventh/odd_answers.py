"""Allowed variations of the seventh set in what an answer says, and in what is refused."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from fifth.parts import RewritingProvider, refused
from fourth.on_profiles import KODEXA, LOOP_HEALTH
from held_out import Body, EventEdit, HeldOut, events_stage, whole_stage
from second.parts import editing, refusing
from third.parts import rearranging

from conformance.contract.dialect import Dialect
from conformance.reference.answer import EventData
from conformance.reference.errors import Refusal, envelope
from conformance.reference.hooks import Hooks
from conformance.reference.interpretation import interpret
from conformance.reference.provider import CompletionRequest
from conformance.reference.stages import Interpret, Stages


def _request_with(change: Any) -> Interpret:
    """The stage that makes another request of a valid body; `change` gets the request and the body."""

    def stage(operation: Any, dialect: Any, settings: Any, *, scores_tokens: bool, body: Body) -> CompletionRequest:
        request = interpret(operation, dialect, settings, scores_tokens=scores_tokens, body=body)
        return dataclasses.replace(request, **change(request, body))

    return stage


def _empty_scores() -> EventEdit:
    def edit(event: dict[str, Any], request: CompletionRequest) -> None:
        for choice in event["choices"]:
            if request.alternatives is not None and "role" in choice["delta"]:
                choice["logprobs"] = {"content": [], "refusal": None}

    return edit


def _empty_list(body: dict[str, Any], _request: CompletionRequest) -> None:
    for choice in body["choices"]:
        choice["message"].setdefault("tool_calls", [])


def _as_groq(_operation: Any, body: Body) -> Refusal | None:
    for name in ("logprobs", "top_logprobs", "logit_bias"):
        if body.get(name):
            return refused(400, "unsupported_parameter", f"property '{name}' is unsupported", name)
    if (body.get("n") or 1) > 1:
        return refused(400, "invalid_value", "'n' : number must be at most 1", "n")
    return None


def _one_call(request: CompletionRequest, _body: Body) -> dict[str, Any]:
    return {"parallel_calls": False} if request.tools else {}


class LaconicProvider(RewritingProvider):
    """The echo, but in one word where no form and no call is asked for."""

    def text(self, request: CompletionRequest, text: str) -> str:
        """The word, or the document."""
        return text if request.response_format else "Yes."


def _bare(body: dict[str, Any], _request: CompletionRequest) -> None:
    body.pop("system_fingerprint", None)
    for name in ("prompt_tokens_details", "completion_tokens_details"):
        (body.get("usage") or {}).pop(name, None)


def _codes_of_status(dialect: Dialect, refusal: Refusal) -> Any:
    body = envelope(dialect, refusal)
    body["error"]["code"] = str(refusal.status)
    body["error"]["type"] = "auth_error" if refusal.status == 401 else body["error"]["type"]
    return body


async def _all_at_last(events: AsyncGenerator[EventData, None]) -> AsyncGenerator[EventData, None]:
    """Holds all text of a choice back until it ends, and says it in the chunk that ends it."""
    said: dict[int, str] = {}
    async for event in events:
        for choice in event["choices"] if isinstance(event, dict) else ():
            text = said.get(choice["index"], "") + (choice["delta"].get("content") or "")
            said[choice["index"]] = text
            if choice["finish_reason"]:
                choice["delta"] = {"content": text}
        if not isinstance(event, dict) or any(_is_due(choice) for choice in event["choices"]):
            yield event


def _is_due(choice: Mapping[str, Any]) -> bool:
    return bool(choice["finish_reason"]) or "role" in choice["delta"]


def _without_null_usage() -> EventEdit:
    def edit(event: dict[str, Any], _request: CompletionRequest) -> None:
        if event.get("usage") is None:
            event.pop("usage", None)

    return edit


def _unasked_usage() -> Hooks:
    asked = _request_with(lambda _request, _body: {"include_usage": True})
    return Hooks(Stages(interpret=asked, build_events=events_stage(_without_null_usage)))


def _issues(dialect: Dialect, refusal: Refusal) -> Any:
    body = envelope(dialect, refusal)
    if refusal.status == 400:
        path = [refusal.param] if refusal.param else []
        issue = {"code": "custom", "path": path, "message": body["message"]}
        body["message"] = json.dumps([issue], indent=2)
    return body


def _of_the_brand(request: CompletionRequest, body: Body) -> dict[str, Any]:
    return {"prompt_tokens": request.prompt_tokens + 100 + 3 * len(body["brand_id"])}


ANSWER_VARIATIONS = (
    HeldOut(
        "allowed.empty-scores-at-first",
        "allowed",
        "As of OpenAI, where log probabilities are asked for, the chunk that opens a choice has an empty list of them.",
        lambda: Hooks(Stages(build_events=events_stage(_empty_scores))),
        ("https://github.com/ggml-org/llama.cpp/pull/11747",),
    ),
    HeldOut(
        "allowed.empty-list-of-calls",
        "allowed",
        "As of vLLM, a message without calls has `tool_calls: []`; the document asks for no number of them.",
        lambda: Hooks(Stages(build_completion=whole_stage(_empty_list))),
        ("https://github.com/vllm-project/vllm/issues/9463",),
    ),
    HeldOut(
        "allowed.as-groq",
        "allowed",
        "As of Groq, `logprobs`, `top_logprobs`, `logit_bias` and an `n` above 1 are refused with 400, by their names.",
        lambda: Hooks(Stages(interpret=refusing(_as_groq))),
        ("https://github.com/groq/groq-python/issues/31", "https://github.com/dottxt-ai/outlines/issues/946"),
    ),
    HeldOut(
        "allowed.one-call-at-a-time",
        "allowed",
        "The model never calls more than one function in an answer, as one that was not made for it.",
        lambda: Hooks(Stages(interpret=_request_with(_one_call))),
        ("https://github.com/vllm-project/vllm/issues/11592",),
    ),
    HeldOut(
        "allowed.laconic",
        "allowed",
        "The model says `Yes.` to everything, unless a form or a call is asked for.",
        Hooks,
        provider=LaconicProvider,
    ),
    HeldOut(
        "allowed.no-details",
        "allowed",
        "Answers have no details of the usage and no fingerprint, none of which the document requires.",
        lambda: editing(_bare, lambda: _bare),
    ),
    HeldOut(
        "allowed.codes-of-status",
        "allowed",
        "As of LiteLLM, the `code` of an error is its status as a text; the document lets it be any text.",
        lambda: Hooks(Stages(error_body=_codes_of_status)),
        ("https://github.com/BerriAI/litellm/pull/39521", "https://github.com/BerriAI/litellm/pull/39540"),
    ),
    HeldOut(
        "allowed.all-in-the-finish-chunk",
        "allowed",
        "Kodexa: a stream says all of its text in the chunk that has the finish reason; the page splits it nowhere.",
        lambda: Hooks(rearranging(_all_at_last)),
        ("https://github.com/linagora/openrag/pull/462",),
        profile=KODEXA,
    ),
    HeldOut(
        "allowed.usage-unasked",
        "allowed",
        "Kodexa: each stream ends with a chunk of usage that has no choices; the page has nothing to ask for it with.",
        _unasked_usage,
        profile=KODEXA,
    ),
    HeldOut(
        "allowed.issues-in-the-message",
        "allowed",
        "Loop Health: the `message` of a 400 is the list of issues of a validator, as JSON on several lines.",
        lambda: Hooks(Stages(error_body=_issues)),
        (
            "https://github.com/turkerdev/fastify-type-provider-zod/issues/26",
            "https://github.com/turkerdev/fastify-type-provider-zod/issues/21",
        ),
        profile=LOOP_HEALTH,
    ),
    HeldOut(
        "allowed.prompt-of-the-brand",
        "allowed",
        "Loop Health: `prompt_tokens` has a prompt of the platform, too, whose length depends on the `brand_id`.",
        lambda: Hooks(Stages(interpret=_request_with(_of_the_brand))),
        profile=LOOP_HEALTH,
    ),
)
