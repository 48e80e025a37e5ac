"""JSON pointers (RFC 6901): join, split and look up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def join(pointer: str, *tokens: str | int) -> str:
    """The pointer that leads from `pointer` through each token."""
    return pointer + "".join(f"/{str(token).replace('~', '~0').replace('/', '~1')}" for token in tokens)


def split(pointer: str) -> tuple[str, ...]:
    """The unescaped tokens of a pointer; the empty pointer has none."""
    if not pointer:
        return ()
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer[1:].split("/"))


def look_up(data: Any, pointer: str) -> Any:
    """The value that a pointer leads to.

    Raises:
        KeyError: the pointer leads nowhere.
    """
    for token in split(pointer):
        if isinstance(data, Mapping) and token in data:
            data = data[token]
        elif isinstance(data, Sequence) and not isinstance(data, str) and token.isdecimal() and int(token) < len(data):
            data = data[int(token)]
        else:
            raise KeyError(pointer)
    return data
