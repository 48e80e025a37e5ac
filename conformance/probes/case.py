"""One value for a keyword."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.contract.model import Tier
from conformance.contract.samples import Definitions

SMALL_STEP = 0.00005
"""How far outside of a bound on numbers the nearest refused value lies: coarse rounding must not hide it."""
UNKNOWN_MEMBER = "x_chat_conformance_unknown"
"""A property that no document names."""


@dataclass(frozen=True, slots=True)
class Case:
    """One value for a keyword, with a short name that becomes part of the probe's name."""

    name: str
    value: Any
    tier: Tier = Tier.STANDARD


Cases = Callable[[Mapping[str, Any], Definitions], Iterator[Case]]
"""Makes the cases for a keyword from the schema that holds it."""
