"""Reads the documents of an answer as plain programs do, for the drivers without a client library."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from shared import Task


def whole(body: dict[str, Any], task: Task) -> dict[str, Any]:
    """What a completion says."""
    messages = [choice["message"] for choice in body["choices"]]
    understood = {
        "text": [message["content"] for message in messages],
        "finish_reason": [choice["finish_reason"] for choice in body["choices"]],
        "tool_calls": [[_call(call) for call in message.get("tool_calls") or []] for message in messages],
        "usage": _usage(body.get("usage")),
    }
    return _with_document(understood, task)


def put_together(chunks: Iterable[dict[str, Any]], task: Task) -> dict[str, Any]:
    """What the chunks of a stream say together."""
    texts: dict[int, str | None] = {}
    reasons: dict[int, Any] = {}
    calls: dict[int, dict[int, Any]] = {}
    usage = None
    for chunk in chunks:
        usage = chunk.get("usage") or usage
        for choice in chunk["choices"]:
            index, delta = choice["index"], choice["delta"]
            texts.setdefault(index, None)
            if delta.get("content") is not None:
                texts[index] = (texts[index] or "") + delta["content"]
            for part in delta.get("tool_calls") or []:
                known = calls.setdefault(index, {})
                if part["index"] not in known:
                    known[part["index"]] = part
                else:
                    known[part["index"]]["function"]["arguments"] += part["function"]["arguments"]
            reasons[index] = choice.get("finish_reason") or reasons.get(index)
    order = sorted(texts)
    understood = {
        "text": [texts[one] for one in order],
        "finish_reason": [reasons[one] for one in order],
        "tool_calls": [[_call(call) for call in calls.get(one, {}).values()] for one in order],
        "usage": _usage(usage),
    }
    return _with_document(understood, task)


def _with_document(understood: dict[str, Any], task: Task) -> dict[str, Any]:
    return {**understood, "parsed": json.loads(understood["text"][0])} if task.wants == "structured" else understood


def _call(call: dict[str, Any]) -> dict[str, Any]:
    return {"id": call["id"], "name": call["function"]["name"], "arguments": call["function"]["arguments"]}


def _usage(usage: dict[str, Any] | None) -> dict[str, Any] | None:
    if usage is None:
        return None
    return {name: usage[name] for name in ("prompt_tokens", "completion_tokens", "total_tokens")}
