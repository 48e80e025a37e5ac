"""Reads JSON that another server sent, within a bound on its values."""

from __future__ import annotations

import json
from typing import Any, Final

from conformance.strict_json import has_more_values

MOST_VALUES: Final = 100_000
"""Values of one JSON text, those inside of others included."""


def read_json(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: it is not JSON, too deep to read, or has more than `MOST_VALUES` values.
    """
    if has_more_values(text, MOST_VALUES):
        raise ValueError(f"more than {MOST_VALUES} values")
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
