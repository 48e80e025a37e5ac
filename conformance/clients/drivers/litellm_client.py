"""Asks with LiteLLM as a client of an OpenAI-compatible server, and lets LiteLLM put streams together."""

from __future__ import annotations

import os
from typing import Any

# Its list of models is part of the package; it must not be fetched.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm
from openai_objects import whole
from schema_model import model_of
from shared import Task, run


def understand(task: Task) -> dict[str, Any]:
    """What LiteLLM's response says."""
    provider = task.settings.get("provider", "openai")
    ask: dict[str, Any] = {
        "model": f"{provider}/{task.model}",
        "api_base": task.base_url,
        "api_key": task.api_key,
        "messages": task.messages(),
        **task.extra(),
        **task.chosen("max_retries"),
    }
    model = model_of(task.schema) if task.wants == "structured" else None
    if model is not None:
        ask["response_format"] = model
    if task.streams:
        chunks = list(litellm.completion(**ask, stream=True))
        completion = litellm.stream_chunk_builder(chunks, messages=task.messages())
    else:
        completion = litellm.completion(**ask)
    understood = whole(completion)
    if model is not None:
        understood["parsed"] = model.model_validate_json(completion.choices[0].message.content).model_dump(mode="json")
    return understood


if __name__ == "__main__":
    run("litellm", "litellm", understand)
