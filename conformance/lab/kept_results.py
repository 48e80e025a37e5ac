"""Keeps what a lab has judged on disk as it comes, so that one that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from conformance.lab.judging import JudgedTarget
from conformance.lab.targets import LabTarget
from conformance.shipped import program_digest

FILE_NAME = "judged.jsonl"
_LISTS = ("broken", "failed_checks")


@dataclass(slots=True)
class KeptResults:
    """The results of a lab in a file: a line that says of which program, then one line for each judged target.

    What another program judged does not count, be it older or newer: the file is begun again.
    """

    path: Path
    extra: Path | None = None
    """A further file of rows, on which results depend."""
    known: dict[tuple[str, str], JudgedTarget] = field(default_factory=dict)
    """What was judged before, by profile and target."""

    def __post_init__(self) -> None:
        self.known = self._read()
        if not self.known:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(json.dumps({"program": self._program()}) + "\n", encoding="utf-8")

    def missing(self, targets: Iterable[LabTarget]) -> list[LabTarget]:
        """Those targets that were not judged yet."""
        return [target for target in targets if (target.profile, target.id) not in self.known]

    def of(self, targets: Iterable[LabTarget]) -> list[tuple[str, JudgedTarget]]:
        """What is known of these targets, with the profile of each."""
        keys = [(target.profile, target.id) for target in targets]
        return [(key[0], self.known[key]) for key in keys if key in self.known]

    def add(self, profile: str, judged: Iterable[JudgedTarget]) -> None:
        """Keep further results.

        Raises:
            OSError: the file cannot be written.
        """
        lines = [json.dumps({"profile": profile, **asdict(one)}, ensure_ascii=True) + "\n" for one in judged]
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(lines)

    def discard(self) -> None:
        """Remove the file: everything was judged."""
        self.path.unlink(missing_ok=True)

    def _program(self) -> str:
        return f"{program_digest()}:{_digest(self.extra)}"

    def _read(self) -> dict[tuple[str, str], JudgedTarget]:
        """The results in the file; none where it is of another program. A last line that was cut is left out."""
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
            whole = [json.loads(line) for line in lines if line.endswith("\n")]
            if not whole or whole[0].get("program") != self._program():
                return {}
            found = {(one.pop("profile"), one["target"]): _judged(one) for one in whole[1:]}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return {}
        if not lines[-1].endswith("\n"):
            self.path.write_text("".join(lines[:-1]), encoding="utf-8")
        return found


def _judged(data: dict[str, Any]) -> JudgedTarget:
    values: dict[str, Any] = {name: tuple(value) if name in _LISTS else value for name, value in data.items()}
    return JudgedTarget(**values)


def _digest(path: Path | None) -> str:
    return "" if path is None or not path.is_file() else hashlib.sha256(path.read_bytes()).hexdigest()
