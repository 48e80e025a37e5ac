"""What the deployment on threads takes as a request."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

MODELS = {
    "openai": ["reference-echo"],
    "loop-health": ["claude-sonnet-4-6", "gpt-4o", "gpt-4o-mini", "gpt-4-turbo", "gpt-3.5-turbo"],
}
LARGEST_PROMPT = 16_000
"""Tokens."""
Json = dict[str, Any]


class RefusedError(Exception):
    """A request that is not served: status, words, the field at fault and a code."""

    def __init__(self, status: int, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code = status, message, param, code


# What a field may be: each function says what is wrong, or nothing.

Check = Callable[[Any], str | None]


def kind(*types: type, nullable: bool) -> Check:
    names = " or ".join(t.__name__ for t in types)

    def check(value: Any) -> str | None:
        if value is None:
            return None if nullable else "must not be null"
        if isinstance(value, bool) and bool not in types:
            return f"must be {names}"
        return None if isinstance(value, types) else f"must be {names}"

    return check


def within(low: float, high: float, *, nullable: bool = True) -> Check:
    def check(value: Any) -> str | None:
        if value is None:
            return None if nullable else "must not be null"
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return "must be a number"
        return None if low <= value <= high else f"must be between {low} and {high}"

    return check


def whole(low: float = -math.inf, high: float = math.inf, *, nullable: bool = True) -> Check:
    inside = within(low, high, nullable=nullable)

    def check(value: Any) -> str | None:
        wrong = inside(value)
        if wrong is None and isinstance(value, float) and not value.is_integer():
            return "must be a whole number"
        return wrong

    return check


def stop_sequences(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return None
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        return "must be a string or an array of strings"
    return None if 1 <= len(value) <= 4 else "must have one to four items"


def stream_options(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        return "must be an object"
    return kind(bool, nullable=False)(value.get("include_usage", False))


OPENAI: dict[str, Check] = {
    "model": kind(str, nullable=False),
    "temperature": within(0, 2),
    "top_p": within(0, 1),
    "n": whole(1, 128),
    "stop": stop_sequences,
    "max_tokens": whole(1),
    "max_completion_tokens": whole(1),
    "stream": kind(bool, nullable=True),
    "stream_options": stream_options,
    "presence_penalty": within(-2, 2),
    "frequency_penalty": within(-2, 2),
    "seed": whole(),
    "user": kind(str, nullable=False),
    "logprobs": kind(bool, nullable=True),
    "top_logprobs": whole(0, 20, nullable=False),
}
LOOP_HEALTH: dict[str, Check] = {
    "model": lambda value: None if value in MODELS["loop-health"] else "must be one of the models",
    "temperature": within(0, 2, nullable=False),
    "max_tokens": whole(1, nullable=False),
    "stream": kind(bool, nullable=False),
    "brand_id": lambda value: None if isinstance(value, str) and value else "must be a string that is not empty",
    "requested_by": lambda value: None if isinstance(value, str) and value else "must be a string that is not empty",
}
FIELDS = {"openai": OPENAI, "loop-health": LOOP_HEALTH}
REQUIRED = {"openai": ["model", "messages"], "loop-health": ["messages", "brand_id", "requested_by"]}
ROLES = {"openai": ["developer", "system", "user", "assistant", "tool"], "loop-health": ["system", "user", "assistant"]}


def parsed(body: bytes) -> Json:
    def once(pairs: list[tuple[str, Any]]) -> Json:
        if len({name for name, _ in pairs}) < len(pairs):
            raise ValueError("a name appears twice")
        return dict(pairs)

    def literal(word: str) -> Any:
        raise ValueError(f"{word} is no JSON")

    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=once, parse_constant=literal)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as problem:
        raise RefusedError(
            400, f"We could not parse the JSON body of your request: {type(problem).__name__}."
        ) from None
    if not isinstance(value, dict):
        raise RefusedError(400, "The body must be a JSON object.")
    return value


def judged(profile: str, request: Json) -> None:
    for name in REQUIRED[profile]:
        if name not in request:
            raise RefusedError(400, f"Missing required parameter: '{name}'.", name, "missing_required_parameter")
    for name, value in request.items():
        if name == "messages":
            judge_messages(profile, value)
        elif name not in FIELDS[profile]:
            raise RefusedError(400, f"Unrecognized request argument supplied: {name}", name, "unknown_parameter")
        elif wrong := FIELDS[profile][name](value):
            raise RefusedError(400, f"Invalid '{name}': it {wrong}.", name, "invalid_value")
    if profile == "openai":
        judge_together(request)


def judge_together(request: Json) -> None:
    """What the fields of a request say together."""
    if request["model"] not in MODELS["openai"]:
        raise RefusedError(404, "The model does not exist or you do not have access to it.", "model", "model_not_found")
    if (request.get("n") or 1) > 1:
        raise RefusedError(400, "This deployment does not support 'n' above 1.", "n", "unsupported_parameter")
    if request.get("stream_options") is not None and not request.get("stream"):
        raise RefusedError(400, "'stream_options' is only allowed when 'stream' is enabled.", "stream_options")
    if request.get("top_logprobs") is not None and not request.get("logprobs"):
        raise RefusedError(400, "'logprobs' must be true when 'top_logprobs' is used.", "top_logprobs")


def judge_messages(profile: str, messages: Any) -> None:
    if not isinstance(messages, list) or not messages:
        raise RefusedError(400, "Invalid 'messages': it must be an array with at least one message.", "messages")
    for place, message in enumerate(messages):
        where = f"messages[{place}]"
        if not isinstance(message, dict):
            raise RefusedError(400, f"Invalid '{where}': it must be an object.", where)
        if message.get("role") not in ROLES[profile]:
            raise RefusedError(400, f"Invalid '{where}.role'.", f"{where}.role")
        if not is_content(profile, message.get("content")):
            raise RefusedError(400, f"Invalid '{where}.content'.", f"{where}.content")
        if message["role"] == "tool" and not isinstance(message.get("tool_call_id"), str):
            raise RefusedError(400, f"Missing required parameter: '{where}.tool_call_id'.", f"{where}.tool_call_id")
        for name in message.keys() - {"role", "content"}:
            if profile != "openai" or name not in ("name", "tool_call_id") or not isinstance(message[name], str):
                raise RefusedError(400, f"Invalid '{where}.{name}'.", f"{where}.{name}")


def is_content(profile: str, content: Any) -> bool:
    if isinstance(content, str):
        return True
    return (
        profile == "openai"
        and isinstance(content, list)
        and bool(content)
        and all(
            isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)
            for part in content
        )
    )


def prompt_tokens(request: Json) -> int:
    count = 2
    for message in request["messages"]:
        content = message["content"]
        text = content if isinstance(content, str) else " ".join(part["text"] for part in content)
        count += 3 + len(re.findall(r"\S+", text))
    return count
