"""What may be shown of a defect of ours: its traceback, without the keys that the environment holds."""

from __future__ import annotations

import os


def without_keys(text: str) -> str:
    """A text without the secrets of our environment variables, in whatever encoding."""
    from conformance.evidence import Redactor

    secrets = {
        name: value for name, value in os.environ.items() if name.startswith("CONFORMANCE_") and name.endswith("_KEY")
    }
    return Redactor({name: value for name, value in secrets.items() if value.strip()}).text(text)
