"""What is told of a keyword of the request: whether it is honoured, and whether it is enforced."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.suite.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Covered:
    """What was decided on one aspect of a keyword; `reason` is a sentence where nothing was."""

    outcome: Outcome
    reason: str | None = None
    exchanges: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeywordCoverage:
    """One keyword of the request, by its requirement, and what was decided on it.

    `location` is `request` or `path.NAME`, `pointer` the keyword's place in that schema, `keyword` its name.
    """

    requirement: str
    location: str
    pointer: str
    keyword: str
    honoured: Covered
    enforced: Covered
