"""Splits text into tokens and counts them, never within a character and seldom within a grapheme."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_PIECE = re.compile(r"\s{0,12}\S{1,12}|\s{1,12}")
_LONGEST = 48
"""Characters after which a token ends even within a grapheme cluster, so that no token is endless."""
_JOINER = "\N{ZERO WIDTH JOINER}"
_PER_MESSAGE = 4
"""Tokens that a message costs beyond its text: its role and its delimiters."""
_PER_PROMPT = 3
"""Tokens of a prompt beyond its messages: those that open the answer."""


def split_tokens(text: str) -> list[str]:
    """The tokens of `text`: each a word with the white space before it, or a piece of at most 12 characters of one.

    The pieces join to the text again. What follows a token can only change the last one: the tokens of a text's
    beginning are the first tokens of the whole text, except for the last, which may grow.
    """
    if text.isascii():  # no character continues another
        return _PIECE.findall(text)
    tokens: list[str] = []
    start = 0
    while (match := _PIECE.match(text, start)) is not None:
        end = _whole_cluster(text, start, match.end())
        tokens.append(text[start:end])
        start = end
    return tokens


def count_tokens(text: str) -> int:
    """How many tokens a text has."""
    return len(split_tokens(text))


def count_prompt(texts: Iterable[str]) -> int:
    """How many tokens a prompt of messages with these texts has."""
    return _PER_PROMPT + sum(_PER_MESSAGE + count_tokens(text) for text in texts)


class TokenMeter:
    """Counts the tokens of a text that arrives in parts, and admits no more than `limit` of them."""

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        self._complete = 0
        self._tail = ""
        self.exhausted = False

    @property
    def count(self) -> int:
        """Tokens admitted so far."""
        return self._complete + bool(self._tail)

    def admit(self, text: str) -> str:
        """The part of `text` that the limit allows; afterwards, `exhausted` says whether any was cut off."""
        if not text:
            return text
        tokens = split_tokens(self._tail + text)
        room = len(tokens) if self._limit is None else self._limit - self._complete
        if room >= len(tokens):
            self._complete += len(tokens) - 1
            self._tail, admitted = tokens[-1], text
        else:
            self.exhausted = True
            admitted = "".join(tokens[:room])[len(self._tail) :]
            self._complete, self._tail = self._complete + room, ""
        return admitted


def _whole_cluster(text: str, start: int, end: int) -> int:
    """The end of a token, moved past combining marks, joined emoji and the second half of a flag."""
    while end < len(text) and end - start < _LONGEST and _continues(text, start, end):
        end += 1
    return end


def _continues(text: str, start: int, end: int) -> bool:
    following = text[end]
    if following < "\u0300":
        return False
    if following == _JOINER or text[end - 1] == _JOINER:
        return not following.isspace()
    if "\U0001f3fb" <= following <= "\U0001f3ff":  # skin tones
        return True
    if _is_flag_half(following):
        halves = 0
        while end - halves > start and _is_flag_half(text[end - halves - 1]):
            halves += 1
        return halves % 2 == 1
    return unicodedata.category(following).startswith("M")


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
