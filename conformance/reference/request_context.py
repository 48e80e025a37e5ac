"""What is known about the request that is being answered: the facts that conditional faults depend on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

_LONG = 400
"""Characters from which a prompt counts as long."""


@dataclass(slots=True)
class DeploymentState:
    """What one deployment keeps from request to request; faults of state keep their own values in `kept`."""

    requests: int = 0
    """Requests that have arrived so far."""
    running: int = 0
    """Requests that are being answered now."""
    errors: int = 0
    """Answers so far with a status of 400 or more."""
    bodies: dict[bytes, int] = field(default_factory=dict)
    """How often each body has arrived."""
    kept: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class RequestContext:
    """One request, as far as it has arrived, and the state of the deployment that answers it."""

    state: DeploymentState
    method: str
    path: str
    query: str
    """What follows the question mark, as it was sent."""
    headers: Mapping[str, str]
    """By lower-case name; where a name occurs more than once, its last value."""
    on_connection: int
    """The number of this request on its connection, from 1."""
    number: int
    """The number of this request in the deployment, from 1."""
    concurrent: int
    """Requests that were being answered when this one arrived."""
    errors_before: int
    """Answers before this request that were errors."""
    raw: bytearray = field(default_factory=bytearray)
    occurrence: int = 0
    """How often this very body has arrived, this request included; 0 while the body is incomplete."""
    status: int = 0
    """The status of the answer, once it has begun."""
    _body: Any = None

    def complete(self) -> None:
        """Record that the whole body has arrived."""
        body = bytes(self.raw)
        self.occurrence = self.state.bodies[body] = self.state.bodies.get(body, 0) + 1
        try:
            self._body = json.loads(body)
        except (ValueError, RecursionError):
            self._body = None

    @property
    def body(self) -> Mapping[str, Any]:
        """The body as a JSON object; empty where it is not one."""
        return self._body if isinstance(self._body, dict) else {}

    @property
    def streams(self) -> bool:
        """Whether the request asks for a stream."""
        return self.body.get("stream") is True

    @property
    def n(self) -> int:
        """The number of choices that the request asks for."""
        n = self.body.get("n")
        return n if isinstance(n, int) and not isinstance(n, bool) else 1

    @property
    def wants_usage(self) -> bool:
        """Whether the request asks for the usage of its stream."""
        options = self.body.get("stream_options")
        return isinstance(options, dict) and options.get("include_usage") is True

    @property
    def prompt(self) -> str:
        """The text of all messages, joined by line feeds."""
        messages = self.body.get("messages")
        rows = [row for row in messages if isinstance(row, dict)] if isinstance(messages, list) else []
        return "\n".join(_text(row.get("content")) for row in rows)

    @property
    def has_long_prompt(self) -> bool:
        """Whether the prompt is longer than a short question."""
        return len(self.prompt) > _LONG


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(_text(part.get("text")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


current: ContextVar[RequestContext] = ContextVar("request_context")
"""The request that the running task answers; set only in a deployment with a fault that needs it."""
