"""Says in words how a target takes requests, as the preflight found it out; for the console and the page alike."""

from __future__ import annotations

from conformance.report.quantities import listed
from conformance.report.results import Preflight

_USUAL_LIMIT_FIELD = "max_tokens"


def dialect_words(found: Preflight | None, *, unusual_only: bool = False) -> list[str]:
    """What was found out, a clause each, names of fields between backticks; nothing of a setup that cannot be judged.

    With `unusual_only`, only what differs from how most deployments take requests.
    """
    if found is None or found.problem is not None:
        return []
    limited = found.limit_field is not None and not (unusual_only and found.limit_field == _USUAL_LIMIT_FIELD)
    words = [f"tokens are limited by `{found.limit_field}`"] if limited else []
    words += [f"limits are at least {found.least_limit}"] if found.least_limit > 1 else []
    words += [f"{found.thinking} tokens are added to limits, for a model that thinks first"] if found.thinking else []
    words += [f"{listed([f'`{name}`' for name in found.refused])} refused"] if found.refused else []
    return words + [f"{listed([f'`{name}`' for name in names])} refused together" for names in found.apart]
