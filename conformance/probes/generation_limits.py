"""Says which schemas Schemathesis is given: Hypothesis, below it, has no bound on the time that one value takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from conformance.contract.effort import parts_of
from conformance.contract.slow_patterns import takes_long_to_match
from conformance.contract.vocabulary import child_schemas

_MOST_PARTS: Final = 20_000
_MOST_VALUES: Final = 1_000
"""Items and members that a value must have, those inside of others included."""
_LONGEST: Final = 10_000
_HOLD_MANY: Final = {"items": "minItems", "contains": "minContains", "additionalProperties": "minProperties"}
"""Keywords whose schemas a value must fit more than once, with what says how often."""


def is_soon_generated(schema: Any) -> bool:
    """Whether values of a schema can be generated in a short time, as far as one can see by its keywords."""
    if parts_of(schema, _MOST_PARTS) >= _MOST_PARTS:
        return False
    ahead: list[tuple[Any, int]] = [(schema, 1)]
    while ahead:
        one, times = ahead.pop()
        if not isinstance(one, Mapping):
            continue
        needed = {keyword: times * max(1, int(one.get(count, 1))) for keyword, count in _HOLD_MANY.items()}
        patterns = [*one.get("patternProperties", ()), *([one["pattern"]] if "pattern" in one else ())]
        if (
            max(needed.values()) > _MOST_VALUES
            or int(one.get("minLength", 0)) > _LONGEST
            or any(map(takes_long_to_match, patterns))
        ):
            return False
        ahead.extend((child, needed.get(tokens[0], times)) for tokens, child in child_schemas(one))
    return True
