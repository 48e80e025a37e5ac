"""Makes the page that lists the faults and allowed variations of the lab."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import markdown_text as md
from requirement_pages import FOLDER

from conformance.contract import load_contract, shipped_profiles
from conformance.lab.page import FAMILIES
from conformance.reference.faults import Fault, every_fault

PATH = "faults.md"
_MOST = 3
"""Requirements that a fault is said to be caught through."""


def fault_page() -> str:
    """The page as Markdown.

    Raises:
        ContractError: the catalogue of faults is unusable.
    """
    return "\n\n".join(_parts()) + "\n"


def _parts() -> Iterator[str]:
    contracts = [load_contract(name) for name in shipped_profiles()]
    found: dict[str, Fault] = {fault.id: fault for contract in contracts for fault in every_fault(contract)}
    rows = {row.id for contract in contracts for row in contract.requirements if row.keyword is None}
    written = sorted(
        (one for one in found.values() if not one.generated), key=lambda one: (one.is_variation, one.family)
    )
    yield "---\ntitle: Catalogue of faults\nsearch:\n  exclude: true\n---"
    yield "# Catalogue of faults"
    generated = sum(one.generated for one in found.values())
    yield (
        f"{len(found) - generated} deviations are written by hand, and {generated} more are made from the keywords of"
        " the contracts (their ids begin with a word and a colon, such as `ignores:`). Serve the reference deployment"
        " with any of them: `chat-conformance serve PROFILE --fault ID`. How they are judged is on the page"
        " [the fault lab](fault-lab.md)."
    )
    for (is_variation, family), some in groupby(
        written, key=lambda one: (one.is_variation, 0 if one.is_variation else one.family)
    ):
        yield f"## {'Allowed variations' if is_variation else FAMILIES[family].capitalize()}"
        yield md.entries(_entry(one, rows) for one in some)


def _entry(fault: Fault, rows: set[str]) -> tuple[str, str, str]:
    through = [f"[{md.code(one)}]({FOLDER}/{one}.md)" if one in rows else md.code(one) for one in fault.breaks[:_MOST]]
    more = f" and {len(fault.breaks) - _MOST} more" if len(fault.breaks) > _MOST else ""
    caught = f"caught through {', '.join(through)}{more}" if through else ""
    seen = f"seen in {md.threads(fault.seen)}" if fault.seen else ""
    return md.code(fault.id), md.prose(fault.about), " · ".join(filter(None, (caught, seen)))
