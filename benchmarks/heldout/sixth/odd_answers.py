"""Allowed variations of the sixth set in what an answer says, and in what is refused."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from fifth.parts import refused
from fourth.on_profiles import KODEXA, LOOP_HEALTH
from held_out import Body, EventEdit, HeldOut, events_stage, whole_stage
from second.parts import editing, refusing
from third.parts import parts_of

from conformance.contract.dialect import Dialect
from conformance.reference.errors import Refusal, envelope
from conformance.reference.hooks import Hooks
from conformance.reference.interpretation import interpret
from conformance.reference.provider import CallPiece, CompletionRequest, Piece
from conformance.reference.providers.echo import EchoProvider
from conformance.reference.stages import Stages

_OF_PROVIDERS = {"claude-sonnet-4-6": "us.anthropic.claude-sonnet-4-6-v1:0", "gpt-4o": "gpt-4o-2024-08-06"}


def _with_role(event: dict[str, Any], _request: CompletionRequest) -> None:
    for choice in event["choices"]:
        choice["delta"] = {"role": "assistant", **choice["delta"]}


class InterleavingProvider(EchoProvider):
    """The echo, which opens all of its calls before it writes the arguments of any, and then writes them in turn."""

    async def generate(self, request: CompletionRequest, choice: int) -> AsyncGenerator[Piece, None]:
        """The pieces of the echo, those of calls in another order."""
        async with aclosing(super().generate(request, choice)) as usual:
            pieces = [piece async for piece in usual]
        calls: dict[int, list[CallPiece]] = {}
        for piece in pieces:
            if isinstance(piece, CallPiece):
                calls.setdefault(piece.index, []).append(piece)
        for piece in pieces[:-1]:
            if not isinstance(piece, CallPiece):
                yield piece
        for row in itertools.zip_longest(*calls.values()):
            for written in row:
                if written is not None:
                    yield written
        yield pieces[-1]


def _text_alone(_operation: Any, body: Body) -> Refusal | None:
    for part in parts_of(body):
        if part.get("type") not in ("text", "refusal"):
            kind = part.get("type")
            return refused(
                400, "invalid_value", f"Content of type {kind} is supported by other models only.", "messages"
            )
    return None


def _no_max_tokens(_operation: Any, body: Body) -> Refusal | None:
    if body.get("max_tokens") is None:
        return None
    message = "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    return refused(400, "unsupported_parameter", message, "max_tokens")


def _empty_beside_calls(body: dict[str, Any], _request: CompletionRequest) -> None:
    for choice in body["choices"]:
        if choice["message"].get("tool_calls") and choice["message"]["content"] is None:
            choice["message"]["content"] = ""


def _unknown_model(
    operation: Any, dialect: Any, settings: Any, *, scores_tokens: bool, body: Body
) -> CompletionRequest:
    try:
        return interpret(operation, dialect, settings, scores_tokens=scores_tokens, body=body)
    except Refusal as refusal:
        if refusal.reason != "model_not_found":
            raise
        raise refused(400, "invalid_value", "The model identifier is invalid.", "model") from refusal


def _of_a_framework(dialect: Dialect, refusal: Refusal) -> Any:
    body: Mapping[str, Any] = envelope(dialect, refusal)
    return {
        "statusCode": refusal.status,
        **body,
        "timestamp": "2026-11-30T09:00:00.000Z",
        "path": "/v1/chat/completions",
    }


def _renamed(body: dict[str, Any], name: str) -> None:
    body["id"] = name
    body["model"] = _OF_PROVIDERS.get(body["model"], body["model"])


def _renamed_whole(body: dict[str, Any], _request: CompletionRequest) -> None:
    _renamed(body, f"msg_01{secrets.token_hex(11)}")


def _renamed_events() -> EventEdit:
    name = f"msg_01{secrets.token_hex(11)}"
    return lambda event, _request: _renamed(event, name)


ANSWER_VARIATIONS = (
    HeldOut(
        "allowed.role-in-every-delta",
        "allowed",
        'As of Ollama, each delta has the role, of which the document says "The role of the author of this message."',
        lambda: Hooks(Stages(build_events=events_stage(lambda: _with_role))),
        ("https://github.com/ollama/ollama/issues/7626",),
    ),
    HeldOut(
        "allowed.interleaved-calls",
        "allowed",
        "The deltas of several calls come in turn; each has its `index`, which the document requires of every one.",
        Hooks,
        (
            "https://github.com/continuedev/continue/issues/13223",
            "https://github.com/openai/openai-ruby/pull/638",
        ),
        InterleavingProvider,
    ),
    HeldOut(
        "allowed.text-alone",
        "allowed",
        'Parts beside text are refused with 400: "Depending on the model you use, different message types (modalities) '
        'are supported".',
        lambda: Hooks(Stages(interpret=refusing(_text_alone))),
        ("https://github.com/vllm-project/vllm/issues/11629", "https://github.com/ggml-org/llama.cpp/issues/12947"),
    ),
    HeldOut(
        "allowed.no-max-tokens",
        "allowed",
        '`max_tokens` is refused with 400, and `max_completion_tokens` taken; the document calls the former "not '
        'compatible with o-series models".',
        lambda: Hooks(Stages(interpret=refusing(_no_max_tokens))),
        (
            "https://github.com/UKGovernmentBEIS/inspect_ai/pull/4029",
            "https://github.com/HKUDS/nanobot/pull/2468",
        ),
    ),
    HeldOut(
        "allowed.empty-beside-calls",
        "allowed",
        "Beside calls the `content` of a whole answer is the empty string, and not null; the document has either.",
        lambda: Hooks(Stages(build_completion=whole_stage(_empty_beside_calls))),
    ),
    HeldOut(
        "allowed.unknown-model-400",
        "allowed",
        "Kodexa: an unknown model is refused with 400, as by Bedrock; the page names no status for it.",
        lambda: Hooks(Stages(interpret=_unknown_model)),
        ("https://github.com/iOfficeAI/AionCore/pull/377",),
        profile=KODEXA,
    ),
    HeldOut(
        "allowed.error-of-a-framework",
        "allowed",
        "Loop Health: errors have `statusCode`, `timestamp` and `path` as well; the document closes no object.",
        lambda: Hooks(Stages(error_body=_of_a_framework)),
        profile=LOOP_HEALTH,
    ),
    HeldOut(
        "allowed.names-of-the-provider",
        "allowed",
        'Loop Health: `id` and `model` are those of the provider, as the document lets them: `"type": "string"`.',
        lambda: editing(_renamed_whole, _renamed_events),
        profile=LOOP_HEALTH,
    ),
)
