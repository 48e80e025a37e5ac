"""Which test items judge which requirements of a contract, and which probes they need."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from conformance.contract import Contract
from conformance.contract.model import Requirement, Tier

if TYPE_CHECKING:
    import pytest


class SelectionError(Exception):
    """The user's selection of requirements matches nothing; the message is one sentence that says what to do."""


def derived(contract: Contract, location: str | tuple[str, ...]) -> list[Requirement]:
    """The requirements that were derived from the schemas at a location, or at one of several, or below it."""
    locations = (location,) if isinstance(location, str) else location
    return [
        row
        for row in contract.requirements
        if row.keyword is not None
        and any(row.keyword.location == one or row.keyword.location.startswith(f"{one}.") for one in locations)
    ]


def declared(contract: Contract) -> list[Requirement]:
    """The requirements whose own row declares the example that decides them."""
    return [row for row in contract.requirements if row.case is not None]


def requirement_of(item: pytest.Item, contract: Contract) -> Requirement | None:
    """The requirement that an item judges in this contract; None where the contract does not have it."""
    parameters = getattr(item, "callspec", None)
    for name in ("keyword", "declared_row"):
        if parameters is not None and name in parameters.params:
            row = parameters.params[name]
            return row if isinstance(row, Requirement) else None  # pytest has a placeholder if there is no row
    marker = item.get_closest_marker("requirement")
    if marker is None:
        return None
    found = contract.requirement(marker.args[0])
    return found if found is not None and found.excluded is None else None


def probes_of(item: pytest.Item, row: Requirement) -> tuple[str, ...]:
    """The names and globs of the probes that an item looks at."""
    marker = item.get_closest_marker("requirement") or item.get_closest_marker("keywords")
    patterns: Sequence[str] = marker.kwargs["probes"] if marker is not None else ()
    return tuple(pattern.replace("{id}", row.id) for pattern in patterns)


def wanted(row: Requirement, tier: Tier, only: Sequence[str] = (), exclude: Sequence[str] = ()) -> bool:
    """Whether a run of this tier, restricted to `only` (ids or globs) and without `exclude`, judges a requirement."""
    return tier.includes(row.tier) and (not only or _named(row, only)) and not _named(row, exclude)


def _named(row: Requirement, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(row.id, one) for one in patterns)


def restriction(only: Sequence[str], exclude: Sequence[str]) -> str | None:
    """What a run is restricted to, as the end of "restricted to …"; None where it is not."""
    if not exclude:
        return " ".join(only) or None
    return f"{' '.join(only) or 'everything'} except {' '.join(exclude)}"


def check_selection(contract: Contract, patterns: Iterable[str], profile: str, *, option: str) -> None:
    """Refuse ids and globs that match no requirement of the contract; `profile` is the user's name for it.

    Raises:
        SelectionError: one of them matches nothing.
    """
    ids = [row.id for row in contract.requirements]
    for one in patterns:
        if not fnmatch.filter(ids, one):
            near = [row_id for row_id in ids if one.strip("*.") and one.strip("*.").split(".")[-1] in row_id][:3]
            hint = f"did you mean {' or '.join(near)}? See" if near else "see"
            raise SelectionError(
                f"{option} {one!r} matches no requirement of {contract.profile.name};"
                f" {hint} chat-conformance requirements {profile}."
            )
