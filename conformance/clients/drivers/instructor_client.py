"""Asks with Instructor, which makes a Pydantic model of what comes: of a call's arguments, or of a document."""

from __future__ import annotations

from typing import Any

import instructor
from openai import OpenAI
from openai_objects import usage_of
from schema_model import model_of
from shared import FUNCTION, Task, last_of, run


def understand(task: Task) -> dict[str, Any] | None:
    """What Instructor made of the answer; without a model, it hands on what OpenAI's client says."""
    if task.wants not in ("completion", "tools", "structured"):
        return None
    openai = OpenAI(base_url=task.base_url, api_key=task.api_key, **task.chosen("max_retries"))
    standard = instructor.Mode.TOOLS if task.wants == "tools" else instructor.Mode.JSON_SCHEMA
    client = instructor.from_openai(openai, mode=instructor.Mode[task.settings.get("mode", standard.name)])
    schema = FUNCTION["parameters"] if task.wants == "tools" else task.schema
    ask: dict[str, Any] = {"model": task.model, "messages": task.messages()}
    if task.wants == "completion":
        return _plain(client, ask, streams=task.streams)
    model = model_of(schema, FUNCTION["name"] if task.wants == "tools" else "Answer")
    if task.streams:
        made = last_of(client.create_partial(**ask, response_model=model))
        return _made(made, task)
    made, completion = client.create_with_completion(**ask, response_model=model)
    return {**_made(made, task), "usage": usage_of(completion.usage)}


def _plain(client: instructor.Instructor, ask: dict[str, Any], *, streams: bool) -> dict[str, Any]:
    if streams:
        chunks = client.create(**ask, response_model=None, stream=True)
        return {"text": ["".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)]}
    completion = client.create(**ask, response_model=None)
    return {
        "text": [choice.message.content for choice in completion.choices],
        "finish_reason": [choice.finish_reason for choice in completion.choices],
        "usage": usage_of(completion.usage),
    }


def _made(made: Any, task: Task) -> dict[str, Any]:
    document = None if made is None else made.model_dump(mode="json")
    if task.wants == "tools":
        return {"tool_calls": [[] if made is None else [{"name": FUNCTION["name"], "arguments": document}]]}
    return {"parsed": document}


if __name__ == "__main__":
    run("instructor", "instructor", understand)
