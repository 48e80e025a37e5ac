"""What may be shown of a defect of ours: its traceback, without the keys that the environment holds."""

from __future__ import annotations

import os
import re

_SECRET = re.compile("KEY|TOKEN|SECRET|PASS|CREDENTIAL", re.IGNORECASE)
"""The names of variables that hold a secret: those that conformance.toml may name as such."""
_SHORTEST = 4
"""Shorter values of others' variables are words that may stand in a text for another reason."""


def without_keys(text: str) -> str:
    """A text without the secrets of our environment variables, in whatever encoding."""
    from conformance.evidence import Redactor

    secrets = {name: value for name, value in os.environ.items() if _SECRET.search(name) and _is_secret(name, value)}
    return Redactor(secrets).text(text)


def _is_secret(name: str, value: str) -> bool:
    return bool(value.strip()) and (name.startswith("CONFORMANCE_") or len(value) >= _SHORTEST)
