"""What a watch cannot go on with."""

from __future__ import annotations

from typing import Final

UNUSABLE: Final = 2
UNDECIDED: Final = 3
BROKE: Final = 4


class WatchError(Exception):
    """The message is one sentence that says what is wrong and what to do; `status` is the exit status that it means."""

    def __init__(self, message: str, status: int = UNUSABLE) -> None:
        super().__init__(message)
        self.status = status
