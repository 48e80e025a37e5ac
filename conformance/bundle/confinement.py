"""Runs a part of the program in a process of its own, with bounds on its memory and its time.

What a bundle holds is judged by the whole suite. Bounds on the archive and on the evidence keep that cheap; this is
what holds where an enemy found a way around them, whatever the bundle is.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from conformance.bundle.errors import BundleError
from conformance.quoting import one_line
from conformance.strict_json import JsonError, load

_MIB = 1024 * 1024
_PATIENCE = 10
"""How many times the processor time may pass on the clock: a machine may be busy with something else."""
_OUT_OF_MEMORY = 70
"""Exit status of a process that noticed that it ran out of memory."""
_SIGNS = (b"MemoryError", b"failed to map segment", b"Cannot allocate memory")
"""What a process says that could not tell that it ran out of memory, as where a module could not be loaded."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What each confined process may take, where the system can bound it (not on Windows)."""

    memory: int = 236
    """MiB of data; code and shared libraries come to 20 more."""
    seconds: int = 30
    """Seconds of processor time, all processes together."""
    taken: float = 0.0
    """Seconds that were taken before."""

    def less(self, taken: float) -> Bounds:
        """What is left after a process took so many seconds."""
        return replace(self, taken=self.taken + taken)

    @property
    def left(self) -> int:
        """Seconds of processor time that are left, for the system whole ones and at least one."""
        return max(1, round(self.seconds - self.taken))


USUAL_BOUNDS = Bounds()


def confined(module: str, asked: Mapping[str, Any], bounds: Bounds) -> tuple[list[str], float]:
    """Run a module that calls `answer_in_confinement` in a process of its own; gives the lines of its answer.

    Beside them it gives the seconds of processor time that it took.

    Raises:
        BundleError: the module raised it, or a bound ended the process.
    """
    command = [sys.executable, "-P", "-X", "utf8", "-m", module]
    given = json.dumps({"asked": asked, "bounds": asdict(bounds)}).encode()
    too_much = BundleError(
        f"judging it takes more than {bounds.memory} MiB of memory, or {bounds.seconds} s of processor time; if you"
        " trust who made it, allow more with --memory and --seconds."
    )
    try:
        done = subprocess.run(  # noqa: S603 - this very program
            command,
            input=given,
            capture_output=True,
            timeout=_PATIENCE * bounds.seconds,
            check=False,
            # Ctrl-C is for who waits for the answer; a process that took it for its own would answer something else.
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        raise too_much from None
    if done.returncode < 0 or done.returncode == _OUT_OF_MEMORY or any(one in done.stderr for one in _SIGNS):
        raise too_much
    try:
        answered = load(done.stdout)
    except JsonError:
        said = one_line(done.stderr[-2000:].decode("utf-8", "replace").strip().rpartition("\n")[2], 300)
        raise RuntimeError(f"the confined process ended with {done.returncode}, without an answer ({said})") from None
    if answered["problem"] is not None:
        raise BundleError(answered["problem"])
    lines: list[str] = answered["lines"]
    return lines, answered["seconds"]


def answer_in_confinement(answer: Callable[[Mapping[str, Any]], list[str]]) -> None:
    """In the process: take over the bounds, and write the answer, or the problem that was raised."""
    given = load(sys.stdin.buffer.read())
    _take(Bounds(**given["bounds"]))
    lines, problem = [], None
    # What the tests of the suite print is no part of the answer.
    with contextlib.redirect_stdout(sys.stderr):
        try:
            lines = answer(given["asked"])
        except BundleError as error:
            problem = str(error)
        except MemoryError:
            sys.exit(_OUT_OF_MEMORY)
    sys.stdout.write(json.dumps({"lines": lines, "problem": problem, "seconds": time.process_time()}))


def _take(bounds: Bounds) -> None:
    with contextlib.suppress(ImportError):  # on Windows
        import resource  # noqa: PLC0415 - as the line before says

        wanted = ((resource.RLIMIT_DATA, bounds.memory * _MIB), (resource.RLIMIT_CPU, bounds.left))
        for kind, most in wanted:
            with contextlib.suppress(OSError, ValueError):  # a lower bound is there already
                resource.setrlimit(kind, (most, most))
