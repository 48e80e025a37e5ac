"""What the deployment asks of a provider of words."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Protocol

from conformance.reference.request import CompletionRequest


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of one choice: why the provider stopped, and what it says that was used (None where it does not)."""

    reason: str = "stop"
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Provider(Protocol):
    """A source of completions.

    A provider need not keep to limits, stop sequences or tokens: the deployment enforces them on whatever comes.
    """

    @property
    def scores_tokens(self) -> bool:
        """Whether `score` has an answer. Then each piece of text must be one token."""

    def generate(self, request: CompletionRequest, choice: int) -> AsyncGenerator[str | Ended, None]:
        """The text of one choice in pieces, then `Ended`. Closing the generator ends all work on it.

        Raises:
            ProviderError: the provider failed, before the text or in the middle of it.
            Refusal: the provider knows that the request is the client's mistake; only before the text.
        """

    def score(self, token: str, alternatives: int) -> dict[str, Any] | None:
        """The log probability of a token with its alternatives, as an entry of `logprobs.content`."""

    async def close(self) -> None:
        """Gives back what the provider holds."""
