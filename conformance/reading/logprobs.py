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
    most_alternatives: int | None = None
    """How many alternatives of a token the request wants; None where it does not say."""
    count: int = 0
    _pieces: list[bytes] = field(default_factory=list)
    _lacks_bytes: bool = False
    """Whether the bytes of a part of a character are told by nothing."""

    def take(self, logprobs: Any, position: Position) -> None:
        """Takes the log probabilities beside one delta, which is at `position`."""
        content = logprobs.get("content") if type(logprobs) is dict else None
        if type(content) is not list:
            return
        self.count += len(content)
        if self.count <= _MOST_TOKENS:
            self._pieces.extend(_bytes_of(entry) for entry in content)
            for entry in content:
                self._lacks_bytes = self._lacks_bytes or _is_unknown_part(entry)
                self._count_alternatives(entry, position)
                for expected, actual in inconsistencies(entry):
                    self.log.note("stream.logprobs-consistent", expected, actual, position)

    def _count_alternatives(self, entry: Any, position: Position) -> None:
        given = entry.get("top_logprobs") if type(entry) is dict else None
        if self.most_alternatives is not None and type(given) is list and len(given) > self.most_alternatives:
            expected = f"at most the {self.most_alternatives} most likely tokens in top_logprobs"
            self.log.note("stream.logprobs-consistent", expected, f"{len(given)}", position)

    def end(self, text: str, position: Position) -> None:
        """Compares all tokens with the whole text of the choice; `position` is the end of the stream."""
        if not text or self.count > _MOST_TOKENS or self._lacks_bytes:
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


def _is_unknown_part(entry: Any) -> bool:
    """Whether a token is a part of a character, and its bytes are not given."""
    if type(entry) is not dict or type(entry.get("bytes")) is list:
        return False
    token = entry.get("token")
    return type(token) is str and "\ufffd" in token


def _bytes_of(entry: Any) -> bytes:
    """What one token adds to the text: its bytes where they are given, else its name."""
    if type(entry) is not dict:
        return b""
    given = entry.get("bytes")
    if type(given) is list and all(type(one) is int and 0 <= one <= 255 for one in given):
        return bytes(given)
    token = entry.get("token")
    return token.encode("utf-8", "surrogatepass") if type(token) is str else b""
