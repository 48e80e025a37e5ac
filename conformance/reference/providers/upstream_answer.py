"""Reads an upstream's answer, whole or streamed, and tolerates the usual faults of such servers; without I/O."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from conformance.reading.event_stream import Event, EventStreamReader
from conformance.reference.errors import ProviderError
from conformance.reference.provider import Ended

_REASONS = {
    "length": "length",
    "max_tokens": "length",
    "max_length": "length",
    "model_length": "length",
    "content_filter": "content_filter",
    "safety": "content_filter",
    "sensitive": "content_filter",
}
"""Finish reasons other than the end of the text; everything else that servers send (`eos`, `end_turn`, …) is `stop`."""

FAILED = "The provider failed to answer the request."
BROKE_OFF = "The provider broke off its answer."
NOT_UNDERSTOOD = "The provider gave an answer that cannot be understood."


class AnswerReader:
    """Collects one choice of an answer: its text, its finish reason and its usage."""

    def __init__(self) -> None:
        self._events = EventStreamReader()
        self._reason: str | None = None
        self._prompt_tokens: int | None = None
        self._completion_tokens: int | None = None
        self.done = False
        """Whether the sentinel `[DONE]` or a whole answer has arrived; nothing after it counts."""
        self._answered = False
        """Whether the answer had a choice at all."""

    @property
    def finished(self) -> bool:
        """Whether a finish reason has arrived."""
        return self._reason is not None

    def feed(self, data: bytes) -> Iterator[str]:
        """The pieces of text in these bytes of an event stream, including those before a failure.

        Raises:
            ProviderError: the stream has an error, or something that is not a chunk.
        """
        yield from self._texts(self._events.feed(data))

    def end(self) -> Iterator[str]:
        """The text of an unterminated last event: a client would lose it, but a gateway need not."""
        yield from self._texts(self._events.feed(b"\n\n"))

    def whole(self, body: bytes) -> Iterator[str]:
        """The text of an answer in one piece, whether JSON or an event stream without its media type."""
        if body.lstrip().startswith((b"data:", b":", b"event:")):
            yield from self.feed(body)
            yield from self.end()
            return
        text = self._text(_json(body.decode("utf-8", errors="replace")))
        self.done = True
        if text:
            yield text

    def ended(self) -> Ended:
        """The end of the choice.

        Raises:
            ProviderError: the answer broke off before its end, or had no choice at all.
        """
        if not self.done and not self.finished:
            raise ProviderError(BROKE_OFF)
        if not self._answered:
            raise ProviderError(NOT_UNDERSTOOD)
        return Ended(self._reason or "stop", self._prompt_tokens, self._completion_tokens)

    def _texts(self, events: list[Event]) -> Iterator[str]:
        for event in events:
            data = event.data.strip()
            while data.startswith("data:"):  # proxies that add a prefix to a line that has one
                data = data.removeprefix("data:").lstrip()
            if self.done or data in {"", "null"}:
                continue
            if data == "[DONE]":
                self.done = True
            elif text := self._text(_json(data)):
                yield text

    def _text(self, value: Any) -> str:
        """Read a completion or chunk object, and return its text."""
        if not isinstance(value, dict):
            raise ProviderError(NOT_UNDERSTOOD)
        if value.get("error"):
            raise ProviderError(FAILED)
        self._take_usage(value.get("usage"))
        choices = value.get("choices")
        if not isinstance(choices, list):
            if value.get("usage") is not None:
                return ""
            raise ProviderError(NOT_UNDERSTOOD)
        choice = choices[0] if choices and isinstance(choices[0], dict) else {}
        self._answered = self._answered or bool(choice)
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason not in {"", "null"}:
            self._reason = _REASONS.get(reason, "stop")
        message = choice.get("delta") or choice.get("message")
        return _well_formed(_content(message.get("content"))) if isinstance(message, dict) else ""

    def _take_usage(self, usage: Any) -> None:
        if isinstance(usage, dict):
            self._prompt_tokens = _count(usage.get("prompt_tokens"), self._prompt_tokens)
            self._completion_tokens = _count(usage.get("completion_tokens"), self._completion_tokens)


class SecretGate:
    """Replaces a secret with asterisks in a text that arrives in pieces, even if the secret is spread over several."""

    def __init__(self, secret: str | None) -> None:
        self._secret = secret or ""
        self._held = ""

    def feed(self, piece: str) -> str:
        """The text that may be sent now that `piece` has arrived."""
        if not self._secret:
            return piece
        text = (self._held + piece).replace(self._secret, "*" * len(self._secret))
        longest = min(len(text), len(self._secret) - 1)
        held = next((size for size in range(longest, 0, -1) if text.endswith(self._secret[:size])), 0)
        self._held = text[len(text) - held :]
        return text[: len(text) - held]

    def flush(self) -> str:
        """The text still held back, once no more arrives."""
        held, self._held = self._held, ""
        return held


def is_about_context(body: bytes) -> bool:
    """Whether an error says that the prompt is too long: the only refusal that the client can do something about."""
    text = body.lower()
    return b"context" in text and any(word in text for word in (b"length", b"exceed", b"window", b"size"))


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProviderError(NOT_UNDERSTOOD) from error


def _content(content: Any) -> str:
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _well_formed(text: str) -> str:
    """Pairs of surrogates joined, lone ones replaced: a lone one cannot be sent on as UTF-8."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _count(value: Any, before: int | None) -> int | None:
    """A number of tokens, or `before` if the value cannot be one."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        return before
    return int(value)
