"""What a worker is given and what it gives back: one run as plain data that holds no secret, and its result."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from conformance.contract.model import Tier
from conformance.running.run import RunSettings

BUNDLE: Final = "bundle.zip"
PASSED, FAILED, UNUSABLE, UNDECIDED, BROKE = 0, 1, 2, 3, 4
"""How a run ends: the exit status that `chat-conformance run` has."""


@dataclass(frozen=True, slots=True)
class Task:
    """One run: everything that its result depends on, but for the target and the keys.

    Of a key it has the name of the variable that holds it. `settings` names files by their names in `files`, whose
    contents travel with it; certificates and keys do not: they are the worker's own.
    """

    target: str
    profile: str
    """The name of the contract."""
    version: str
    """The release that it is scored by, or else the version of its profile."""
    settings: RunSettings
    asked_profile: str
    """The profile as the file has it, for a command."""
    files: Mapping[str, bytes] = field(default_factory=dict, hash=False, repr=False)
    key_folder: str | None = None
    program: str = ""
    """The digest of the program that must judge."""

    @property
    def tier(self) -> Tier:
        """How much is tested."""
        return self.settings.tier

    @property
    def name(self) -> str:
        """The name of the run among those of the fleet."""
        return f"{self.target}, {self.profile} {self.version}, {self.tier.value} tier"

    @property
    def lane(self) -> str:
        """What no two runs share at the same time: the deployment, whatever its names are."""
        return str(self.settings.base_url)

    @property
    def digest(self) -> str:
        """A digest of the settings and of the program: runs with the same digest need no repetition."""
        settings = asdict(self.settings)
        for place in ("place", "places"):
            settings["named"].pop(place)  # where a target stands in its file changes nothing
        known = {
            "program": self.program,
            "settings": settings,
            "files": {name: hashlib.sha256(content).hexdigest() for name, content in self.files.items()},
            "key_folder": self.key_folder,
        }
        return hashlib.sha256(json.dumps(known, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a task.

    `status` is the exit status of the run, `problem` the sentence that says why there is no verdict. `files` are the
    bundle and whatever of a run's reports is not in it, by their names.
    """

    status: int
    verdict: str | None = None
    scope: str = ""
    problem: str | None = None
    interrupted: bool = False
    started: str = ""
    seconds: float = 0.0
    requests: int = 0
    completion_tokens: int = 0
    received: int = 0
    """Bytes of the answers' bodies."""
    failed: tuple[str, ...] = ()
    """The ids of the requirements that are broken."""
    bundled: bool = False
    """Whether there is a bundle: not of a run that saw nothing."""
    files: Mapping[str, bytes] = field(default_factory=dict, hash=False, repr=False)

    @property
    def is_complete(self) -> bool:
        """Whether it went to its end, so that nothing has to be repeated."""
        return self.status in {PASSED, FAILED, UNDECIDED} and self.verdict is not None and not self.interrupted

    def facts(self) -> dict[str, Any]:
        """All but the files, as plain data."""
        return {name: value for name, value in asdict(self).items() if name != "files"}
