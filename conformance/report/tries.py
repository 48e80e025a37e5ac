"""In how many tries a requirement was broken, where its findings were tried again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from conformance.report.quantities import counted, listed
from conformance.report.results import RequirementResult, Results, Tries


def with_tries(results: Results, tries: Mapping[str, tuple[Tries, tuple[str, ...]]]) -> Results:
    """The record with the tries of each requirement, and the exchanges that show them.

    What is flaky is named among the reasons, and stays broken.
    """
    rows = tuple(_with_tries(row, *tries[row.id]) if row.id in tries else row for row in results.requirements)
    flaky = [row.id for row in rows if row.tries is not None and row.tries.flaky]
    reason = (
        f"{counted(len(flaky), 'flaky requirement')}, broken in some tries only, which does not count as a pass:"
        f" {listed(flaky)}."
    )
    return replace(results, requirements=rows, reasons=(*results.reasons, *([reason] if flaky else ())))


def _with_tries(row: RequirementResult, tries: Tries, exchanges: tuple[str, ...]) -> RequirementResult:
    message = f"{'flaky: ' if tries.flaky else ''}broken in {tries.broken} of {tries.of} tries"
    return replace(row, tries=tries, messages=(*row.messages, message), exchanges=(*row.exchanges, *exchanges))
