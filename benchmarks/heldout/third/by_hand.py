"""Shows by a few requests, without the suite, that each fault and variation of the third set does what it says.

    python benchmarks/heldout/third/by_hand.py
    python benchmarks/heldout/third/by_hand.py 'call.*'

What is looked for must be seen in the deployment, and must not be seen in the unharmed reference of its profile and of
its speed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

from by_hand import Caller  # noqa: E402 - in the folder above, not installed
from held_out import HeldOut, deployment  # noqa: E402
from third.faults import FAULTS  # noqa: E402
from third.looks import ERRORS, SHOWS_OF_TEXT  # noqa: E402
from third.looks_of_calls import SHOWS_OF_CALLS  # noqa: E402
from third.odd_ways import VARIATIONS  # noqa: E402

from conformance.reference import EmbeddedReference  # noqa: E402

SHOWS = {**SHOWS_OF_TEXT, **SHOWS_OF_CALLS}


def unharmed(entry: HeldOut) -> EmbeddedReference:
    """What a deployment is compared with."""
    return deployment(None, None if entry.provider is None else entry.provider(), entry.profile)


def shown(reference: EmbeddedReference, look: Callable[[Caller], bool]) -> bool | str:
    """What was looked for, or the error that looking for it ended with."""
    with reference:
        caller = Caller(reference.base_url)
        try:
            return look(caller)
        except ERRORS as error:
            return repr(error)
        finally:
            caller.http.close()


def main(globs: Sequence[str]) -> int:
    """Look at every deployment; the exit status is 1 where one does not do what it says."""
    wrong = 0
    for entry in (*FAULTS, *VARIATIONS):
        if globs and not any(fnmatch(entry.id, glob) for glob in globs):
            continue
        here, there = shown(entry.reference(), SHOWS[entry.id]), shown(unharmed(entry), SHOWS[entry.id])
        sound = here is True and there is False
        wrong += not sound
        note = "" if sound else f"  {here} / {there}"
        print(f"{'shown' if sound else 'NOT SHOWN'}  {entry.id}{note}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
