"""A provider that echoes the last user message: deterministic, without a model, at least twelve tokens long.

Where a call of a tool or a document is due, it is made from the schema that the request gives.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncGenerator, Iterator
from typing import Any
from zlib import crc32

from conformance.reference.provider import CallPiece, CompletionRequest, Ended, Piece, Thought, Tool, Tools
from conformance.reference.providers.sampled import json_of, text_of_grammar
from conformance.reference.tokens import count_tokens, split_tokens

_SHORTEST = 12
"""Tokens: enough for a real stream, for max_tokens to cut, and for a stop sequence in the middle."""
_THOUGHTS = {"minimal": 1, "low": 2, "medium": 4, "high": 6, "xhigh": 8, "max": 10}
"""Tokens of reasoning by effort; none for others."""


class EchoProvider:
    """Answers with the text of the last user message, with calls of the tools that it names, or with a document."""

    @property
    def scores_tokens(self) -> bool:
        """True: each piece is one token."""
        return True

    async def generate(self, request: CompletionRequest, choice: int) -> AsyncGenerator[Piece, None]:
        """The same for every choice, token by token."""
        del choice
        said = _last_said(request)
        calls = [piece for index, tool in enumerate(called_tools(request)) for piece in _call(index, tool, said)]
        answer: list[str | CallPiece] = [*calls] or [*split_tokens(answer_to(request))]
        for _ in range(_THOUGHTS.get(request.effort or "", 0)):
            yield Thought(" hm")
        for piece in answer:
            yield piece
        yield Ended("tool_calls" if calls else "stop")

    def score(self, token: str, alternatives: int) -> dict[str, Any]:
        """Made-up figures that depend on the token alone; the token itself is always the likeliest."""
        best = _entry(token, -0.01 - (crc32(token.encode()) % 50) / 100)
        others = [_entry(f"{token}{rank}", best["logprob"] - rank) for rank in range(1, alternatives)]
        return {**best, "top_logprobs": [dict(best), *others] if alternatives else []}

    async def close(self) -> None:
        """Nothing is held."""


def answer_to(request: CompletionRequest) -> str:
    """The whole text of an answer without calls.

    Raises:
        Refusal: 400 where the answer must fit a schema for which no document is found.
    """
    last = _last_said(request)
    form = request.response_format
    if form.get("type") == "json_object":
        return json.dumps({"said": last}, ensure_ascii=False)
    if form.get("type") == "json_schema":
        return json_of(form["json_schema"]["schema"])
    said = f"You said: {last}"
    answer = said
    while count_tokens(answer) < _SHORTEST:
        answer = f"{answer} {said}"
    return answer


def called_tools(request: CompletionRequest) -> list[Tool]:
    """The tools that are called, in order: those that the last user message names, and one where one is due."""
    if request.tool_use is Tools.NONE or not request.tools:
        return []
    if request.tool_use is Tools.AUTO and request.messages[-1].role != "user":
        return []
    said = _last_said(request)
    named = [tool for tool in request.tools if tool.name in said]
    if not named and request.tool_use is Tools.REQUIRED:
        named = [request.tools[0]]
    return named if request.parallel_calls else named[:1]


def _last_said(request: CompletionRequest) -> str:
    texts = [message.text for message in request.messages if message.role == "user"]
    return (texts or [message.text for message in request.messages] or [""])[-1]


def _call(index: int, tool: Tool, said: str) -> Iterator[CallPiece]:
    """One call, its input token by token."""
    is_function = tool.kind == "function"
    text = json_of(tool.parameters) if is_function else text_of_grammar(tool.parameters, f"You said: {said}")
    yield CallPiece(index, "", f"call_{secrets.token_hex(12)}", tool.kind, tool.name)
    for token in split_tokens(text):
        yield CallPiece(index, token, kind=tool.kind)


def _entry(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": round(logprob, 4), "bytes": list(token.encode())}
