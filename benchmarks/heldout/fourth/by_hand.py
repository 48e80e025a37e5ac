"""Shows by a few requests, without the suite, that each fault and variation of the fourth set does what it says.

    python benchmarks/heldout/fourth/by_hand.py
    python benchmarks/heldout/fourth/by_hand.py 'call.*'

What is looked for must be seen in the deployment, and must not be seen in the unharmed reference of its profile and of
its speed.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

from fourth.faults import FAULTS  # noqa: E402
from fourth.looks import SHOWS_OF_TEXT  # noqa: E402
from fourth.looks_of_calls import SHOWS_OF_CALLS  # noqa: E402
from fourth.odd_ways import VARIATIONS  # noqa: E402
from second.looks import ERRORS  # noqa: E402
from showing import show  # noqa: E402

SHOWS = {**SHOWS_OF_TEXT, **SHOWS_OF_CALLS}

if __name__ == "__main__":
    sys.exit(show((*FAULTS, *VARIATIONS), SHOWS, ERRORS, sys.argv[1:]))
