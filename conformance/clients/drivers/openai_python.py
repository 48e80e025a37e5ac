"""Asks with OpenAI's client for Python, and puts streams together from its chunks as its users do."""

from __future__ import annotations

from typing import Any

from openai import LengthFinishReasonError, OpenAI
from openai_objects import put_together, whole
from schema_model import model_of
from shared import Task, run


def understand(task: Task) -> dict[str, Any]:
    """What the client's objects say."""
    client = OpenAI(base_url=task.base_url, api_key=task.api_key, **task.chosen("max_retries"))
    ask: dict[str, Any] = {"model": task.model, "messages": task.messages(), **task.extra()}
    if task.streams:
        return put_together(client.chat.completions.create(**ask, stream=True))
    if task.wants == "structured":
        ask["response_format"] = model_of(task.schema)
        try:
            return whole(client.chat.completions.parse(**ask))
        except LengthFinishReasonError as cut:  # It hands on what was cut at its length.
            return whole(cut.completion)
    return whole(client.chat.completions.create(**ask))


if __name__ == "__main__":
    run("openai-python", "openai", understand)
