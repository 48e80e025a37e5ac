"""Reads the error that a target refuses a request with: what it points at, its codes, its message and its words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

REFUSED = frozenset({400, 422})
"""The statuses by which a target refuses what a request asks for."""
_READ_AT_MOST = 4096
"""Bytes of an error that are read."""
_MESSAGES = ("message", "msg", "detail", "error", "error_description", "title")
"""Members of an error that hold its message, the most telling first."""
_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Complaint:
    """What an error says, whoever's format it has.

    `fields` are those of the request that it points at (`param`, or the place of a validation error), `code` is what
    names it to a machine, `codes` are all such names together. `message` is its message as it was written, None where
    it has none; `said` is all of its messages, or else all of its text, and `text` all of its text. Codes and texts are
    in lower case.
    """

    fields: frozenset[str]
    code: str
    codes: str
    message: str | None
    said: str
    text: str

    def names(self, field: str) -> bool:
        """Whether the error is about a field of the request, as a machine or a person reads it."""
        return field in self.fields or self.mentions(field)

    def mentions(self, word: str) -> bool:
        """Whether a word, such as the name of a field, stands in the text by itself."""
        return re.search(rf"(?<![a-z_\\]){word}(?![a-z_])", self.text) is not None


def read_complaint(body: bytes) -> Complaint:
    """Read the beginning of an error's body; one that is not JSON is nothing but text."""
    text = body[:_READ_AT_MOST].decode("utf-8", "replace")
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        read = None
    members = list(_members(read))
    messages = [(name, value) for name, value in members if name in _MESSAGES and isinstance(value, str) and value]
    codes = [(name, str(value)) for name, value in members if name in ("code", "type") and value is not None]
    return Complaint(
        fields=frozenset(_fields(members)),
        code=min(codes, key=lambda one: one[0] != "code", default=("", ""))[1].lower(),
        codes=" ".join(value for _, value in codes).lower(),
        message=min(messages, key=lambda one: _MESSAGES.index(one[0]), default=(None, None))[1],
        said=(" ".join(value for _, value in messages) or text).lower(),
        text=text.lower(),
    )


def _fields(members: list[tuple[str, Any]]) -> Iterator[str]:
    for name, value in members:
        if name == "param" and isinstance(value, str):
            yield re.split(r"[.\[]", value.removeprefix("body."))[0]
        if name == "loc" and isinstance(value, list):
            yield from (step for step in value if isinstance(step, str) and step != "body")


def _members(value: Any, depth: int = _DEPTH) -> Iterator[tuple[str, Any]]:
    """The members of an error's objects, the innermost included."""
    if depth and isinstance(value, Mapping):
        for name, inner in value.items():
            yield str(name), inner
            yield from _members(inner, depth - 1)
    elif depth and isinstance(value, list):
        for inner in value:
            yield from _members(inner, depth - 1)
