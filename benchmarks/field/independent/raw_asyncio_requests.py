"""What the deployment on bare asyncio sockets takes as a request."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

LARGEST_PROMPT = 100_000
Json = dict[str, Any]


class RefusedError(Exception):
    def __init__(self, status: int, message: str, code: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.error = (
            status,
            {"message": message, "type": "invalid_request_error", "code": code, "param": param},
        )


def number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def integer(value: Any) -> bool:
    return number(value) and (isinstance(value, int) or value.is_integer())


def text_of(content: Any) -> str | None:
    if isinstance(content, str):
        return content
    if not isinstance(content, list) or not content:
        return None
    texts = [part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None for part in content]
    strings = [text for text in texts if isinstance(text, str)]
    return "".join(strings) if len(strings) == len(texts) else None


def are_stop_sequences(value: Any) -> bool:
    some = [value] if isinstance(value, str) else value
    return isinstance(some, list) and 1 <= len(some) <= 4 and all(isinstance(one, str) for one in some)


def are_stream_options(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("include_usage", False), bool)


RULES: dict[str, Callable[[Any], bool]] = {
    "temperature": lambda v: number(v) and 0 <= v <= 2,
    "top_p": lambda v: number(v) and 0 <= v <= 1,
    "n": lambda v: integer(v) and 1 <= v <= 128,
    "stop": are_stop_sequences,
    "max_tokens": lambda v: integer(v) and v >= 1,
    "max_completion_tokens": lambda v: integer(v) and v >= 1,
    "stream": lambda v: isinstance(v, bool),
    "stream_options": are_stream_options,
    "presence_penalty": lambda v: number(v) and abs(v) <= 2,
    "frequency_penalty": lambda v: number(v) and abs(v) <= 2,
    "seed": integer,
    "user": lambda v: isinstance(v, str),
    "logprobs": lambda v: isinstance(v, bool),
    "top_logprobs": lambda v: integer(v) and 0 <= v <= 20,
}


NOT_HAD = {
    "tools": None,
    "tool_choice": None,
    "functions": None,
    "function_call": None,
    "parallel_tool_calls": None,
    "response_format": {"type": "text"},
    "reasoning_effort": None,
    "modalities": ["text"],
    "audio": None,
    "prediction": None,
    "verbosity": None,
    "logit_bias": None,
    "web_search_options": None,
}
"""What this deployment of the OpenAI contract does not have; null and the value beside it ask for nothing of it."""


def invalid(name: str) -> RefusedError:
    return RefusedError(400, f"The value of {name} is not valid.", "invalid_value", name)


def understood(body: bytes) -> Json:
    def no_such(literal: str) -> Any:
        raise ValueError(literal)

    try:
        value = json.loads(body.decode("utf-8-sig"), parse_constant=no_such)
    except (ValueError, RecursionError):
        raise RefusedError(400, "The body is no JSON.", "invalid_json") from None
    if not isinstance(value, dict):
        raise RefusedError(400, "The body is no JSON object.", "invalid_json")
    return value


def check_message(message: Any) -> None:
    content = message.get("content") if isinstance(message, dict) else None
    for part in content if isinstance(content, list) else ():
        kind = part.get("type") if isinstance(part, dict) else None
        if kind in ("image_url", "input_audio", "file"):
            raise RefusedError(400, f"Parts of the type {kind} are not supported.", "unsupported", "messages")
    if not isinstance(message, dict) or text_of(message.get("content")) is None:
        raise invalid("messages")
    if message.get("role") not in ("developer", "system", "user", "assistant", "tool"):
        raise invalid("messages")
    if any(name in message and not isinstance(message[name], str) for name in ("name", "tool_call_id")):
        raise invalid("messages")


def checked(asked: Json) -> None:
    if not isinstance(asked.get("model"), str):
        raise invalid("model")
    messages = asked.get("messages")
    if not isinstance(messages, list) or not messages:
        raise invalid("messages")
    for message in messages:
        check_message(message)
    for name, allowed in RULES.items():
        if asked.get(name) is not None and not allowed(asked[name]):
            raise invalid(name)
    for name in ("user", "top_logprobs"):
        if name in asked and asked[name] is None:
            raise invalid(name)
    offered(asked)


def refuse_what_is_not_had(asked: Json) -> None:
    for name, harmless in NOT_HAD.items():
        if asked.get(name) is not None and asked[name] != harmless:
            raise RefusedError(400, f"{name} is not supported by this deployment.", "unsupported", name)


def offered(asked: Json) -> None:
    """Refuse what is valid and not had here."""
    if asked.get("logprobs") or asked.get("top_logprobs") is not None:
        raise RefusedError(
            400, "logprobs and top_logprobs are not supported by this deployment.", "unsupported", "logprobs"
        )
    if asked["model"] != "reference-echo":
        raise RefusedError(404, "There is no such model.", "model_not_found", "model")
    if prompt_tokens(asked) > LARGEST_PROMPT:
        raise RefusedError(400, "The prompt is too long for this model.", "context_length_exceeded", "messages")


def prompt_tokens(asked: Json) -> int:
    return 1 + sum(4 + len(text_of(message["content"]) or "") for message in asked["messages"])
