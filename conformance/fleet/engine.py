"""Spreads pieces of work over workers: those of one lane never at the same time, and again what was lost."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

_WAIT = 0.25
"""Seconds between two looks at the workers, at most."""


class Work(Protocol):
    """A piece of work as plain data, which a worker in another process or on another machine can do."""

    @property
    def name(self) -> str:
        """Its name among all pieces."""

    @property
    def lane(self) -> str:
        """What no two pieces share at the same time."""


Piece = TypeVar("Piece", bound=Work)
Result = TypeVar("Result")


class FleetError(Exception):
    """The workers, or the place of their results, cannot be used; the message is one sentence."""


@dataclass(frozen=True)  # with slots, an alias with its types could make none
class End(Generic[Piece, Result]):
    """A piece that a worker has ended, or can end no more.

    Without an outcome, the worker is lost; `gave_up` says that it was given up after the longest time.
    """

    task: Piece
    worker: str
    outcome: Result | None = None
    gave_up: bool = False


class Crew(Protocol[Piece, Result]):
    """Some workers, each of which does one piece at a time."""

    def free(self) -> int:
        """How many could begin a piece now."""

    def begin(self, task: Piece, longest: float) -> str:
        """Let a free worker begin a piece, for so many seconds at most; gives the worker's name."""

    def ended(self, wait: float) -> Sequence[End[Piece, Result]]:
        """The pieces that have ended since, after waiting so many seconds at most for the first."""

    def close(self) -> None:
        """End all work: what is not ended is lost."""


@dataclass(frozen=True)
class Done(Generic[Piece, Result]):
    """A piece with what came of it, by which worker, and how often it was begun."""

    task: Piece
    outcome: Result
    worker: str = ""
    tries: int = 1


Begun = Callable[[Piece, str], None]
"""Is told of each piece that begins, and the worker's name."""


def _nothing(_: Work, __: str) -> None:
    return None


def spread(
    pieces: Sequence[Piece],
    workers: Crew[Piece, Result],
    lost: Callable[[End[Piece, Result], int], Result],
    *,
    tries: int = 3,
    longest: Callable[[Piece], float] = lambda _: 3600.0,
    begun: Begun[Piece] = _nothing,
) -> Iterator[Done[Piece, Result]]:
    """Do every piece once; gives each as it ends.

    The pieces of one lane never run at the same time, and others do not wait for them. One whose worker died begins
    again, `tries` times in all; what a lost worker did does not count. `lost` makes the outcome of one that is begun no
    more, by how it ended and how often it was begun.
    """
    lanes: _Lanes[Piece, Result] = _Lanes(pieces)
    while lanes.left:
        lanes.fill(workers, longest, begun)
        done = [one for ended in workers.ended(_WAIT) if (one := lanes.end(ended, tries, lost)) is not None]
        lanes.fill(workers, longest, begun)  # no worker waits while results are kept
        yield from done


class _Lanes(Generic[Piece, Result]):
    """The pieces of each lane that wait, and the one that runs."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._waiting: dict[str, deque[Piece]] = {}
        for piece in pieces:
            self._waiting.setdefault(piece.lane, deque()).append(piece)
        self._running: dict[str, Piece] = {}
        self._begun: Counter[str] = Counter()

    @property
    def left(self) -> bool:
        """Whether anything waits or runs."""
        return bool(self._waiting or self._running)

    def fill(self, workers: Crew[Piece, Result], longest: Callable[[Piece], float], begun: Begun[Piece]) -> None:
        """Give each free worker the next piece of a lane in which none runs."""
        ready = [lane for lane in self._waiting if lane not in self._running]
        for lane in ready[: workers.free()] if ready else ():
            piece = self._waiting[lane].popleft()
            if not self._waiting[lane]:
                del self._waiting[lane]
            self._running[lane] = piece
            self._begun[piece.name] += 1
            begun(piece, workers.begin(piece, longest(piece)))

    def end(
        self, ended: End[Piece, Result], tries: int, lost: Callable[[End[Piece, Result], int], Result]
    ) -> Done[Piece, Result] | None:
        """What came of a piece; None where it is to begin again, or does not count."""
        piece = ended.task
        if self._running.get(piece.lane) != piece:
            return None  # a worker that was thought to be lost has ended after all
        del self._running[piece.lane]
        tried = self._begun[piece.name]
        if ended.outcome is None and not ended.gave_up and tried < tries:
            self._waiting[piece.lane] = deque((piece, *self._waiting.get(piece.lane, ())))
            return None
        outcome = lost(ended, tried) if ended.outcome is None else ended.outcome
        return Done(piece, outcome, ended.worker, tried)
