"""Asks with an LLM of LlamaIndex, and says what its responses say, for the drivers of its classes."""

from __future__ import annotations

from typing import Any

from llama_index.core.llms import ChatMessage
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.tools import FunctionTool
from schema_model import model_of
from shared import Task, last_of


def asked(llm: FunctionCallingLLM, task: Task) -> dict[str, Any] | None:
    """What the response says; LlamaIndex has no several choices, and says no finish reason."""
    if task.wants == "choices":
        return None
    if task.wants == "structured":
        return _structured(llm, task)
    messages = _messages(task)
    if task.wants in ("tools", "second-turn"):
        tool = FunctionTool.from_defaults(_set_city, name="set_city")
        ask: dict[str, Any] = {"chat_history": messages, "tool_required": task.wants == "tools"}
        if task.streams:
            response = last_of(llm.stream_chat_with_tools([tool], **ask))
        else:
            response = llm.chat_with_tools([tool], **ask)
    elif task.streams:
        extra = {"stream_options": {"include_usage": True}} if task.wants == "usage" else {}
        response = last_of(llm.stream_chat(messages, **extra))
    else:
        response = llm.chat(messages)
    return _said(llm, response)


def _set_city(city: str) -> str:
    """Sets the city."""
    return f"{city} is set"


def _messages(task: Task) -> list[ChatMessage]:
    kept = []
    for message in task.messages():
        more = {name: message[name] for name in ("tool_calls", "tool_call_id") if name in message}
        kept.append(ChatMessage(role=message["role"], content=message["content"], additional_kwargs=more))
    return kept


def _structured(llm: FunctionCallingLLM, task: Task) -> dict[str, Any]:
    structured, messages = llm.as_structured_llm(model_of(task.schema)), _messages(task)
    response = last_of(structured.stream_chat(messages)) if task.streams else structured.chat(messages)
    return {"parsed": None if response is None else response.raw.model_dump(mode="json")}


def _said(llm: FunctionCallingLLM, response: Any) -> dict[str, Any]:
    if response is None:
        return {"text": [], "tool_calls": [], "usage": None}
    calls = llm.get_tool_calls_from_response(response, error_on_no_tool_call=False)
    counts = response.additional_kwargs
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    return {
        "text": [response.message.content],
        "tool_calls": [[{"id": call.tool_id, "name": call.tool_name, "arguments": call.tool_kwargs} for call in calls]],
        "usage": {name: counts[name] for name in names if name in counts} or None,
    }
