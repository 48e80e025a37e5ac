"""The log probabilities of one choice of a stream: they list each token of its text once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from conformance.quoting import quoted
from conformance.reading.deviation import DeviationLog, Position
from conformance.reading.token_figures import inconsistencies

_MOST_TOKENS: Final = 100_000
"""Tokens whose bytes are kept to be compared with the text."""


@dataclass(slots=True)
class LogprobsReader:
    """Follows the lists of tokens beside the deltas; `count` is the number of tokens listed."""

    index: int
    log: DeviationLog
    count: int = 0
    _pieces: list[bytes] = field(default_factory=list)

    def take(self, logprobs: Any, position: Position) -> None:
        """Takes the log probabilities beside one delta, which is at `position`."""
        content = logprobs.get("content") if type(logprobs) is dict else None
        if type(content) is not list:
            return
        self.count += len(content)
        if self.count <= _MOST_TOKENS:
            self._pieces.extend(_bytes_of(entry) for entry in content)
            for entry in content:
                for expected, actual in inconsistencies(entry):
                    self.log.note("stream.logprobs-consistent", expected, actual, position)

    def end(self, text: str, position: Position) -> None:
        """Compares all tokens with the whole text of the choice; `position` is the end of the stream."""
        if not text or self.count > _MOST_TOKENS:
            return
        if not self.count:
            expected = f"the log probabilities of choice {self.index}, which the request wants"
            self.log.note("stream.logprobs", expected, "none beside its text", position)
            return
        # A token may be part of a character, and some tokenizers put a space before the first word.
        listed = b"".join(self._pieces).decode("utf-8", "replace").strip("\ufffd \t\r\n")
        if listed and listed != text.strip("\ufffd \t\r\n"):
            expected = f"tokens that make the text of choice {self.index}, {quoted(text)}"
            self.log.note("stream.logprobs", expected, f"tokens that make {quoted(listed)}", position)


def _bytes_of(entry: Any) -> bytes:
    """What one token adds to the text: its bytes where they are given, else its name."""
    if type(entry) is not dict:
        return b""
    given = entry.get("bytes")
    if type(given) is list and all(type(one) is int and 0 <= one <= 255 for one in given):
        return bytes(given)
    token = entry.get("token")
    return token.encode("utf-8", "surrogatepass") if type(token) is str else b""
