"""Asks with LangChain's ChatOpenAI for Python, and adds up streams as LangChain's users do."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI
from shared import TOOLS, Task, run

_SETTINGS = ("max_retries", "stream_usage", "streaming", "use_responses_api")


def understand(task: Task) -> dict[str, Any] | None:
    """What LangChain's message says; it keeps one choice of a stream, and so has no streams of several."""
    if task.kind == "stream-choices":
        return None
    model = ChatOpenAI(model=task.model, base_url=task.base_url, api_key=task.api_key, **task.chosen(*_SETTINGS))
    if task.wants == "choices":
        return several(model.model_copy(update={"n": 2}), task)
    if task.wants == "structured":
        return structured(model, task)
    runnable: Any = model
    if task.wants in ("tools", "second-turn"):
        demand = {"tool_choice": "set_city"} if task.wants == "tools" else {}
        runnable = model.bind_tools(TOOLS, **demand)
    if not task.streams:
        return said(runnable.invoke(task.messages()))
    message = None
    for chunk in runnable.stream(task.messages(), **({"stream_usage": True} if task.wants == "usage" else {})):
        message = chunk if message is None else message + chunk
    return said(message)


def several(model: ChatOpenAI, task: Task) -> dict[str, Any]:
    """What several choices say."""
    result = model.generate([[HumanMessage(task.messages()[0]["content"])]])
    one_by_one = [said(generation.message) for generation in result.generations[0]]
    return {
        **{name: [value for one in one_by_one for value in one[name]] for name in ("text", "tool_calls")},
        "finish_reason": [generation.generation_info["finish_reason"] for generation in result.generations[0]],
        "usage": result.llm_output["token_usage"],
    }


def structured(model: ChatOpenAI, task: Task) -> dict[str, Any]:
    """What structured output says."""
    schema = {"title": "answer", "description": "An answer", **task.schema}
    runnable = model.with_structured_output(schema, method="json_schema", include_raw=True)
    result: dict[str, Any] = {}
    if task.streams:
        for part in runnable.stream(task.messages()):
            raw = part.pop("raw", None)
            if raw is not None:
                result["raw"] = raw if "raw" not in result else result["raw"] + raw
            result.update(part)
    else:
        result = runnable.invoke(task.messages())
    if result.get("parsing_error") is not None:
        raise result["parsing_error"]
    return {**said(result["raw"]), "parsed": result["parsed"]}


def said(message: Any) -> dict[str, Any]:
    """What a message says."""
    usage = message.usage_metadata
    calls = [{"id": call["id"], "name": call["name"], "arguments": call["args"]} for call in message.tool_calls]
    calls += [
        {"id": call["id"], "name": call["name"], "arguments": call["args"]} for call in message.invalid_tool_calls
    ]
    return {
        "text": [message.content],
        "finish_reason": [message.response_metadata.get("finish_reason")],
        "tool_calls": [calls],
        "usage": usage
        and {
            "prompt_tokens": usage["input_tokens"],
            "completion_tokens": usage["output_tokens"],
            "total_tokens": usage["total_tokens"],
        },
    }


if __name__ == "__main__":
    run("langchain-python", "langchain-openai", understand)
