"""What a soak is asked to do, and the share of it that one worker does: plain data that holds no secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from conformance.running.run import RunSettings
from conformance.targets import Limits
from conformance.targets.deployment_dialect import DeploymentDialect

MOST_USERS: Final = 100_000
LONGEST_WITHOUT_TIME: Final = 3600.0
"""Seconds after which a soak of so many requests ends, where no time is given."""
_LARGEST_ANSWER: Final = 1024 * 1024
_LARGEST_READING: Final = 2 * 1024 * 1024
"""Bytes of memory for one answer: as many as there are users may be in memory at once."""


@dataclass(frozen=True, slots=True)
class SoakSettings:
    """A planned load.

    So many `users` send one request after another, for so many `seconds` or until so many `requests` were sent. They
    begin one after another within the first `ramp` seconds. Which request is the nth follows from `seed`.
    """

    run: RunSettings
    users: int
    seconds: float
    requests: int | None
    ramp: float
    seed: int

    @property
    def limits(self) -> Limits:
        """The limits of each request: an answer takes little memory, and none is sent again."""
        limits = self.run.limits
        return replace(limits, max_body=_LARGEST_ANSWER, max_bodies=_LARGEST_READING, max_events=20_000, retries=0)


@dataclass(frozen=True, slots=True)
class Share:
    """What one of several workers does of a soak: every nth request, by its part of the users.

    `stop` is the path of a file, or the name of an event of a cluster, by which all of them are stopped.
    """

    number: int
    of: int
    settings: SoakSettings
    dialect: DeploymentDialect
    files: Mapping[str, bytes] = field(default_factory=dict, hash=False, repr=False)
    """The files of a user's own contract, by their names."""
    program: str = ""
    stop: str | None = None

    @property
    def name(self) -> str:
        """The name of the share."""
        return f"share {self.number + 1} of {self.of}"

    @property
    def lane(self) -> str:
        """All shares run at the same time."""
        return self.name

    @property
    def users(self) -> int:
        """How many users this worker has."""
        users = self.settings.users
        return users // self.of + (self.number < users % self.of)
