"""A completion request as the deployment understands it, once its body is known to be valid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the conversation; `text` joins its parts."""

    role: str
    text: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """What a client wants, with defaults filled in."""

    model: str
    messages: tuple[Message, ...]
    choices: int = 1
    token_limit: int | None = None
    """The most tokens of one choice, if the client limits them."""
    stop: tuple[str, ...] = ()
    stream: bool = False
    include_usage: bool = False
    alternatives: int | None = None
    """How many alternatives of each token the log probabilities have; None without log probabilities."""
    prompt_tokens: int = 0
    """The tokens of the prompt, as this deployment counts them."""
    tokens_left: int | None = None
    """How many tokens of one choice still fit into the context window."""
    sampling: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Fields that only a model can honour (`temperature`, `seed`, …), as they were sent."""


def text_of(content: Any) -> str:
    """The text of a message's content: a string, a list of text parts, or nothing."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str))
    return ""
