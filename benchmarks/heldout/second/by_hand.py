"""Shows by a request or two, without the suite, that each fault and variation of the second set does what it says.

    python benchmarks/heldout/second/by_hand.py

What is looked for must be seen in the deployment, and must not be seen in the unharmed reference: for a fault of
delivery and for bursts, in one that is as slow.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

from by_hand import Caller  # noqa: E402 - in the folder above, not installed
from held_out import HeldOut, deployment  # noqa: E402
from second.faults import FAULTS  # noqa: E402
from second.looks import ERRORS, SHOWS  # noqa: E402
from second.odd_ways import VARIATIONS  # noqa: E402
from second.parts import PacedProvider  # noqa: E402

from conformance.reference import EmbeddedReference  # noqa: E402


def unharmed(entry: HeldOut) -> EmbeddedReference:
    """What a deployment is compared with."""
    slow = entry.kind == "O" or entry.id == "allowed.bursts-of-six"
    return deployment(None, PacedProvider() if slow else None)


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


def main() -> int:
    """Look at every deployment; the exit status is 1 where one does not do what it says."""
    wrong = 0
    for entry in (*FAULTS, *VARIATIONS):
        here, there = shown(entry.reference(), SHOWS[entry.id]), shown(unharmed(entry), SHOWS[entry.id])
        sound = here is True and there is False
        wrong += not sound
        print(f"{'shown' if sound else 'NOT SHOWN'}  {entry.id}" + ("" if sound else f"  {here} / {there}"), flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
