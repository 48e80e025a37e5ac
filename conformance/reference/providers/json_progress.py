"""Tells whether a JSON object that arrives in pieces is whole, at the cost of one look at each piece."""

from __future__ import annotations

import re

_MARK = re.compile(r'[\\"{}\[\]]')


class JsonProgress:
    """How far a text is one JSON object or array. What is inside of it is not checked."""

    def __init__(self) -> None:
        self.begun = False
        """Whether there is more than white space."""
        self.whole = False
        """Whether an object or array was opened and is closed."""
        self._depth = 0
        self._in_string = False
        self._escapes = False
        """Whether the next character belongs to a reverse solidus before it."""

    def feed(self, piece: str) -> None:
        """Look at the next piece."""
        self.begun = self.begun or bool(piece.strip())
        escaped = 0 if self._escapes and piece else -1
        self._escapes = self._escapes and not piece
        for match in _MARK.finditer(piece):
            at, mark = match.start(), match[0]
            if at == escaped:
                continue
            if mark == "\\":
                escaped = at + 1
                self._escapes = escaped == len(piece)
            elif mark == '"':
                self._in_string = not self._in_string
            elif not self._in_string:
                self._depth += 1 if mark in "{[" else -1
                self.whole = self.whole or self._depth == 0
