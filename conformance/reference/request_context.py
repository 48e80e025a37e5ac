"""What is known of the request that is being answered: the facts that conditional faults of the deployment hang on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

_LONG = 400
"""Characters from which a prompt counts as long."""


@dataclass(slots=True)
class Memory:
    """What one deployment remembers from request to request; faults of state keep their things in `kept`."""

    requests: int = 0
    """Requests that have come so far."""
    under_way: int = 0
    """Requests that are being answered now."""
    errors: int = 0
    """Answers so far with a status of 400 or more."""
    bodies: dict[bytes, int] = field(default_factory=dict)
    """How often each body has come."""
    kept: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Asked:
    """One request, as far as it has arrived. `memory` is that of the deployment."""

    memory: Memory
    method: str
    path: str
    query: str
    """Behind the question mark, as it was sent."""
    headers: Mapping[str, str]
    """By lower-case name; the last of several."""
    on_connection: int
    """Which request of its connection this is, from 1."""
    number: int
    """Which request of the deployment this is, from 1."""
    beside: int
    """Requests that were being answered when this one came."""
    errors_before: int
    """Answers before this request that were errors."""
    raw: bytearray = field(default_factory=bytearray)
    seen: int = 0
    """Which request with this very body it is, from 1; 0 while the body is not complete."""
    status: int = 0
    """The status of the answer, once it began."""
    _body: Any = None

    def complete(self) -> None:
        """Take note that the body has arrived."""
        body = bytes(self.raw)
        self.seen = self.memory.bodies[body] = self.memory.bodies.get(body, 0) + 1
        try:
            self._body = json.loads(body)
        except (ValueError, RecursionError):
            self._body = None

    @property
    def body(self) -> Mapping[str, Any]:
        """The body, or nothing where it is no JSON object."""
        return self._body if isinstance(self._body, dict) else {}

    @property
    def streams(self) -> bool:
        """Whether a stream is asked for."""
        return self.body.get("stream") is True

    @property
    def n(self) -> int:
        """How many choices are asked for."""
        n = self.body.get("n")
        return n if isinstance(n, int) and not isinstance(n, bool) else 1

    @property
    def wants_usage(self) -> bool:
        """Whether a stream is asked for its usage."""
        options = self.body.get("stream_options")
        return isinstance(options, dict) and options.get("include_usage") is True

    @property
    def prompt(self) -> str:
        """The text of all messages, one after another."""
        messages = self.body.get("messages")
        rows = [row for row in messages if isinstance(row, dict)] if isinstance(messages, list) else []
        return "\n".join(_text(row.get("content")) for row in rows)

    @property
    def has_long_prompt(self) -> bool:
        """Whether the prompt is longer than a question."""
        return len(self.prompt) > _LONG


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(_text(part.get("text")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


current: ContextVar[Asked] = ContextVar("asked")
"""The request that the running task answers; set only where a deployment has a fault."""
