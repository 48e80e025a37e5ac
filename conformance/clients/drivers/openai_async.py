"""Asks with OpenAI's asynchronous client for Python, which puts streams together with its own helper."""

from __future__ import annotations

import asyncio
from typing import Any

from openai import AsyncOpenAI, LengthFinishReasonError
from openai_objects import put_together, whole
from schema_model import model_of
from shared import Task, run


def understand(task: Task) -> dict[str, Any]:
    """What the client's objects say; an answer that was cut at its length is handed on with an exception."""
    try:
        return asyncio.run(_asked(task))
    except LengthFinishReasonError as cut:
        return whole(cut.completion)


async def _asked(task: Task) -> dict[str, Any]:
    ask: dict[str, Any] = {"model": task.model, "messages": task.messages(), **task.extra()}
    if task.wants == "structured":
        ask["response_format"] = model_of(task.schema)
    async with AsyncOpenAI(base_url=task.base_url, api_key=task.api_key, **task.chosen("max_retries")) as client:
        if task.streams and task.settings.get("helper") is False:
            chunks = await client.chat.completions.create(**{**ask, **task.extra()}, stream=True)
            return put_together([chunk async for chunk in chunks])
        if task.streams:
            async with client.chat.completions.stream(**ask) as stream:
                return whole(await stream.get_final_completion())
        if task.wants == "structured":
            return whole(await client.chat.completions.parse(**ask))
        return whole(await client.chat.completions.create(**ask))


if __name__ == "__main__":
    run("openai-async", "openai", understand)
