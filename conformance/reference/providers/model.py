"""The interface of a provider, which generates the text of completions."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Protocol

from conformance.reference.request import CompletionRequest


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of one choice: why the provider stopped, and the tokens that it counted (None if it did not)."""

    reason: str = "stop"
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


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
