"""One value for a keyword."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.contract.model import Tier

SMALL_STEP = 0.00005
"""How far outside of a bound on numbers the nearest refused value lies: coarse rounding must not hide it."""
LONGEST = 100_000
"""Characters of the longest text that is sent to reach a bound on lengths."""
MOST_ITEMS = 10_000
"""Items of the longest array, and members of the largest object, that are sent to reach a bound on them."""
UNKNOWN_MEMBER = "x_chat_conformance_unknown"
"""A property that no document names."""


@dataclass(frozen=True, slots=True)
class Case:
    """One value for a keyword, with a short name that becomes part of the probe's name."""

    name: str
    value: Any
    tier: Tier = Tier.STANDARD


Definitions = Mapping[str, Any] | None
"""What the `$ref` of a schema lead to."""
Cases = Callable[[Mapping[str, Any], Definitions], Iterator[Case]]
"""Makes the cases for a keyword from the schema that holds it."""
