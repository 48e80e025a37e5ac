"""Bounds the work on a document's schemas by counting it, so that no document takes long, on whatever machine.

What counts is each part of a schema that is looked into to make a value or a validator, and of a value that is checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

MOST: Final = 2_000_000
"""Parts that may be looked into for one piece of work. The plans of the shipped contracts take less than a tenth."""
_LARGEST_COUNTED: Final = 100_000
_CHARACTERS: Final = 100
"""So many characters of a text count as much as a value."""


class TooMuchEffortError(Exception):
    """A piece of work has looked into as many parts as it may."""


_left: ContextVar[list[int] | None] = ContextVar("effort_left", default=None)
_kept: ContextVar[dict[tuple[int, int], tuple[Any, ...]] | None] = ContextVar("kept_in_work", default=None)


@contextmanager
def bounded_effort(most: int = MOST) -> Iterator[None]:
    """Bounds the work inside; where a bound holds already, that one counts.

    Raises:
        TooMuchEffortError: the work would take more.
    """
    if _left.get() is not None:
        yield
        return
    token, kept = _left.set([most]), _kept.set({})
    try:
        yield
    finally:
        _left.reset(token)
        _kept.reset(kept)


@contextmanager
def kept_while_working() -> Iterator[None]:
    """Keeps, without a bound, what is made more than once inside, such as the validators of a document's parts."""
    if _kept.get() is not None:
        yield
        return
    kept = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(kept)


def is_bounded() -> bool:
    """Whether work is being counted."""
    return _left.get() is not None


def kept_in_this_work() -> dict[tuple[int, int], tuple[Any, ...]] | None:
    """What is kept as long as a piece of work goes on, by identities; None where that is none."""
    return _kept.get()


def spend(parts: int) -> None:
    """Count work on so many parts.

    Raises:
        TooMuchEffortError: it is more than the bound around it allows.
    """
    left = _left.get()
    if left is not None:
        left[0] -= parts
        if left[0] < 0:
            raise TooMuchEffortError


def spend_on(value: Any) -> None:
    """Count work on each part of a JSON value, where work is bounded.

    Raises:
        TooMuchEffortError: as `spend`.
    """
    if _left.get() is not None:
        spend(parts_of(value))


def parts_of(value: Any, most: int = _LARGEST_COUNTED) -> int:
    """How many values a JSON value consists of, itself included, a long text as several; counts to about `most`."""
    count = 0
    ahead = [value]
    while ahead and count < most:
        one = ahead.pop()
        count += 1
        if isinstance(one, str):  # first what is most often and soonest told
            count += len(one) // _CHARACTERS
        elif isinstance(one, list):
            ahead.extend(one)
        elif isinstance(one, Mapping):
            ahead.extend(one.values())
    return count
