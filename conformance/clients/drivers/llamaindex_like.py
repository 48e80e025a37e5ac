"""Asks with LlamaIndex's OpenAILike class, which is told what the model can do."""

from __future__ import annotations

from typing import Any

from llama_index.llms.openai_like import OpenAILike
from llamaindex_objects import asked
from shared import Task, run

_ABLE = {"is_chat_model": True, "is_function_calling_model": True, "should_use_structured_outputs": True}


def understand(task: Task) -> dict[str, Any] | None:
    """What LlamaIndex's response says."""
    settings = {**_ABLE, **task.chosen("max_retries", "strict", *_ABLE)}
    return asked(OpenAILike(model=task.model, api_base=task.base_url, api_key=task.api_key, **settings), task)


if __name__ == "__main__":
    run("llamaindex-openai-like", "llama-index-llms-openai-like", understand)
