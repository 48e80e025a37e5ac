"""Tells patterns for which making or matching a text may take very long."""

from __future__ import annotations

import re

_LONGEST_SOLVED = 1000
"""Characters of the longest pattern for which unusual texts are generated."""
_REPEATED_GROUP = re.compile(r"[+*}|?][^()]*\)+[+*{]")
_NOT_GENERATED = re.compile(r"\(\?[=!<]|\\[1-9bB]|[^\\][$^].")
"""Assertions and references back."""


def takes_long_to_match(pattern: str) -> bool:
    """Whether a pattern is long, or one for which Python may try exponentially many ways to match a generated text.

    That takes a repetition in a repeated group, and a part that no text is made for, so that it may fail to match.
    """
    if len(pattern) > _LONGEST_SOLVED:
        return True
    return _REPEATED_GROUP.search(pattern) is not None and _NOT_GENERATED.search(pattern) is not None
