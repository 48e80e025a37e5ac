"""Reads the JSON that a request sent: dozens of tests ask for it, and it is read once for all of them."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, Final

_LARGEST_KEPT: Final = 64 * 1024
"""Bytes of a body beyond which its value is not kept in memory."""


def sent_value(body: bytes) -> Any:
    """The JSON value of a request's body, or None if it is not JSON. Others get the same one: do not change it."""
    return _kept(body) if len(body) <= _LARGEST_KEPT else _read(body)


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


_kept = lru_cache(maxsize=1024)(_read)
