"""Faults of the fourth set in what is refused, how, and when."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from fourth.parts import refused_within
from held_out import Body, HeldOut, crashing_when
from second.parts import refusing
from third.parts import every, parts_of, rewritten, whole

from conformance.reference.errors import Refusal
from conformance.reference.hooks import Hooks
from conformance.reference.request_context import RequestContext
from conformance.reference.stages import Stages

_OFTEN = 40


def _without_parameters(_operation: Any, body: Body) -> Refusal | None:
    functions = [tool.get("function") for tool in body.get("tools") or () if tool.get("type") == "function"]
    if all("parameters" in function for function in functions):
        return None
    message = "Missing tool function: key 'parameters' not found"
    return Refusal(400, "invalid_value", message, param="tools")


def _no_effort(_operation: Any, body: Body) -> Refusal | None:
    if body.get("reasoning_effort") != "none":
        return None
    message = "Invalid enum value. Expected 'minimal' | 'low' | 'medium' | 'high' | 'xhigh', received 'none'"
    return Refusal(400, "invalid_enum_value", message, param="reasoning_effort")


def _is_of_choice(error: Mapping[str, Any]) -> bool:
    return error.get("param") == "tool_choice"


def _is_overflow(error: Mapping[str, Any]) -> bool:
    return error.get("code") == "context_length_exceeded"


def _hashed_key(context: RequestContext, status: int, body: Any) -> Any:
    key = context.headers.get("authorization", "").removeprefix("Bearer ")
    if status != 401 or not key:
        return None
    digest = hashlib.sha256(key.encode()).hexdigest()
    said = (
        f"Authentication Error, Invalid proxy server token passed. Received API Key = sk-...{key[-4:]},"
        f" Key Hash (Token) ={digest}. Unable to find token in cache or `LiteLLM_VerificationTokenTable`"
    )
    return {**body, "error": {**body["error"], "message": said}}


def _nested() -> list[Any]:
    inner = {"error": {"code": 429, "message": "You exceeded your current quota.", "status": "RESOURCE_EXHAUSTED"}}
    outer = {"error": {"message": json.dumps(inner, indent=2), "code": 429, "status": "Too Many Requests"}}
    return whole(429, json.dumps(outer).encode())


def _is_remote(body: Body) -> bool:
    pictures = [part["image_url"] for part in parts_of(body) if part.get("type") == "image_url"]
    return any(not str(one.get("url")).startswith("data:") for one in pictures)


REQUEST_FAULTS = (
    HeldOut(
        "request.no-parameters",
        "request",
        "A function tool without `parameters`, which the document makes optional, is refused with 400.",
        lambda: Hooks(Stages(interpret=refusing(_without_parameters))),
        ("https://github.com/ggml-org/llama.cpp/issues/17667",),
    ),
    HeldOut(
        "request.no-effort",
        "request",
        "`reasoning_effort` `none`, which the document lists, is refused with 400; all other efforts are taken.",
        lambda: Hooks(Stages(interpret=refusing(_no_effort))),
        ("https://github.com/theopenco/llmgateway/pull/2395",),
    ),
    HeldOut(
        "error.choice-within-stream",
        "error",
        "A `tool_choice` that contradicts `tools` is refused with 400, but in a stream with 200 and an event.",
        lambda: refused_within(_is_of_choice),
        ("https://github.com/vllm-project/vllm/pull/21052",),
    ),
    HeldOut(
        "error.overflow-within-stream",
        "error",
        "A prompt longer than the window is refused with 400, but in a stream with 200 and an event.",
        lambda: refused_within(_is_overflow),
        ("https://github.com/stdapi-ai/stdapi.ai/issues/298",),
    ),
    HeldOut(
        "error.hash-of-key",
        "error",
        "The 401 for a key that is not known shows its SHA-256, its end, and the table in which it was looked for.",
        lambda: rewritten(_hashed_key),
        ("https://github.com/BerriAI/litellm/issues/39757", "https://github.com/BerriAI/litellm/issues/40217"),
    ),
    HeldOut(
        "error.error-in-message",
        "error",
        "Each fortieth completion is refused with 429; the message is another error as JSON, the code a number.",
        lambda: every(_OFTEN, _nested),
        ("https://github.com/earendil-works/pi/issues/983",),
    ),
    HeldOut(
        "part.remote-picture",
        "part",
        "A picture that is given by a URL of another server, and not by its data, is answered 500.",
        lambda: crashing_when(_is_remote),
        ("https://github.com/BerriAI/litellm/issues/14085",),
    ),
)
