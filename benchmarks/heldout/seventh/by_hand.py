"""Shows by a few requests, without the suite, that each fault and variation of the seventh set does what it says.

    python benchmarks/heldout/seventh/by_hand.py
    python benchmarks/heldout/seventh/by_hand.py 'call.*'

What is looked for must be seen in the deployment, and must not be seen in the unharmed reference of its profile and of
its speed.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

from second.looks import ERRORS  # noqa: E402
from seventh.faults import FAULTS  # noqa: E402
from seventh.looks import SHOWS  # noqa: E402
from seventh.odd_ways import VARIATIONS  # noqa: E402
from showing import show  # noqa: E402

if __name__ == "__main__":
    sys.exit(show((*FAULTS, *VARIATIONS), SHOWS, ERRORS, sys.argv[1:]))
