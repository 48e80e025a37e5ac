"""Allowed variations of the fifth set in what an answer says."""

from __future__ import annotations

import dataclasses
import json
import secrets
import string
from collections.abc import AsyncGenerator
from typing import Any

from fifth.parts import RewritingProvider
from fourth.on_profiles import LOOP_HEALTH
from held_out import EventEdit, HeldOut, events_stage, whole_stage
from third.parts import rearranging

from conformance.reference.answer import EventData
from conformance.reference.hooks import Hooks
from conformance.reference.provider import CallPiece, CompletionRequest, Piece
from conformance.reference.providers.echo import EchoProvider
from conformance.reference.stages import Stages
from conformance.reference.tokens import split_tokens

_LETTERS = string.ascii_letters + string.digits
_UNLIKELY = -9999.0


class SortingProvider(RewritingProvider):
    """The echo, whose documents have their members in the order of the alphabet."""

    def text(self, request: CompletionRequest, text: str) -> str:
        """The document with its members sorted."""
        if not request.response_format:
            return text
        return json.dumps(json.loads(text), ensure_ascii=False, sort_keys=True)


class ShortIdProvider(EchoProvider):
    """The echo, whose calls have ids of nine letters and digits."""

    async def generate(self, request: CompletionRequest, choice: int) -> AsyncGenerator[Piece, None]:
        """The pieces of the echo, with other ids."""
        async for piece in super().generate(request, choice):
            if isinstance(piece, CallPiece) and piece.id is not None:
                yield dataclasses.replace(piece, id="".join(secrets.choice(_LETTERS) for _ in range(9)))
            else:
                yield piece


class CertainProvider(EchoProvider):
    """The echo, which is certain of each token."""

    def score(self, token: str, alternatives: int) -> dict[str, Any]:
        """The log probability 0, written as a negative zero; of all others the lowest there is."""
        score = super().score(token, alternatives)
        listed = [
            {**one, "logprob": -0.0 if place == 0 else _UNLIKELY} for place, one in enumerate(score["top_logprobs"])
        ]
        return {**score, "logprob": -0.0, "top_logprobs": listed}


async def _with_empty_deltas(events: AsyncGenerator[EventData, None]) -> AsyncGenerator[EventData, None]:
    async for event in events:
        yield event
        if isinstance(event, dict) and any(choice["delta"].get("content") for choice in event["choices"]):
            empty = [{**choice, "delta": {"content": ""}, "finish_reason": None} for choice in event["choices"]]
            yield {**event, "choices": [{**one, "logprobs": None} if "logprobs" in one else one for one in empty]}


def _halves(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """A token that has a character beyond ASCII as two, of which the first ends within that character."""
    token = entry["token"]
    place = next((number for number, one in enumerate(token) if not one.isascii()), None)
    if place is None:
        return [entry]
    data = token.encode()
    cut = len(token[:place].encode()) + 1
    return [_part(entry, data[:cut]), _part(entry, data[cut:])]


def _part(entry: dict[str, Any], data: bytes) -> dict[str, Any]:
    itself = {"token": data.decode(errors="replace"), "logprob": entry["logprob"], "bytes": list(data)}
    listed = [dict(itself), *entry["top_logprobs"][1:]] if entry["top_logprobs"] else []
    return {**itself, "top_logprobs": listed}


def _split(choice: dict[str, Any]) -> None:
    held = choice.get("logprobs")
    if held and held.get("content"):
        held["content"] = [half for entry in held["content"] for half in _halves(entry)]


def _counted(usage: dict[str, Any], further: int) -> dict[str, Any]:
    names = ("completion_tokens", "total_tokens")
    return {name: value + further if name in names else value for name, value in usage.items()}


def _beyond_ascii(text: str) -> int:
    return sum(not token.isascii() for token in split_tokens(text))


def _split_whole(body: dict[str, Any], request: CompletionRequest) -> None:
    if request.token_limit is not None:
        return
    for choice in body["choices"]:
        _split(choice)
    further = sum(_beyond_ascii(choice["message"].get("content") or "") for choice in body["choices"])
    body["usage"] = _counted(body["usage"], further)


def _split_events() -> EventEdit:
    further = 0

    def edit(event: dict[str, Any], request: CompletionRequest) -> None:
        nonlocal further
        if request.token_limit is not None:
            return
        for choice in event["choices"]:
            _split(choice)
            further += not (choice["delta"].get("content") or "").isascii()
        if event.get("usage"):
            event["usage"] = _counted(event["usage"], further)

    return edit


def _as_floats(body: dict[str, Any], _request: CompletionRequest) -> None:
    body["usage"] = {name: float(value) for name, value in body["usage"].items()}
    for choice in body["choices"]:
        choice["index"] = float(choice["index"])


def _without_kind(body: dict[str, Any], _request: CompletionRequest) -> None:
    del body["object"], body["created"]


ANSWER_VARIATIONS = (
    HeldOut(
        "allowed.sorted-members",
        "allowed",
        "Documents have their members in the order of the alphabet: an object has no order (RFC 8259, section 4).",
        Hooks,
        ("https://github.com/ollama/ollama/issues/8003",),
        SortingProvider,
    ),
    HeldOut(
        "allowed.short-call-ids",
        "allowed",
        "As of Mistral, the id of a call is nine letters and digits; the document lets it be any string.",
        Hooks,
        (),
        ShortIdProvider,
    ),
    HeldOut(
        "allowed.certain-tokens",
        "allowed",
        "As of a greedy server, each token has the log probability -0.0, and all others have -9999.0, as documented.",
        Hooks,
        ("https://github.com/sgl-project/sglang/issues/2955", "https://github.com/vllm-project/vllm/pull/4149"),
        CertainProvider,
    ),
    HeldOut(
        "allowed.empty-deltas",
        "allowed",
        "Behind each chunk of text comes one whose `content` is the empty string, which the document lets it be.",
        lambda: Hooks(rearranging(_with_empty_deltas)),
        ("https://github.com/vllm-project/vllm/issues/27572",),
    ),
    HeldOut(
        "allowed.tokens-within-characters",
        "allowed",
        "A token ends within a character: its `bytes` are but a part of it, as the document says; each part counts.",
        lambda: Hooks(
            Stages(build_completion=whole_stage(_split_whole), build_events=events_stage(_split_events)),
        ),
    ),
    HeldOut(
        "allowed.counts-as-floats",
        "allowed",
        "Loop Health: counts and the index are written as 7.0 and 0.0; the document has them as `number`.",
        lambda: Hooks(Stages(build_completion=whole_stage(_as_floats))),
        profile=LOOP_HEALTH,
    ),
    HeldOut(
        "allowed.no-object",
        "allowed",
        "Loop Health: whole answers have neither `object` nor `created`, which the document does not name.",
        lambda: Hooks(Stages(build_completion=whole_stage(_without_kind))),
        profile=LOOP_HEALTH,
    ),
)
