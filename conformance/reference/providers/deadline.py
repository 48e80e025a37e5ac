"""The time that one piece of work may take as a whole, however its parts are spread."""

from __future__ import annotations

import time


class Deadline:
    """A moment after which nothing is waited for any more. Times are in seconds."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    def wait(self, most: float) -> float:
        """How long to wait for the next part: at most `most`, and never past the deadline."""
        return max(0.0, min(most, self._ends - time.monotonic()))
