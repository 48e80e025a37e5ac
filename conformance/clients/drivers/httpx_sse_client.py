"""Asks with httpx and httpx-sse alone, as programs do that use no client library."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
from httpx_sse import connect_sse
from shared import Task, run
from wire_objects import put_together, whole


def understand(task: Task) -> dict[str, Any]:
    """What the documents say."""
    headers = {"Authorization": f"Bearer {task.api_key}"}
    body = {"model": task.model, "messages": task.messages(), **task.extra()}
    url = f"{task.base_url}/chat/completions"
    with httpx.Client(headers=headers, timeout=60) as client:
        if task.streams:
            return put_together(_chunks(client, url, {**body, "stream": True}), task)
        response = client.post(url, json=body)
        response.raise_for_status()
        return whole(response.json(), task)


def _chunks(client: httpx.Client, url: str, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    with connect_sse(client, "POST", url, json=body) as source:
        source.response.raise_for_status()
        for event in source.iter_sse():
            if event.data == "[DONE]":
                return
            yield json.loads(event.data)


if __name__ == "__main__":
    run("httpx-sse", "httpx-sse", understand)
