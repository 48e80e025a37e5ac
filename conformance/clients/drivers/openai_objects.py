"""What the objects of OpenAI's client for Python say, for the drivers that get such objects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def whole(completion: Any) -> dict[str, Any]:
    """What a completion says."""
    messages = [choice.message for choice in completion.choices]
    understood = {
        "text": [message.content for message in messages],
        "finish_reason": [choice.finish_reason for choice in completion.choices],
        "tool_calls": [[call_of(call) for call in message.tool_calls or []] for message in messages],
        "usage": usage_of(completion.usage),
    }
    parsed = getattr(messages[0], "parsed", None) if messages else None
    return understood if parsed is None else {**understood, "parsed": parsed.model_dump(mode="json")}


def put_together(chunks: Iterable[Any]) -> dict[str, Any]:
    """What the chunks of a stream say together, as users put them together."""
    texts: dict[int, str | None] = {}
    reasons: dict[int, Any] = {}
    calls: dict[int, dict[int, Any]] = {}
    usage = None
    for chunk in chunks:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            texts.setdefault(choice.index, None)
            if choice.delta.content is not None:
                texts[choice.index] = (texts[choice.index] or "") + choice.delta.content
            for part in choice.delta.tool_calls or []:
                known = calls.setdefault(choice.index, {})
                if part.index not in known:
                    known[part.index] = part
                else:
                    known[part.index].function.arguments += part.function.arguments
            reasons[choice.index] = choice.finish_reason or reasons.get(choice.index)
    return {
        "text": [texts[one] for one in sorted(texts)],
        "finish_reason": [reasons[one] for one in sorted(texts)],
        "tool_calls": [[call_of(part) for part in calls.get(one, {}).values()] for one in sorted(texts)],
        "usage": usage_of(usage),
    }


def call_of(call: Any) -> dict[str, Any]:
    """What a tool call says."""
    return {"id": call.id, "name": call.function.name, "arguments": call.function.arguments}


def usage_of(usage: Any) -> dict[str, Any] | None:
    """What the usage says."""
    if usage is None:
        return None
    return {name: getattr(usage, name) for name in ("prompt_tokens", "completion_tokens", "total_tokens")}
