"""The interface of a provider: the completion request that it gets, and the text and tool calls that it generates."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the conversation; `text` joins its parts."""

    role: str
    text: str
    name: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """The message as it was sent; empty where the contract knows text alone."""
    prompt_tokens: int = 0
    """What its parts beside text, and its tool calls, cost in tokens."""


class Tools(StrEnum):
    """What a model may do with its tools (OpenAI API reference, tool_choice)."""

    NONE = "none"
    AUTO = "auto"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the model may call. `parameters` is a JSON Schema for a function, a format for a custom tool."""

    name: str
    kind: str = "function"
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class CallPiece:
    """A piece of a tool call. The first of a call has its id and name, each its kind; together they are its input."""

    index: int
    text: str
    """Of the arguments of a function, or of the input of a custom tool."""
    id: str | None = None
    kind: str = "function"
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Thought:
    """A piece of the model's reasoning, which is counted and not shown."""

    text: str


@dataclass(frozen=True, slots=True)
class Declined:
    """A piece of the words in which the model declines to answer; they stand in the place of text."""

    text: str


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
    tools: tuple[Tool, ...] = ()
    """The tools that the model may call here: with a choice of some, only those."""
    tool_use: Tools = Tools.NONE
    parallel_calls: bool = True
    response_format: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """The form that the text must have, as it was sent; empty where there is none."""
    effort: str | None = None
    """How much the model is to think before it answers (`reasoning_effort`)."""
    further: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Further fields that the contract honours, as they were sent: for a provider behind the deployment."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of one choice: why the provider stopped.

    What another server says of itself need not be true. Then `certain` is false where it says `stop`, and the rest
    shows whether it was the limit that ended the text.
    """

    reason: str = "stop"
    certain: bool = True
    completion_tokens: int | None = None
    """The tokens that the provider counted; None if it did not."""
    allowed: int | None = None
    """The token limit that the provider was given, or None."""
    size: int = 0
    """Bytes of all that the provider generated, in UTF-8: no text has more tokens than bytes."""
    hidden_tokens: int = 0
    """Tokens of reasoning that the provider counted and of which it showed nothing."""


Piece = str | CallPiece | Thought | Declined | Ended
"""What a provider generates: text, a piece of a tool call, a thought, words that decline, or the end."""


class Provider(Protocol):
    """A source of completions.

    A provider need not observe limits, stop sequences or token boundaries: the deployment enforces them.
    """

    @property
    def scores_tokens(self) -> bool:
        """Whether `score` gives log probabilities. Then each piece of text must be one token."""

    def generate(self, request: CompletionRequest, choice: int) -> AsyncGenerator[Piece, None]:
        """The text of one choice in pieces, its thoughts and tool calls, then `Ended`.

        Closing the generator ends all work on it.

        Raises:
            ProviderError: the provider failed, before the text or in the middle of it.
            Refusal: the provider knows that the request is wrong; only before the text.
        """

    def score(self, token: str, alternatives: int) -> dict[str, Any] | None:
        """The log probability of a token with its alternatives, as an entry of `logprobs.content`."""

    async def close(self) -> None:
        """Release what the provider holds."""
