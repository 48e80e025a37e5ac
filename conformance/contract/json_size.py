"""Counts the values of a JSON text without reading it: read, each takes far more memory than its bytes."""

from __future__ import annotations

import re
from typing import Final

_STRING_OR_MARK: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[,\[{]', re.DOTALL)


def has_more_values(text: str, most: int) -> bool:
    """Whether a JSON text has more than about `most` values, those inside of others included."""
    if sum(text.count(mark) for mark in ",[{") <= most:
        return False
    found = 0
    for match in _STRING_OR_MARK.finditer(text):
        # A comma or opening bracket outside of strings comes before all values but the first, and few other places.
        found += match[0] in ",[{"
        if found > most:
            return True
    return False
