"""Decides the gate of a run: its verdict, except for what is known from a baseline, and the state of its waivers."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from conformance.contract.model import Tier
from conformance.report.quantities import counted, listed
from conformance.report.results import AgainstBaseline, Gate, GateStatus, RequirementResult, Results
from conformance.report.verdict import decide
from conformance.suite.outcome import BROKEN_OR_WAIVED, UNDECIDED, Verdict, Waiver

_STATUS = {
    Verdict.CONFORMANT: GateStatus.PASSED,
    Verdict.NONCONFORMANT: GateStatus.FAILED,
    Verdict.INCONCLUSIVE: GateStatus.UNDECIDED,
}


def gate(results: Results, today: datetime.date) -> Gate:
    """The gate of a run, whose `baseline` and `waivers` are taken into account.

    It fails if the verdict would be nonconformant even without the findings that are known from the baseline, if a
    waiver has expired, or if a waiver no longer matches a violation. Otherwise it is undecided if that verdict is
    inconclusive (a MUST that the baseline left undecided, too, does not count), and passed if it is conformant.
    """
    rows = results.requirements if results.baseline is None else _without_known(results, results.baseline)
    verdict, _ = decide(
        (row for row in rows if row.scored),
        strict=results.strict,
        selection=results.selection,
        interrupted=results.interrupted,
        gone=results.release.gone if results.release else (),
    )
    failures = waiver_failures(results, today)
    status = GateStatus.FAILED if failures else _STATUS[verdict]
    return Gate(status, (*_of_baseline(results), *failures))


def _without_known(results: Results, compared: AgainstBaseline) -> tuple[RequirementResult, ...]:
    from conformance.compare.baseline import without_known  # noqa: PLC0415 - few runs are compared with another

    return without_known(results, compared)


def waiver_failures(results: Results, today: datetime.date) -> tuple[str, ...]:
    """A sentence for each waiver that has expired, and for each that is no longer needed."""
    return tuple(filter(None, (_failure(waiver, results, today) for waiver in results.waivers)))


def _failure(waiver: Waiver, results: Results, today: datetime.date) -> str | None:
    if waiver.expired(today):
        return f"The waiver of {waiver.about} ({waiver.owner}) expired on {waiver.expires}; renew it, or remove it."
    if _is_stale(waiver, results):
        return f"The waiver of {waiver.about} ({waiver.owner}) no longer matches any violation; remove it."
    return None


def _is_stale(waiver: Waiver, results: Results) -> bool:
    """Whether the run decided everything that the waiver covers, and none of it is broken.

    What was left to a larger tier, filtered out or not decided may still need it.
    """
    rows = [row for row in results.requirements if waiver.names(row.id)]
    if not rows or any(waiver.names(row.id) for row in results.beyond_tier):
        return False
    if any(row.outcome in UNDECIDED for row in rows) or any(_needs(row, waiver) for row in rows):
        return False
    # A smaller tier may not have sent the probe that it covers.
    return waiver.probe is None or results.tier is Tier.EXHAUSTIVE or any(_looked_at(row, waiver) for row in rows)


def _needs(row: RequirementResult, waiver: Waiver) -> bool:
    if row.outcome not in BROKEN_OR_WAIVED:
        return False
    return waiver.probe is None or any(waiver.fits(finding.exchange) for finding in row.findings)


def _looked_at(row: RequirementResult, waiver: Waiver) -> bool:
    return any(waiver.fits(exchange) for exchange in row.exchanges)


def _of_baseline(results: Results) -> Sequence[str]:
    compared = results.baseline
    if compared is None:
        return ()
    groups = [
        (compared.new, "has findings that are not in the baseline", "have findings that are not in the baseline"),
        (compared.known, "is broken as in the baseline", "are broken as in the baseline"),
        (compared.fixed, "has lost findings of the baseline", "have lost findings of the baseline"),
        (
            compared.undecided,
            "is undecided, as in the baseline, and does not count",
            "are undecided, as in the baseline, and do not count",
        ),
    ]
    of = f"the run of {compared.started} against {compared.base_url}"
    return (
        f"The baseline is {of}.",
        *(
            f"{counted(len(ids), 'requirement')} {one if len(ids) == 1 else many}: {listed(ids)}."
            for ids, one, many in groups
            if ids
        ),
    )
