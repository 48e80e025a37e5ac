"""Checks that a bundle shows a complete run: nothing left out by a filter, a stop or a budget, no exchange missing."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from conformance.bundle import BundleError
from conformance.bundle.packing import EVIDENCE
from conformance.evidence import Evidence, EvidenceError, read_evidence
from conformance.probes import plan_from
from conformance.report import Results


def check_whole(results: Results, folder: Path) -> None:
    """Check that results and evidence in an unpacked bundle are those of a complete run.

    Raises:
        BundleError: a part is missing; the message names it, and says why that matters.
    """
    if results.selection is not None:
        raise BundleError(
            f"the run was restricted to {results.selection}; a part of the contract does not show the whole."
        )
    if results.interrupted is not None:
        raise BundleError(f"the run did not finish ({results.interrupted}); what it did not judge may be broken.")
    if results.replayed:
        raise BundleError("the results are of evidence that was judged again, not of the run itself.")
    evidence = _evidence(folder)
    _check_evidence(evidence)
    _check_same_run(evidence, results)


def _evidence(folder: Path) -> Evidence:
    path = folder / EVIDENCE
    try:
        return read_evidence(path.parent)
    except EvidenceError as error:
        raise BundleError(f"the evidence is broken: {str(error).replace(f'{folder}/', '')}") from error


def _check_evidence(evidence: Evidence) -> None:
    header = evidence.header
    if header.get("only") or header.get("exclude"):
        raise BundleError("the evidence is of a restricted run; a part of the contract does not show the whole.")
    if not evidence.complete or evidence.interrupted:
        raise BundleError("the evidence is incomplete: the run did not finish.")
    if evidence.unsent:
        name, reason = next(iter(evidence.unsent.items()))
        raise BundleError(f"{len(evidence.unsent)} probes were not sent, among them {name}: {reason}")
    try:
        planned = plan_from(header["probes"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError("the evidence's first line does not say which probes were planned.") from error
    final = {exchange.probe for exchange in evidence.exchanges if exchange.last}
    for probe in planned.probes:
        if probe.name not in final:
            raise BundleError(f"the exchange of the probe {probe.name} is missing from the evidence.")
    _check_exchanges(evidence, {probe.name for probe in planned.every_probe()})


def _check_exchanges(evidence: Evidence, planned: Collection[str]) -> None:
    there = {exchange.id for exchange in evidence.exchanges}
    for exchange in evidence.exchanges:
        if exchange.probe not in planned:
            raise BundleError(f"the exchange {exchange.id} is of a probe that was not planned.")
        if exchange.attempt > 1 and f"{exchange.probe}#{exchange.attempt - 1}" not in there:
            raise BundleError(f"the attempt before {exchange.id} is missing from the evidence.")


def _check_same_run(evidence: Evidence, results: Results) -> None:
    header = evidence.header
    recorded = (
        header.get("suite", {}).get("version"),
        header.get("profile", {}).get("name"),
        header.get("profile", {}).get("sha256"),
        header.get("tier"),
        header.get("started"),
    )
    profile = results.profile
    reported = (results.suite_version, profile.name, profile.sha256, results.tier.value, results.started)
    names = ("version of the suite", "profile", "digest of the profile's document", "tier", "start")
    for name, one, other in zip(names, recorded, reported, strict=True):
        if one != other:
            raise BundleError(
                f"evidence and results are not of the same run: the {name} is {one!s:.80} and {other!s:.80}."
            )
