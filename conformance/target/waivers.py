"""Waivers: findings that somebody accepted, for a reason and until a day."""

from __future__ import annotations

import datetime
import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from conformance.contract import enforce, read_document
from conformance.contract.pointers import join

SCHEMA = "waivers.schema.json"


@dataclass(frozen=True, slots=True)
class Waiver:
    """One accepted violation.

    `requirement` is an id or a glob; `expires` the last day on which it holds. Where `probe` (a name or a glob) is
    given, only findings on exchanges of these probes are accepted.
    """

    requirement: str
    reason: str
    owner: str
    expires: datetime.date
    probe: str | None = None

    def expired(self, today: datetime.date) -> bool:
        """Whether its last day has passed."""
        return today > self.expires

    def names(self, requirement_id: str) -> bool:
        """Whether it is about a requirement."""
        return fnmatch.fnmatchcase(requirement_id, self.requirement)

    def fits(self, exchange: str | None) -> bool:
        """Whether it is about an exchange (its id, `stream/plain#1`); one for all probes fits also where none came."""
        if self.probe is None:
            return True
        return exchange is not None and fnmatch.fnmatchcase(exchange.rpartition("#")[0], self.probe)

    @property
    def about(self) -> str:
        """What it accepts, in words."""
        return self.requirement if self.probe is None else f"{self.requirement} on {self.probe}"


def load_waivers(path: Path, known_ids: Iterable[str]) -> tuple[Waiver, ...]:
    """Read a waiver file, as specs/waivers.schema.json describes it.

    Raises:
        ContractError: the file cannot be read, departs from its schema, or names no requirement of the profile; the
            message has the file and the line.
    """
    document = read_document(path)
    enforce(document, SCHEMA)
    ids = tuple(known_ids)
    waivers = []
    for number, row in enumerate(document.data or ()):
        if not fnmatch.filter(ids, row["requirement"]):
            problem = f"waiver {number + 1} names {row['requirement']!r}, which is no requirement of this profile."
            raise document.error(problem, join("", number, "requirement"))
        waivers.append(Waiver(**{**row, "expires": datetime.date.fromisoformat(row["expires"])}))
    return tuple(waivers)
