"""Reads an upstream's answer, whole or streamed, and tolerates the usual faults of such servers; without I/O."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.reading.event_stream import MAX_LINE, Event, EventStreamReader
from conformance.reference.errors import ProviderError
from conformance.reference.provider import Ended
from conformance.reference.providers.bounded_json import read_json
from conformance.reference.providers.upstream_failure import BROKE_OFF, FAILED, NOT_UNDERSTOOD

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
_FAILURES = frozenset(
    {"error", "abort", "aborted", "cancelled", "canceled", "timeout", "network_error", "insufficient_system_resource"}
)
"""Finish reasons that say that the text is not whole, and not because of a limit."""
_REASONING = ("reasoning_content", "reasoning")
"""The members of a message in which servers show a model's reasoning."""


class AnswerReader:
    """Collects one choice of an answer: its text, its finish reason and its usage.

    `longest` is the largest event that is read, in bytes; a stream ends before a larger one.
    """

    def __init__(self, longest: int = MAX_LINE) -> None:
        self._events = EventStreamReader(max_line=longest)
        self._reason: str | None = None
        self._completion_tokens: int | None = None
        self._bytes = 0
        """Of the text and the reasoning so far, in UTF-8."""
        self._whole_text = False
        """Whether the answer came in one piece, and has text."""
        self.done = False
        """Whether the sentinel `[DONE]` or a whole answer has arrived; nothing after it counts."""
        self.answered = False
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
        self.done, self._whole_text = True, bool(text)
        if text:
            yield text

    def ended(self, allowed: int | None = None, *, may_have_stopped: bool = False) -> Ended:
        """The end of the choice.

        `allowed` is the token limit that the upstream was given, and `may_have_stopped` says whether it was given stop
        sequences: then `stop` is believed even at the limit.

        Raises:
            ProviderError: the answer has no end, so that it may have been cut; or no choice at all. `[DONE]` is not an
                end: a gateway sends it as well when its own upstream broke off. Only a text in one piece needs no
                reason, because nothing of it can be missing.
        """
        if not self.done and not self.finished:
            raise ProviderError(BROKE_OFF)
        if not self.answered:
            raise ProviderError(NOT_UNDERSTOOD)
        if not self.finished and not self._whole_text:
            raise ProviderError(BROKE_OFF)
        return Ended(
            self._reason or "stop",
            certain=may_have_stopped or self._reason not in {None, "stop"},
            completion_tokens=self._completion_tokens,
            allowed=allowed,
            size=self._bytes,
        )

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
        self.answered = self.answered or bool(choice)
        self._take_reason(choice.get("finish_reason"))
        message = choice.get("delta") or choice.get("message")
        if not isinstance(message, dict):
            return ""
        text = _well_formed(_content(message.get("content")))
        self._bytes += len(text.encode()) + _reasoning_bytes(message)
        return text

    def _take_reason(self, reason: Any) -> None:
        if not isinstance(reason, str) or reason in {"", "null"}:
            return
        if reason.lower() in _FAILURES:
            raise ProviderError(BROKE_OFF)
        self._reason = _REASONS.get(reason.lower(), "stop")

    def _take_usage(self, usage: Any) -> None:
        if isinstance(usage, dict):
            self._completion_tokens = _count(usage.get("completion_tokens"), self._completion_tokens)


def _json(text: str) -> Any:
    try:
        return read_json(text)
    except ValueError as error:
        raise ProviderError(NOT_UNDERSTOOD) from error


def _content(content: Any) -> str:
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _reasoning_bytes(message: dict[str, Any]) -> int:
    texts = (message.get(name) for name in _REASONING)
    return next((len(_well_formed(text).encode()) for text in texts if isinstance(text, str) and text), 0)


def _well_formed(text: str) -> str:
    """Pairs of surrogates joined, lone ones replaced: a lone one cannot be sent on as UTF-8."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _count(value: Any, before: int | None) -> int | None:
    """A number of tokens, or `before` if the value cannot be one."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        return before
    return int(value)
