"""The way in which runs can be beyond comparison."""

from __future__ import annotations


class CompareError(Exception):
    """Runs cannot be compared. The message is one sentence that says why and what to do."""
