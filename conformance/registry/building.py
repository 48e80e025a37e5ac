"""From a folder to a registry: judges what is not known yet, and puts all together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from conformance.bundle import BundleError
from conformance.bundle.archive import LARGEST_PACKED
from conformance.bundle.confinement import USUAL_BOUNDS, Bounds
from conformance.bundle.newest import newest_release
from conformance.contract import load_contract
from conformance.registry.breaking import broken_requirements
from conformance.registry.cache import Cache
from conformance.registry.certified import certified
from conformance.registry.changes import changes_of
from conformance.registry.judging import Outcome, Question, judged
from conformance.registry.layout import BundleFile, Layout, Refused
from conformance.registry.registry import Registry
from conformance.registry.run import Run
from conformance.registry.settings import RegistrySettings
from conformance.registry.subjects import subjects_of
from conformance.report import ResultsError
from conformance.report.client_results import ClientResults, read_client_results

_STEP = 1024 * 1024


class Watcher(Protocol):
    """Who is told how far judging is."""

    def begin(self, bundles: int, known: int) -> None:
        """So many bundles are there, and so many are known."""

    def ended(self, file: BundleFile, outcome: Outcome) -> None:
        """A bundle was judged."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What is known of each bundle, and what it cost."""

    outcomes: tuple[tuple[BundleFile, str, Outcome], ...]
    """Each file with the digest of its bundle; of the same bundle in two places, the first counts."""
    refused: tuple[Refused, ...]
    judged: int
    kept: int


def answers(layout: Layout, cache: Cache, workers: int, watcher: Watcher, bounds: Bounds = USUAL_BOUNDS) -> Answers:
    """What each bundle shows, by the cache or by judging it now; each answer is kept at once, so a stop loses nothing.

    Raises:
        OSError: the cache cannot be written.
    """
    questions, refused = _questions(layout)
    keys = {question.sha256: cache.key(question, bounds) for question in questions}
    known = {one.sha256: outcome for one in questions if (outcome := cache.known(keys[one.sha256])) is not None}
    watcher.begin(len(questions), len(known))
    new: dict[str, Outcome] = {}
    missing = [one for one in questions if one.sha256 not in known]
    for question, outcome in judged(missing, workers, bounds):
        if outcome.lasts:
            cache.keep(keys[question.sha256], outcome)
        new[question.sha256] = outcome
        watcher.ended(question.file, outcome)
    cache.forget(keys.values())
    told = {**known, **new}
    outcomes = tuple((one.file, one.sha256, told[one.sha256]) for one in questions)
    return Answers(outcomes, tuple(refused), len(new), len(known))


def registry_of(
    layout: Layout, folder: Path, settings: RegistrySettings, found: Answers, now: datetime | None = None
) -> Registry:
    """The registry of what bundles show, and of the certificates beside them."""
    now = datetime.now(UTC) if now is None else now
    refused = [*layout.refused, *found.refused]
    runs = []
    for file, sha256, outcome in found.outcomes:
        if outcome.shown is None:
            refused.append(Refused(file.place, outcome.problem or "it shows nothing."))
        else:
            run = Run(file, sha256, outcome.shown, outcome.judged)
            clients, problem = _clients(run)
            runs.append(replace(run, clients=clients))
            refused += [] if problem is None else [problem]
    certificates, unusable = certified(layout, folder, runs, now)
    subjects = subjects_of(runs)
    contracts = {name: load_contract(name) for name in sorted({one.profile for one in subjects})}
    known = {name: {row.id: row for row in contract.requirements} for name, contract in contracts.items()}
    return Registry(
        settings=settings,
        made=now,
        subjects=subjects,
        changes=changes_of(subjects),
        broken=broken_requirements(subjects, known),
        certificates=certificates,
        refused=tuple(sorted((*refused, *unusable), key=lambda one: one.place)),
        contracts=contracts,
        releases=_releases(contracts),
    )


def _questions(layout: Layout) -> tuple[Sequence[Question], Sequence[Refused]]:
    found: dict[str, Question] = {}
    refused = []
    for file in layout.bundles:
        try:
            sha256 = _digest(file.path)
        except BundleError as error:
            refused.append(Refused(file.place, str(error)))
            continue
        except OSError as error:
            refused.append(Refused(file.place, f"it cannot be read ({error.strerror})."))
            continue
        if sha256 in found:
            refused.append(Refused(file.place, f"it is the same bundle as {found[sha256].file.place}."))
        else:
            found[sha256] = Question(file, sha256, layout.vendor_keys[file.vendor])
    return list(found.values()), refused


def _digest(path: Path) -> str:
    """The digest of a bundle, of which no more is read than a bundle has."""
    size = path.stat().st_size
    if size > LARGEST_PACKED:
        raise BundleError(f"it is {size} bytes long, and a bundle has at most {LARGEST_PACKED}.")
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(_STEP):
            digest.update(data)
    return digest.hexdigest()


def _clients(run: Run) -> tuple[ClientResults | None, Refused | None]:
    """What clients understood of a run, by a file beside its bundle that says to be of this run."""
    path = run.file.clients
    if path is None:
        return None, None
    place = f"{run.file.place.rpartition('.')[0]}.clients.json"
    try:
        found = read_client_results(path)
    except ResultsError as error:
        return None, Refused(place, str(error).replace(str(path), place)[:400])
    shown = run.shown
    if (found.profile, found.started, found.base_url) != (shown.profile, shown.started, shown.base_url):
        return None, Refused(place, "it is of another run than the bundle beside it.")
    return found, None


def _releases(contracts: Iterable[str]) -> Mapping[str, str]:
    found = {name: newest_release(name) for name in contracts}
    return {name: release for name, release in found.items() if release is not None}
