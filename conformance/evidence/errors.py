"""The ways in which evidence can be unusable."""

from __future__ import annotations

from pathlib import Path


class EvidenceError(Exception):
    """Evidence cannot be written or read. The message is one sentence with the file and, if known, the line."""

    def __init__(self, message: str, *, path: Path, line: int | None = None) -> None:
        self.path = path
        self.line = line
        where = f"{path}:{line}" if line else f"{path}"
        super().__init__(f"{where}: {message}")
