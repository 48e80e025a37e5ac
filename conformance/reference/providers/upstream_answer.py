"""Reads an upstream's answer, whole or streamed, and tolerates the usual faults of such servers; without I/O."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.reading.event_stream import MAX_LINE, Event, EventStreamReader
from conformance.reference.errors import ProviderError
from conformance.reference.provider import Declined, Ended, Piece, Thought
from conformance.reference.providers.bounded_json import read_json
from conformance.reference.providers.surrogates import WholeCharacters
from conformance.reference.providers.upstream_calls import CallReader
from conformance.reference.providers.upstream_failure import BROKE_OFF, FAILED, NOT_UNDERSTOOD
from conformance.reference.providers.upstream_reasoning import ContentReader

_REASONS = {
    "length": "length",
    "max_tokens": "length",
    "max_length": "length",
    "model_length": "length",
    "content_filter": "content_filter",
    "safety": "content_filter",
    "sensitive": "content_filter",
}
"""Finish reasons other than the end of the text; everything else that servers send (`eos`, `end_turn`, …) is `stop`, or
`tool_calls` where there are calls."""
_FAILURES = frozenset(
    {"error", "abort", "aborted", "cancelled", "canceled", "timeout", "network_error", "insufficient_system_resource"}
)
"""Finish reasons that say that the text is not whole, and not because of a limit."""
_REASONING = ("reasoning_content", "reasoning")
"""The members of a message in which servers show a model's reasoning."""
_SAID = ("content", "refusal", "tool_calls", "function_call", *_REASONING)
_TEXT_PARTS = (None, "text", "output_text")
"""Types of the parts of a content that are text; others may have a text that is reasoning."""
_TEXT, _THOUGHT, _REFUSAL = "text", "thought", "refusal"


