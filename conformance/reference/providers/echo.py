"""A provider that echoes the last user message: deterministic, without a model, at least twelve tokens long."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any
from zlib import crc32

from conformance.reference.provider import CompletionRequest, Ended
from conformance.reference.tokens import count_tokens, split_tokens

_SHORTEST = 12
"""Tokens: enough for a real stream, for max_tokens to cut, and for a stop sequence in the middle."""


class EchoProvider:
    """Answers with the text of the last user message."""

    @property
    def scores_tokens(self) -> bool:
        """True: each piece is one token."""
        return True

    async def generate(self, request: CompletionRequest, choice: int) -> AsyncGenerator[str | Ended, None]:
        """The same text for every choice, token by token."""
        del choice
        for token in split_tokens(answer_to(request)):
            yield token
        yield Ended("stop")

    def score(self, token: str, alternatives: int) -> dict[str, Any]:
        """Made-up figures that depend on the token alone; the token itself is always the likeliest."""
        best = _entry(token, -0.01 - (crc32(token.encode()) % 50) / 100)
        others = [_entry(f"{token}{rank}", best["logprob"] - rank) for rank in range(1, alternatives)]
        return {**best, "top_logprobs": [dict(best), *others] if alternatives else []}

    async def close(self) -> None:
        """Nothing is held."""


def answer_to(request: CompletionRequest) -> str:
    """The whole answer to a request."""
    texts = [message.text for message in request.messages if message.role == "user"]
    last = texts or [message.text for message in request.messages] or [""]
    if asks_for_json(request):
        return json.dumps({"said": last[-1]}, ensure_ascii=False)
    said = f"You said: {last[-1]}"
    answer = said
    while count_tokens(answer) < _SHORTEST:
        answer = f"{answer} {said}"
    return answer


def asks_for_json(request: CompletionRequest) -> bool:
    """Whether the answer is to be a JSON object (OpenAI API reference, response_format, JSON object)."""
    wanted = request.sampling.get("response_format")
    return isinstance(wanted, dict) and wanted.get("type") == "json_object"


def _entry(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": round(logprob, 4), "bytes": list(token.encode())}
