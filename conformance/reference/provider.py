"""The interface of a provider: the completion request that it gets, and the text that it generates."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


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


class Provider(Protocol):
    """A source of completions.

    A provider need not observe limits, stop sequences or token boundaries: the deployment enforces them.
    """

    @property
    def scores_tokens(self) -> bool:
        """Whether `score` gives log probabilities. Then each piece of text must be one token."""

    def generate(self, request: CompletionRequest, choice: int) -> AsyncGenerator[str | Ended, None]:
        """The text of one choice in pieces, then `Ended`. Closing the generator ends all work on it.

        Raises:
            ProviderError: the provider failed, before the text or in the middle of it.
            Refusal: the provider knows that the request is wrong; only before the text.
        """

    def score(self, token: str, alternatives: int) -> dict[str, Any] | None:
        """The log probability of a token with its alternatives, as an entry of `logprobs.content`."""

    async def close(self) -> None:
        """Release what the provider holds."""
