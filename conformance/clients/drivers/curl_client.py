"""Asks with the program curl, and reads a stream line by line as scripts do: what follows `data: ` up to `[DONE]`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

from shared import Task, run
from wire_objects import put_together, whole

_DATA, _DONE = b"data: ", b"[DONE]"


class CurlError(Exception):
    """Curl ended with an exit status; it says so on its standard error, and the body may follow."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status_code = status or None


def understand(task: Task) -> dict[str, Any]:
    """What the documents say."""
    body: dict[str, Any] = {"model": task.model, "messages": task.messages(), **task.extra()}
    if not task.streams:
        return whole(json.loads(_curl(task, body)), task)
    return put_together(_chunks(_curl(task, {**body, "stream": True})), task)


def _chunks(printed: bytes) -> Iterator[dict[str, Any]]:
    for line in printed.split(b"\n"):
        if line.startswith(_DATA):
            data = line.removeprefix(_DATA)
            if data == _DONE:
                return
            yield json.loads(data)


def _curl(task: Task, body: dict[str, Any]) -> bytes:
    """What curl prints; the status follows the body, after a line feed."""
    command = ["curl", "--silent", "--show-error", "--no-buffer", "--fail-with-body", "--write-out", "\n%{http_code}"]
    headers = ["--header", "Content-Type: application/json", "--header", f"Authorization: Bearer {task.api_key}"]
    command += [*headers, "--data", "@-", f"{task.base_url}/chat/completions"]
    ended = subprocess.run(command, input=json.dumps(body).encode(), capture_output=True, check=False)  # noqa: S603
    printed, _, status = ended.stdout.rpartition(b"\n")
    if ended.returncode:
        said = b" ".join((ended.stderr.strip(), printed)).strip().decode(errors="replace")
        raise CurlError(said, int(status) if ended.returncode == 22 else 0)
    return printed


if __name__ == "__main__":
    release = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True)  # noqa: S607
    run("curl", None, understand, release=release.stdout.split()[1])
