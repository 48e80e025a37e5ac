"""Puts runs in order: whose they are, of which product, contract and version, and since when what they show holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from conformance.registry.run import Run
from conformance.suite.outcome import Verdict


@dataclass(frozen=True, slots=True)
class Version:
    """What was judged of one version; the runs in the order in which they started."""

    name: str
    runs: tuple[Run, ...]

    @property
    def deciding(self) -> Run:
        """The run that tells how the version stands: the last one of the tier that shows most."""
        return max(self.runs, key=lambda run: (run.weight, run.order))


@dataclass(frozen=True, slots=True)
class Subject:
    """A product of a vendor, judged by one contract; the versions in the order in which they were first judged."""

    vendor: str
    product: str
    profile: str
    versions: tuple[Version, ...]

    @property
    def newest(self) -> Version:
        """The version that was judged first at last."""
        return self.versions[-1]

    @property
    def title(self) -> str:
        """Vendor and product."""
        return " ".join(filter(None, (self.vendor, self.product)))

    @property
    def runs(self) -> tuple[Run, ...]:
        """All its runs in the order in which they started."""
        return tuple(sorted((run for version in self.versions for run in version.runs), key=lambda run: run.order))

    @property
    def deciding(self) -> tuple[Run, ...]:
        """The run of each version that tells how it stands, in the order of the versions."""
        return tuple(version.deciding for version in self.versions)

    def since(self, version: Version) -> Run:
        """The run from which on the subject had the verdict that this version has, without a break up to it."""
        return _first_of_tail(self._up_to(version), lambda run: run.verdict is version.deciding.verdict)

    def broken_since(self, version: Version, requirement: str) -> Run:
        """The run from which on a requirement was seen to be broken that this version breaks.

        A run that did not decide it interrupts nothing.
        """
        known = [run for run in self._up_to(version) if requirement in run.newest.rows]
        decided = [run for run in known if run.newest.rows[requirement].is_broken or _keeps(run, requirement)]
        return _first_of_tail(decided, lambda run: run.newest.rows[requirement].is_broken)

    def _up_to(self, version: Version) -> Sequence[Run]:
        return [one.deciding for one in self.versions[: self.versions.index(version) + 1]]


def subjects_of(runs: Iterable[Run]) -> tuple[Subject, ...]:
    """The subjects of runs: those that conform first, then by vendor."""
    found: dict[tuple[str, str, str], dict[str, list[Run]]] = defaultdict(lambda: defaultdict(list))
    for run in sorted(runs, key=lambda run: run.order):
        found[run.file.vendor, run.file.product, run.shown.profile][run.file.version].append(run)
    made = [
        Subject(*of, tuple(Version(name, tuple(some)) for name, some in versions.items()))
        for of, versions in found.items()
    ]
    return tuple(sorted(made, key=lambda one: (_rank(one), one.vendor.lower(), one.product, one.profile)))


def _rank(subject: Subject) -> int:
    order = (Verdict.CONFORMANT, Verdict.INCONCLUSIVE, Verdict.NONCONFORMANT)
    return order.index(subject.newest.deciding.verdict)


def _keeps(run: Run, requirement: str) -> bool:
    return run.newest.rows[requirement].outcome.value == "passed"


def _first_of_tail(runs: Sequence[Run], holds: Callable[[Run], bool]) -> Run:
    first = runs[-1]
    for run in reversed(runs):
        if not holds(run):
            break
        first = run
    return first
