"""Faults in how requests are read: kinds A (combinations), B (not read), J (further official fields), L (of many)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from held_out import Body, HeldOut, crashing_when, reading, roles

from conformance.reference.generation import Finish, Increments, Text, generate
from conformance.reference.hooks import Hooks
from conformance.reference.provider import CompletionRequest, Provider
from conformance.reference.stages import Stages
from conformance.reference.validation import RequestRules

_WINDOW = 6
"""Messages that a gateway keeps of a conversation."""
_LONGEST = 4_096
"""Characters that a gateway keeps of a message."""


# --- A: a combination breaks ---


def _seed_with_choices(body: Body) -> bool:
    return body.get("seed") is not None and (body.get("n") or 1) > 1


def _two_instructions(body: Body) -> bool:
    return {"system", "developer"} <= set(roles(body))


def _scores_with_stop(body: Body) -> bool:
    return body.get("logprobs") is True and bool(body.get("stop"))


# --- B: served, but not read ---


def _first_instruction_only(body: Body) -> Body:
    kept, seen = [], False
    for message in body["messages"]:
        is_instruction = message["role"] in ("system", "developer")
        if not (is_instruction and seen):
            kept.append(message)
        seen = seen or is_instruction
    return {**body, "messages": kept}


def _newest_messages(body: Body) -> Body:
    messages = list(body["messages"])
    if len(messages) <= _WINDOW:
        return body
    head = messages[:1] if messages[0]["role"] in ("system", "developer") else []
    tail = messages[-_WINDOW:]
    while tail[0]["role"] == "tool":  # whose call is lost
        tail = tail[1:]
    return {**body, "messages": [*head, *tail]}


def _beginnings_of_messages(body: Body) -> Body:
    def shortened(message: Mapping[str, Any]) -> Mapping[str, Any]:
        content = message.get("content")
        return {**message, "content": content[:_LONGEST]} if isinstance(content, str) else message

    return {**body, "messages": [shortened(message) for message in body["messages"]]}


# --- J: official fields outside the subset ---


def _cache_key(body: Body) -> bool:
    return "prompt_cache_key" in body or "safety_identifier" in body


def _obfuscation(body: Body) -> bool:
    return "include_obfuscation" in (body.get("stream_options") or {})


def _plain_format(body: Body) -> bool:
    return body.get("response_format") == {"type": "text"}


# --- L: the last of many ---


def _limit_of_first_choice() -> Hooks:
    async def stage(provider: Provider, request: CompletionRequest) -> Increments:
        limit = request.token_limit
        if limit is None or request.choices == 1 or request.tools:
            async with aclosing(generate(provider, request)) as usual:
                async for increment in usual:
                    yield increment
            return
        shown = 0
        async with aclosing(generate(provider, replace(request, token_limit=None))) as unlimited:
            async for increment in unlimited:
                if increment.choice == 0 and isinstance(increment, Text):
                    shown += 1
                    if shown <= limit:
                        yield increment
                elif increment.choice == 0 and isinstance(increment, Finish) and shown > limit:
                    yield replace(increment, reason="length", completion_tokens=limit)
                else:
                    yield increment

    return Hooks(Stages(generate=stage))


def _last_message_checked() -> Hooks:
    def stage(rules: RequestRules, body: Any) -> None:
        messages = body.get("messages") if isinstance(body, dict) else None
        rules.check_body({**body, "messages": messages[-1:]} if isinstance(messages, list) else body)

    return Hooks(Stages(check_body=stage))


def _first_tool_only(body: Body) -> Body:
    tools = body.get("tools") or []
    if len(tools) < 2:
        return body
    choice = body.get("tool_choice")
    lost = {"tool_choice": "required"} if isinstance(choice, Mapping) else {}
    return {**body, "tools": tools[:1], **lost}


REQUEST_FAULTS: tuple[HeldOut, ...] = (
    HeldOut(
        "a.seed-with-n",
        "A",
        "`seed` together with `n` above 1 is answered 500; each alone is served.",
        lambda: crashing_when(_seed_with_choices),
    ),
    HeldOut(
        "a.system-and-developer",
        "A",
        "A conversation with a system message and a developer message is answered 500; each alone is served.",
        lambda: crashing_when(_two_instructions),
        seen=("langgenius/dify#33152",),
    ),
    HeldOut(
        "a.logprobs-with-stop",
        "A",
        "`logprobs` together with `stop` is answered 500; each alone is served.",
        lambda: crashing_when(_scores_with_stop),
    ),
    HeldOut(
        "b.first-instruction-only",
        "B",
        "Of several system or developer messages only the first reaches the model.",
        lambda: reading(_first_instruction_only),
        seen=("sglang#40082",),
    ),
    HeldOut(
        "b.newest-six-messages",
        "B",
        "Of a longer conversation only a leading system message and the newest six messages reach the model.",
        lambda: reading(_newest_messages),
        seen=("command-code#820",),
    ),
    HeldOut(
        "b.first-4096-characters",
        "B",
        "A message that is a string is cut silently behind its first 4,096 characters.",
        lambda: reading(_beginnings_of_messages),
        seen=("ollama#4967",),
    ),
    HeldOut(
        "j.cache-key",
        "J",
        "A request with `prompt_cache_key` or `safety_identifier` is answered 500.",
        lambda: crashing_when(_cache_key),
    ),
    HeldOut(
        "j.include-obfuscation",
        "J",
        "A stream with `stream_options.include_obfuscation` is answered 500.",
        lambda: crashing_when(_obfuscation),
    ),
    HeldOut(
        "j.text-format",
        "J",
        'The default written out, `response_format: {"type": "text"}`, is answered 500.',
        lambda: crashing_when(_plain_format),
    ),
    HeldOut(
        "l.limit-of-first-choice",
        "L",
        "With `n` above 1 the token limit holds for the first choice only; the others run to their end.",
        _limit_of_first_choice,
    ),
    HeldOut(
        "l.last-message-checked",
        "L",
        "Only the last message is validated: an earlier one with an unknown role or without content is served.",
        _last_message_checked,
    ),
    HeldOut(
        "l.first-tool-only",
        "L",
        "Of several tools only the first reaches the model, which calls it where another one was chosen.",
        lambda: reading(_first_tool_only),
    ),
)
