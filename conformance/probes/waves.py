"""The waves of a run: what is sent side by side, and what has to wait until the rest has ended.

Every wave costs a run the time of its slowest answer, so there are few, and each says why it is one.
"""

from __future__ import annotations

from typing import Final

SIDE_BY_SIDE: Final = 0
"""Nearly all probes: none of them needs another's answer, and none disturbs another."""
AT_ONCE: Final = 1
"""Requests at once, each with a word of its own, beside nothing else: an answer that crosses over is one of theirs, and
how long they take is what a plain request usually takes."""
HELD: Final = 2
"""A stream that its client holds open, and the request that shows whether it is in the way."""
LONG_ANSWERS: Final = 3
"""Long answers, when all short ones have come, so that none waits for another; and what repeats an earlier request,
which a deployment could answer from a cache."""
LONG_PROMPTS: Final = 4
"""A long prompt keeps a slow target busy, so that nothing is sent beside it."""
REPEATED: Final = 5
"""What is sent only where the answers before it do not decide: the long answer again, and streams that are longer."""
DRAWN: Final = 6
"""Requests drawn at random, after all that is planned: one of them may be what keeps a deployment busy for ever."""
MALFORMED: Final = DRAWN
"""Bodies that are no JSON, beside what is drawn; a plain request may come after them."""
HOSTILE: Final = MALFORMED + 2
"""Hostile requests come after all others, so that what they break is known and nothing else suffers: one at a time with
a plain request after each, or all at once where there is only one plain request at the end."""
GENERATED: Final = 90
"""They come after everything else, so that their cost does not keep more decisive probes from being sent."""
LEAVING: Final = 990
"""Clients that leave."""
LAST: Final = 1_000
"""The plain request after all hostile ones."""
LOAD: Final = LAST + 1
"""After everything else, so that it is known what suffers from these."""
