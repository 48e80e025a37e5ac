"""What breaks clients: as clients were seen to read the answers, or else by the lab's table of faults and clients."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from conformance.clients.prediction import breaking_clients
from conformance.contract.model import Level, Requirement
from conformance.registry.run import Run
from conformance.registry.subjects import Subject, Version
from conformance.suite.outcome import Outcome


@dataclass(frozen=True, slots=True)
class ClientsBroken:
    """The clients that break on the answers of a run; `of` counts those that were run on them, 0 where none was."""

    names: tuple[str, ...]
    of: int

    @property
    def is_seen(self) -> bool:
        """Whether clients were run on these answers, and not only looked up in the lab's table."""
        return self.of > 0


@dataclass(frozen=True, slots=True)
class BrokenBy:
    """A version that breaks a requirement: it is the newest of its subject, or an earlier one."""

    subject: Subject
    version: Version
    since: Run
    is_newest: bool

    @property
    def run(self) -> Run:
        """The run that shows it."""
        return self.version.deciding


@dataclass(frozen=True, slots=True)
class BrokenRequirement:
    """A requirement of a contract that somebody breaks or broke, and the clients that stand on it."""

    profile: str
    requirement: Requirement
    clients: tuple[str, ...]
    by: tuple[BrokenBy, ...]

    @property
    def now(self) -> tuple[BrokenBy, ...]:
        """Those who break it in their newest version."""
        return tuple(one for one in self.by if one.is_newest)


def clients_broken(run: Run) -> ClientsBroken:
    """Which clients break on a run."""
    seen = run.clients
    if seen is not None and seen.ran:
        survivors = set(seen.survivors)
        return ClientsBroken(tuple(one.title for one in seen.ran if one not in survivors), len(seen.ran))
    rows = run.newest.rows
    kept = frozenset(name for name, row in rows.items() if row.outcome is Outcome.PASSED)
    broken = [name for name, row in rows.items() if row.scored and row.is_broken]
    found = {client for name in broken for client in breaking_clients(name, kept)}
    return ClientsBroken(tuple(sorted(found)), 0)


def broken_requirements(
    subjects: Sequence[Subject], known: Mapping[str, Mapping[str, Requirement]]
) -> tuple[BrokenRequirement, ...]:
    """Every requirement that a version breaks: those that break most clients and are broken most often first.

    `known` are the requirements by profile and id.
    """
    found: dict[tuple[str, str], list[BrokenBy]] = defaultdict(list)
    for subject in subjects:
        for version in subject.versions:
            for name, row in version.deciding.newest.rows.items():
                if row.scored and row.is_broken and name in known[subject.profile]:
                    since = subject.broken_since(version, name)
                    is_newest = version is subject.newest
                    found[subject.profile, name].append(BrokenBy(subject, version, since, is_newest))
    made = [
        BrokenRequirement(profile, known[profile][name], breaking_clients(name), tuple(_newest_first(by)))
        for (profile, name), by in found.items()
    ]
    return tuple(sorted(made, key=_order))


def _newest_first(by: Iterable[BrokenBy]) -> list[BrokenBy]:
    return sorted(by, key=lambda one: (not one.is_newest, one.subject.vendor.lower(), one.run.order))


def _order(one: BrokenRequirement) -> tuple[bool, bool, int, int, str]:
    return (
        not one.now,
        one.requirement.level is not Level.MUST,
        -len(one.now) * len(one.clients),
        -len(one.now),
        one.requirement.id,
    )
