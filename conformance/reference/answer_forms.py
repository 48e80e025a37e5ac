"""Forms of an answer that a request can ask for: the earlier API of functions, sound, sources and moderation."""

from __future__ import annotations

import base64
import io
import secrets
import wave
from collections.abc import Mapping
from typing import Any, Final

from conformance.reference.errors import Refusal
from conformance.reference.provider import CompletionRequest

FORMS: Final = ("functions", "function_call", "modalities", "audio", "web_search_options", "moderation")
"""The fields of a request that ask for such a form."""
_KEPT_FOR: Final = 3600
"""Seconds for which a sound could be referred to."""
_SAMPLES: Final = 800


def check_forms(fields: Mapping[str, Any], *, stream: bool) -> None:
    """Raises `Refusal` (400) for a sound in a stream, which no document describes."""
    if stream and "audio" in (fields.get("modalities") or ()):
        message = "Sound is not supported in streams; leave 'audio' out of 'modalities'."
        raise Refusal(400, "unsupported_parameter", message, param="modalities")


def as_tools(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields with the functions of the earlier API as tools, where there are no tools."""
    functions = fields.get("functions")
    if not isinstance(functions, list) or "tools" in fields:
        return fields
    choice = fields.get("function_call")
    if isinstance(choice, Mapping):
        choice = {"type": "function", "function": {"name": choice.get("name")}}
    chosen = {} if choice is None else {"tool_choice": choice}
    return {**fields, "tools": [{"type": "function", "function": one} for one in functions], **chosen}


def asks_for_functions(request: CompletionRequest) -> bool:
    """Whether calls are answered as the earlier API has them."""
    return "functions" in request.further and "tools" not in request.further


def completion_in_form(request: CompletionRequest, body: dict[str, Any]) -> dict[str, Any]:
    """A completion in the form that its request asks for."""
    for choice in body["choices"]:
        message = choice["message"]
        if asks_for_functions(request) and "tool_calls" in message:
            message["function_call"] = message.pop("tool_calls")[0]["function"]
        if "web_search_options" in request.further:
            message["annotations"] = []  # nothing was searched, and nothing found
        if "audio" in (request.further.get("modalities") or ()) and message["content"] is not None:
            message["audio"] = _sound(body["created"], message["content"])
            message["content"] = None
        choice["finish_reason"] = _reason(request, choice["finish_reason"])
    if "moderation" in request.further:
        result = {"type": "moderation_results", "model": request.further["moderation"].get("model"), "results": []}
        body["moderation"] = {"input": result, "output": result}
    return body


def choice_in_form(request: CompletionRequest, choice: dict[str, Any]) -> dict[str, Any]:
    """A choice of a chunk in the form that its request asks for."""
    if asks_for_functions(request):
        calls = choice["delta"].pop("tool_calls", None)
        if calls:
            choice["delta"]["function_call"] = calls[0]["function"]
        choice["finish_reason"] = _reason(request, choice["finish_reason"])
    return choice


def _reason(request: CompletionRequest, reason: str | None) -> str | None:
    return "function_call" if reason == "tool_calls" and asks_for_functions(request) else reason


def _sound(created: int, transcript: str) -> dict[str, Any]:
    """Silence, with the words that would be heard."""
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setparams((1, 2, 8000, _SAMPLES, "NONE", ""))
        file.writeframes(bytes(2 * _SAMPLES))
    data = base64.b64encode(written.getvalue()).decode("ascii")
    expires = created + _KEPT_FOR
    return {"id": f"audio_{secrets.token_hex(12)}", "expires_at": expires, "data": data, "transcript": transcript}
