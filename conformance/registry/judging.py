"""Judges the bundles of a registry side by side, each in confinement, and keeps what comes as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from conformance.bundle import BundleError
from conformance.bundle.confinement import Bounds
from conformance.bundle.reexamination import reexamined
from conformance.bundle.reexamined import Reexamined as Shown
from conformance.quoting import one_line
from conformance.registry.layout import BundleFile

__all__ = ["Outcome", "Question", "Shown", "judged"]

_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Question:
    """A bundle to be judged: where it stands, its digest, and the keys of its vendor."""

    file: BundleFile
    sha256: str
    keys: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a bundle: what it shows, or why it is refused; `judged` is the moment.

    What does not last may be otherwise next time, and is not kept.
    """

    judged: str
    problem: str | None
    shown: Shown | None
    lasts: bool = True


def judged(questions: Sequence[Question], workers: int, bounds: Bounds) -> Iterator[tuple[Question, Outcome]]:
    """The answers as they come. Judging itself is done in processes; the threads here wait for them.

    Who stops listening waits for the bundles that are being judged, and for no other.
    """
    with ThreadPoolExecutor(workers) as pool:
        begun: dict[Future[Outcome], Question] = {}
        left = iter(questions)
        try:
            while True:
                _begin(pool, begun, left, workers, lambda one: _answer(one, bounds))
                if not begun:
                    return
                for done in wait(begun, return_when=FIRST_COMPLETED).done:
                    yield begun.pop(done), done.result()
        finally:
            for one in begun:
                one.cancel()


def _begin(
    pool: ThreadPoolExecutor,
    begun: dict[Future[Outcome], Question],
    left: Iterator[Question],
    workers: int,
    answer: Callable[[Question], Outcome],
) -> None:
    while len(begun) < workers:
        question = next(left, None)
        if question is None:
            return
        begun[pool.submit(answer, question)] = question


def _answer(question: Question, bounds: Bounds) -> Outcome:
    shown, problem, lasts = None, None, True
    try:
        shown = reexamined(question.file.path, question.keys, bounds)
    except BundleError as error:
        problem = one_line(str(error), _LONGEST)
    except (PermissionError, FileNotFoundError) as error:
        problem, lasts = one_line(f"it cannot be read ({error.strerror}).", _LONGEST), False
    except RuntimeError as error:
        # The confined process ended without an answer: that is for us to mend, and stops nobody else's bundle.
        problem, lasts = one_line(f"the suite broke on it: {error}", _LONGEST), False
    return Outcome(datetime.now(UTC).isoformat(timespec="seconds"), problem, shown, lasts)
