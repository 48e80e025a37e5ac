"""Finds the probes that a test's mark names, by name or by glob."""

from __future__ import annotations

import fnmatch
import re
from functools import lru_cache
from typing import Final

_GLOB: Final = re.compile(r"[*?\[]")


@lru_cache(maxsize=4096)
def names_like(names: tuple[str, ...], patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the names that one of the patterns matches; plans of one contract have the same names."""
    wanted = frozenset[str]().union(*(_names_of(names, pattern) for pattern in patterns))
    return tuple(name for name in names if name in wanted)


@lru_cache(maxsize=4096)
def _names_of(names: tuple[str, ...], pattern: str) -> frozenset[str]:
    """The same of one pattern: a few globs are in the marks of many tests, each time with others."""
    first = _GLOB.search(pattern)
    if first is None:
        return frozenset((pattern,))
    if first.group() == "*" and first.end() == len(pattern):  # so are nearly all, and a regular expression takes longer
        beginning = pattern[:-1]
        return frozenset(name for name in names if name.startswith(beginning))
    return frozenset(filter(re.compile(fnmatch.translate(pattern)).match, names))
