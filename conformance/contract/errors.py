"""The ways in which a contract can be unusable."""

from __future__ import annotations

from pathlib import Path


class ContractError(Exception):
    """A specification, catalogue or profile cannot be used as it is.

    The message is one sentence that says what is wrong, where (file and line, when they are known) and what to do.
    """

    def __init__(self, message: str, *, path: Path | None = None, line: int | None = None) -> None:
        self.path = path
        self.line = line
        where = "" if path is None else f"{path}:{line}: " if line else f"{path}: "
        super().__init__(f"{where}{message}")
