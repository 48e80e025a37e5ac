"""How a request is written that is not sent in one piece: a script of writes, pauses and endings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class StepKind(StrEnum):
    """What a step of a script does."""

    HEAD = "head"
    """Writes the request line and the header."""
    HEAD_1_0 = "head-1.0"
    """Writes the same as of an HTTP/1.0 client."""
    BODY = "body"
    """Writes the body up to a share of it (in a probe), or so many bytes of it (in what was sent)."""
    EXTENDED = "extended"
    """Writes the same in the chunked coding, each chunk with an extension that nobody knows."""
    PAUSE = "pause"
    """Waits so many seconds."""
    AWAIT_CONTINUE = "await-continue"
    """Waits for an interim or a final answer, at most so many seconds."""
    HALF_CLOSE = "half-close"
    """Ends the client's side of the connection; what comes back is still read."""
    HANG_UP = "hang-up"
    """Closes the connection, whatever is still to come."""
    RESET = "reset"
    """Closes the connection with a reset."""
    PIPELINED = "pipelined"
    """Writes the whole request with the others of its connection; the amount is its place among them, from 1."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `amount` is a share or bytes of the body, seconds or a place, as the kind says."""

    kind: StepKind
    amount: float = 0.0


HEAD: Final = Step(StepKind.HEAD)
HEAD_1_0: Final = Step(StepKind.HEAD_1_0)
WHOLE_BODY: Final = Step(StepKind.BODY, 1.0)
HALF_CLOSE: Final = Step(StepKind.HALF_CLOSE)
HANG_UP: Final = Step(StepKind.HANG_UP)
RESET: Final = Step(StepKind.RESET)

WRITES: Final = frozenset({StepKind.BODY, StepKind.EXTENDED})
"""The steps that write some of the body."""
_LEAVING: Final = frozenset({StepKind.HALF_CLOSE, StepKind.HANG_UP, StepKind.RESET})


@dataclass(frozen=True, slots=True)
class Script:
    """A way to send a request that ordinary HTTP clients do not have.

    The bytes are those of any other request: `wire` fills in the credential and the Host. `chunked` sends the body in
    the chunked coding, each piece as one chunk, instead of declaring its length. `fields` are further header fields,
    after the usual ones, even of a name that is there already. `patience` is how many seconds may pass without a byte
    of an answer, where that is less than the run's limit. `pipelined` sends all requests of one connection in one
    write. With `hold_for`, the client reads nothing after the first bytes of the body until the probe of this name has
    ended, at most `hold_at_most` seconds.
    """

    steps: tuple[Step, ...] = (HEAD, WHOLE_BODY)
    chunked: bool = False
    fields: tuple[tuple[str, str], ...] = ()
    patience: float | None = None
    pipelined: bool = False
    hold_for: str | None = None
    hold_at_most: float = 0.0

    @property
    def leaves(self) -> bool:
        """Whether the client ends its side of the connection by itself."""
        return any(step.kind in _LEAVING for step in self.steps)


def in_pieces(count: int, pause: float) -> tuple[Step, ...]:
    """The steps that send a body in so many pieces of about one size, with a pause (in seconds) before each."""
    pieces = ((Step(StepKind.PAUSE, pause), Step(StepKind.BODY, number / count)) for number in range(1, count + 1))
    return (HEAD, *(step for piece in pieces for step in piece))


def in_extended_chunks(count: int) -> tuple[Step, ...]:
    """The steps that send a body in so many chunks of about one size, each with an extension."""
    return (HEAD, *(Step(StepKind.EXTENDED, number / count) for number in range(1, count + 1)))


def cut_after(share: float) -> tuple[Step, ...]:
    """The steps that send this share of a body, and then end the client's side of the connection."""
    return (HEAD, Step(StepKind.BODY, share), HALF_CLOSE)


def await_continue(seconds: float) -> Step:
    """The step that waits for an interim or a final answer, at most so many seconds."""
    return Step(StepKind.AWAIT_CONTINUE, seconds)


def pause(seconds: float) -> Step:
    """The step that waits so many seconds."""
    return Step(StepKind.PAUSE, seconds)
