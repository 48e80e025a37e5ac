"""What a request may cost at worst, in completion tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

LIMIT_FIELDS = ("max_tokens", "max_completion_tokens")
"""The fields that limit a completion's tokens."""
UNLIMITED = 256
"""Taken as the cost of a completion that the request does not limit: a short answer to a short question."""


def worst_case_tokens(body: Any) -> int:
    """The most completion tokens that a deployment may charge for this body: the limit times the choices."""
    if not isinstance(body, Mapping):
        return 0
    limits = [body.get(name) for name in LIMIT_FIELDS]
    limit = next((value for value in limits if _is_count(value)), UNLIMITED)
    choices = body.get("n")
    return limit * (choices if _is_count(choices) else 1)


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
