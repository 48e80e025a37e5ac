"""What a reader reports: deviations from requirements, in a log that a hostile answer cannot fill."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

KEPT_PER_REQUIREMENT = 20
"""How many deviations from one requirement a log keeps; further ones are only counted."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """One place where an answer breaks a requirement.

    `offset` counts bytes of the body after content decoding, `at` is in seconds after the request began, `event` is
    the number of the event in the stream, from 0. Where a schema was broken, `pointer` is the JSON pointer of the
    keyword (followed by `#name` for one name of `required`).
    """

    requirement: str
    expected: str
    actual: str
    offset: int | None = None
    at: float | None = None
    event: int | None = None
    pointer: str | None = None


class Position(NamedTuple):
    """Where in an answer something was seen; the fields are those of a `Deviation`."""

    offset: int | None = None
    at: float | None = None
    event: int | None = None


NO_POSITION = Position()


@dataclass(slots=True)
class DeviationLog:
    """Collects deviations in the order in which they are found, a bounded number for each requirement.

    `counts` has the full number for each requirement. For `stream.chunk` each schema pointer counts as a requirement
    of its own, so that a keyword that every chunk breaks does not hide one that is broken once.
    """

    limit: int = KEPT_PER_REQUIREMENT
    counts: dict[str, int] = field(default_factory=dict)
    kept: list[Deviation] = field(default_factory=list)
    total: int = 0

    def note(
        self, requirement: str, expected: str, actual: str, position: Position = NO_POSITION, pointer: str | None = None
    ) -> None:
        """Adds one deviation, or only counts it once enough of its kind are kept."""
        self.total += 1
        key = requirement if pointer is None else f"{requirement}:{pointer}"
        count = self.counts.get(key, 0)
        self.counts[key] = count + 1
        if count < self.limit:
            self.kept.append(Deviation(requirement, expected, actual, *position, pointer))

    def keeps(self, requirement: str) -> bool:
        """Whether another deviation would be kept; if not, there is no need to describe it."""
        return self.counts.get(requirement, 0) < self.limit
