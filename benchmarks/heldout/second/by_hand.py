"""Shows by a request or two, without the suite, that each fault and variation of the second set does what it says.

    python benchmarks/heldout/second/by_hand.py

What is looked for must be seen in the deployment, and must not be seen in the unharmed reference: for a fault of
delivery and for bursts, in one that is as slow.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

from held_out import HeldOut, deployment  # noqa: E402 - in the folder above, not installed
from second.faults import FAULTS  # noqa: E402
from second.looks import ERRORS, SHOWS  # noqa: E402
from second.odd_ways import VARIATIONS  # noqa: E402
from second.parts import PacedProvider  # noqa: E402
from showing import show  # noqa: E402

from conformance.reference import EmbeddedReference  # noqa: E402


def unharmed(entry: HeldOut) -> EmbeddedReference:
    """What a deployment is compared with."""
    slow = entry.kind == "O" or entry.id == "allowed.bursts-of-six"
    return deployment(None, PacedProvider() if slow else None)


if __name__ == "__main__":
    sys.exit(show((*FAULTS, *VARIATIONS), SHOWS, ERRORS, sys.argv[1:], unharmed=unharmed))
