"""Asks with an agent of Pydantic AI, which has the calls executed elsewhere, so that it asks once."""

from __future__ import annotations

from typing import Any

from openai import AsyncOpenAI
from pydantic_ai import Agent, DeferredToolRequests, NativeOutput
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, ToolCallPart, ToolReturnPart, UserPromptPart
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.toolsets import ExternalToolset
from schema_model import model_of
from shared import CALL_ID, FUNCTION, Task, run


def understand(task: Task) -> dict[str, Any] | None:
    """What the agent's last response says; it has no several choices."""
    if task.wants == "choices":
        return None
    agent, ask = _agent(task), _asked(task)
    if not task.streams:
        result = agent.run_sync(**ask)
        return _said(result, result.output, task)
    streamed = agent.run_stream_sync(**ask)
    output = streamed.get_output()
    return _said(streamed, output, task)


def _agent(task: Task) -> Agent[None, Any]:
    if "max_retries" in task.settings:
        client = AsyncOpenAI(base_url=task.base_url, api_key=task.api_key, max_retries=task.settings["max_retries"])
        provider = OpenAIProvider(openai_client=client)
    else:
        provider = OpenAIProvider(base_url=task.base_url, api_key=task.api_key)
    model = OpenAIChatModel(task.model, provider=provider)
    if task.wants == "structured":
        return Agent(model, output_type=NativeOutput(model_of(task.schema)))
    if task.wants not in ("tools", "second-turn"):
        return Agent(model)
    tool = ToolDefinition(name=FUNCTION["name"], parameters_json_schema=FUNCTION["parameters"])
    return Agent(model, output_type=[str, DeferredToolRequests], toolsets=[ExternalToolset([tool])])


def _asked(task: Task) -> dict[str, Any]:
    if task.wants != "second-turn":
        return {"user_prompt": task.messages()[0]["content"]}
    history: list[ModelMessage] = [
        ModelRequest(parts=[UserPromptPart(task.messages()[0]["content"])]),
        ModelResponse(parts=[ToolCallPart("set_city", {"city": "Oslo"}, tool_call_id=CALL_ID)]),
        ModelRequest(parts=[ToolReturnPart("set_city", "done", tool_call_id=CALL_ID)]),
    ]
    return {"message_history": history}


def _said(result: Any, output: Any, task: Task) -> dict[str, Any]:
    response, usage = result.response, result.usage
    calls = [{"id": call.tool_call_id, "name": call.tool_name, "arguments": call.args} for call in response.tool_calls]
    understood = {
        "text": [response.text],
        "finish_reason": [response.finish_reason],
        "tool_calls": [calls],
        "usage": {
            "prompt_tokens": usage.input_tokens,
            "completion_tokens": usage.output_tokens,
            "total_tokens": usage.total_tokens,
        },
    }
    return {**understood, "parsed": output.model_dump(mode="json")} if task.wants == "structured" else understood


if __name__ == "__main__":
    run("pydantic-ai", "pydantic-ai-slim", understand)
