"""Reads JSON that another server sent, within a bound on its values: each of them takes far more memory than bytes."""

from __future__ import annotations

import json
import re
from typing import Any, Final

MOST_VALUES: Final = 100_000
"""Values of one JSON text, those inside of others included."""

_STRING_OR_MARK: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[,\[{]', re.DOTALL)


def read_json(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: it is not JSON, too deep to read, or has more than `MOST_VALUES` values.
    """
    if _marks(text) > MOST_VALUES:
        raise ValueError(f"more than {MOST_VALUES} values")
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _marks(text: str) -> int:
    """How many commas and opening brackets stand outside of strings, which is no fewer than the values but one."""
    rough = sum(text.count(mark) for mark in ",[{")
    if rough <= MOST_VALUES:
        return rough
    found = 0
    for match in _STRING_OR_MARK.finditer(text):
        found += match[0] in ",[{"
        if found > MOST_VALUES:
            break
    return found
