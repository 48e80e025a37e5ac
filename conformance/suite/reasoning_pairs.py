"""Whole answers with counted reasoning, and the streams that answer the same requests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from conformance.suite.answered_choices import SeenAnswer, SeenChoice
from conformance.suite.stream_pairs import request_key

FEWEST_PAIRS: Final = 3
"""How many requests show that it is the deployment, and not the model, that counts otherwise in streams."""


@dataclass(frozen=True, slots=True)
class ThinkingPair:
    """A whole answer whose usage counts reasoning, and the stream with a usage for the same request."""

    whole: SeenAnswer
    stream: SeenAnswer

    @property
    def is_uncounted(self) -> bool:
        """Whether the stream counts no reasoning."""
        return not self.stream.detail("reasoning_tokens")

    @property
    def says_the_same(self) -> bool:
        """Whether both say the same, after as much reasoning."""
        alike = self.whole.detail("reasoning_tokens") == self.stream.detail("reasoning_tokens")
        return alike and list(map(_said, self.whole.choices)) == list(map(_said, self.stream.choices))

    @property
    def lacks_reasoning(self) -> bool:
        """Whether the completion tokens of the stream are fewer by all of the reasoning."""
        more, less = self.whole.tokens("completion_tokens") or 0, self.stream.tokens("completion_tokens") or 0
        return more - less >= (self.whole.detail("reasoning_tokens") or 0)

    @property
    def figures(self) -> str:
        """What both count, in words."""
        return f"{_figures(self.stream)} in the stream, and {_figures(self.whole)} in the whole answer"


def thinking_pairs(answers: Iterable[SeenAnswer]) -> list[ThinkingPair]:
    """The pairs of whole answers that count reasoning and streams of the same request that have a usage."""
    wholes: dict[str, SeenAnswer] = {}
    streams: list[SeenAnswer] = []
    for one in answers:
        if one.answered.probe.asks_for_stream:
            streams += [one] if one.tokens("completion_tokens") is not None else []
        elif one.detail("reasoning_tokens"):
            wholes[request_key(one.answered.sent)] = one
    keyed = ((request_key(stream.answered.sent), stream) for stream in streams)
    return [ThinkingPair(wholes[key], stream) for key, stream in keyed if key in wholes]


def _said(choice: SeenChoice) -> tuple[str, tuple[str | None, ...], str | None]:
    return choice.text or "", tuple(call.input for call in choice.calls), choice.finish_reason


def _figures(answer: SeenAnswer) -> str:
    counted, thought = answer.tokens("completion_tokens"), answer.detail("reasoning_tokens")
    return f"{counted} completion tokens with {thought} of reasoning"
