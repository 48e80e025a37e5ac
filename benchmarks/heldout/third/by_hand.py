"""Shows by a few requests, without the suite, that each fault and variation of the third set does what it says.

    python benchmarks/heldout/third/by_hand.py
    python benchmarks/heldout/third/by_hand.py 'call.*'

What is looked for must be seen in the deployment, and must not be seen in the unharmed reference of its profile and of
its speed.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

from showing import show  # noqa: E402
from third.faults import FAULTS  # noqa: E402
from third.looks import ERRORS, SHOWS_OF_TEXT  # noqa: E402
from third.looks_of_calls import SHOWS_OF_CALLS  # noqa: E402
from third.odd_ways import VARIATIONS  # noqa: E402

SHOWS = {**SHOWS_OF_TEXT, **SHOWS_OF_CALLS}

if __name__ == "__main__":
    sys.exit(show((*FAULTS, *VARIATIONS), SHOWS, ERRORS, sys.argv[1:]))
