"""Asks with the OpenAI class of LlamaIndex, which takes only names of models that OpenAI has."""

from __future__ import annotations

from typing import Any

from llama_index.llms.openai import OpenAI
from llamaindex_objects import asked
from shared import Task, run


def understand(task: Task) -> dict[str, Any] | None:
    """What LlamaIndex's response says."""
    settings = task.chosen("max_retries", "strict")
    return asked(OpenAI(model="gpt-4o-mini", api_base=task.base_url, api_key=task.api_key, **settings), task)


if __name__ == "__main__":
    run("llamaindex-openai", "llama-index-llms-openai", understand)