class AnswerReader:
    """Collects one choice of an answer: its text, reasoning and calls, its finish reason and its usage.

    `longest` is the largest event that is read, in bytes; a stream ends before a larger one. `calls` reads the calls.
    The words of a refusal stay apart from the text, so that they are not taken for a document that was asked for.
    """

    def __init__(self, longest: int = MAX_LINE, calls: CallReader | None = None) -> None:
        self._events = EventStreamReader(max_line=longest)
        self._calls = calls or CallReader(longest=longest)
        self._content = ContentReader()
        self._characters = {name: WholeCharacters() for name in (_TEXT, _THOUGHT, _REFUSAL)}
        self._reason: str | None = None
        self._completion_tokens: int | None = None
        self._reasoning_tokens: int | None = None
        self._shows_thoughts = False
        self._bytes = 0
        """Of all but calls so far, in UTF-8."""
        self._says_something = False
        """Whether there is text, a call or a refusal."""
        self._in_one_piece = False
        self._in_deltas = False
        """Whether something was said in a delta."""
        self.done = False
        """Whether the sentinel `[DONE]` or a whole answer has arrived; nothing after it counts."""
        self.answered = False
        """Whether the answer had a choice at all."""

    @property
    def finished(self) -> bool:
        """Whether a finish reason has arrived."""
        return self._reason is not None

    def feed(self, data: bytes) -> Iterator[Piece]:
        """The pieces in these bytes of an event stream, including those before a failure.

        Raises:
            ProviderError: the stream has an error, or something that is not a chunk.
        """
        yield from self._noted(self._pieces(self._events.feed(data)))

    def end(self) -> Iterator[Piece]:
        """What is left: that of an unterminated last event, too. A client would lose it, but a gateway need not."""
        yield from self._noted(self._pieces(self._events.feed(b"\n\n")))
        yield from self._noted(self._rest())

    def whole(self, body: bytes) -> Iterator[Piece]:
        """The pieces of an answer in one piece, whether JSON or an event stream without its media type."""
        if body.lstrip().startswith((b"data:", b":", b"event:")):
            yield from self.feed(body)
            yield from self.end()
            return
        self.done = self._in_one_piece = True
        yield from self._noted(self._read(_json(body.decode("utf-8", errors="replace"))))
        yield from self._noted(self._rest())

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
        if not self.finished and not (self._in_one_piece and self._says_something):
            raise ProviderError(BROKE_OFF)
        reason = self._reason or "stop"
        if reason == "stop" and self._calls.called:
            reason = "tool_calls"
        return Ended(
            reason,
            certain=may_have_stopped or (self._calls.is_whole if reason == "tool_calls" else reason != "stop"),
            completion_tokens=self._completion_tokens,
            allowed=allowed,
            size=self._bytes + self._calls.size,
            hidden_tokens=self._hidden_tokens(allowed),
        )

    def _hidden_tokens(self, allowed: int | None) -> int:
        """Tokens of reasoning that was not shown: the upstream's own word for it, where its figures can be true."""
        thought, total = self._reasoning_tokens, self._completion_tokens
        if self._shows_thoughts or thought is None or total is None or allowed is None:
            return 0
        return thought if thought <= total <= allowed else 0

    def _noted(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
        """The pieces, and a note of what there was."""
        for piece in pieces:
            if isinstance(piece, Thought):
                self._shows_thoughts = True
            else:
                self._says_something = True
            yield piece

    def _pieces(self, events: list[Event]) -> Iterator[Piece]:
        for event in events:
            data = event.data.strip()
            while data.startswith("data:"):  # proxies that add a prefix to a line that has one
                data = data.removeprefix("data:").lstrip()
            if self.done or data in {"", "null"}:
                continue
            if data == "[DONE]":
                self.done = True
            else:
                yield from self._read(_json(data))

    def _read(self, value: Any) -> Iterator[Piece]:
        """The pieces of a completion or chunk object."""
        if not isinstance(value, dict):
            raise ProviderError(NOT_UNDERSTOOD)
        if value.get("error"):
            raise ProviderError(FAILED)
        self._take_usage(value.get("usage"))
        choices = value.get("choices")
        if not isinstance(choices, list):
            if value.get("usage") is not None:
                return
            raise ProviderError(NOT_UNDERSTOOD)
        choice = choices[0] if choices and isinstance(choices[0], dict) else {}
        self.answered = self.answered or bool(choice)
        self._take_reason(choice.get("finish_reason"))
        delta, message = choice.get("delta"), choice.get("message")
        if isinstance(delta, dict) and delta:
            self._in_deltas = self._in_deltas or any(delta.get(name) for name in _SAID)
            yield from self._message(delta, whole=False)
        elif isinstance(message, dict) and not self._in_deltas:  # otherwise it says the same once more
            yield from self._message(message, whole=True)

    def _message(self, message: dict[str, Any], *, whole: bool) -> Iterator[Piece]:
        if thought := self._joined(_THOUGHT, _reasoning(message)):
            yield Thought(thought)
        if text := self._joined(_TEXT, _content(message.get("content"))):
            yield from self._content.whole(text) if self._in_one_piece else self._content.feed(text)
        if refusal := self._joined(_REFUSAL, message.get("refusal")):
            yield Declined(refusal)
        yield from self._calls.take(message, whole=whole)

    def _rest(self) -> Iterator[Piece]:
        """What was held back, because it could have been the beginning of something else."""
        if thought := self._characters[_THOUGHT].flush():
            yield Thought(thought)
        yield from self._content.feed(self._characters[_TEXT].flush())
        yield from self._content.flush()
        if refusal := self._characters[_REFUSAL].flush():
            yield Declined(refusal)
        yield from self._calls.end(cut=self._reason == "length")

    def _joined(self, kind: str, text: Any) -> str:
        """A text with its characters whole, counted."""
        joined = self._characters[kind].feed(text) if isinstance(text, str) else ""
        self._bytes += len(joined.encode())
        return joined

    def _take_reason(self, reason: Any) -> None:
        if not isinstance(reason, str) or reason in {"", "null"}:
            return
        if reason.lower() in _FAILURES:
            raise ProviderError(BROKE_OFF)
        self._reason = _REASONS.get(reason.lower(), "stop")

    def _take_usage(self, usage: Any) -> None:
        if isinstance(usage, dict):
            self._completion_tokens = _count(usage.get("completion_tokens"), self._completion_tokens)
            details = usage.get("completion_tokens_details")
            if isinstance(details, dict):
                self._reasoning_tokens = _count(details.get("reasoning_tokens"), self._reasoning_tokens)


def _json(text: str) -> Any:
    try:
        return read_json(text)
    except ValueError as error:
        raise ProviderError(NOT_UNDERSTOOD) from error


def _content(content: Any) -> str:
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") in _TEXT_PARTS]
        return "".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) else ""


def _reasoning(message: dict[str, Any]) -> str:
    """What the model thought; some servers show the same in several members."""
    texts = (message.get(name) for name in _REASONING)
    return next((text for text in texts if isinstance(text, str) and text), "")


def _count(value: Any, before: int | None) -> int | None:
    """A number of tokens, or `before` if the value cannot be one."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        return before
    return int(value)
