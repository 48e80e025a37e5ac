"""Judges chosen targets of one or several profiles, and makes their kill matrices."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from conformance.lab.evidence_checks import NO_CHECKS, EvidenceChecks
from conformance.lab.judging import JudgedTarget
from conformance.lab.kept_results import KeptResults
from conformance.lab.kill_matrix import KillMatrix, matrix_of
from conformance.lab.rules import AS_DECLARED, CAUGHT, NO_FALSE_ALARM, rule_violations
from conformance.lab.targets import LabTarget, contract_of, targets_of
from conformance.lab.workers import Progress, Workers, default_workers, judge_all

MOST_RECHECKED = 24
"""Targets of a profile that are judged once more. Where more violate a rule, the machine's speed is not the reason."""
RECHECKED = frozenset({CAUGHT, NO_FALSE_ALARM, AS_DECLARED})
"""The rules that a target may violate because the machine was busy."""


def kill_matrices(
    chosen: Mapping[str, Sequence[LabTarget]],
    *,
    workers: Workers | None = None,
    extra: Path | None = None,
    checks: EvidenceChecks = NO_CHECKS,
    recheck: frozenset[str] = RECHECKED,
    kept: KeptResults | None = None,
    progress: Progress | None = None,
) -> list[KillMatrix]:
    """The kill matrix of each profile, from its chosen targets.

    A target that violates a rule is judged once more with the machine to itself, because times are unreliable on a
    busy machine; the second result counts, and the matrix says so. Where it violates none of the rules of `recheck`, it
    is judged only once.
    What `kept` knows is not judged again.

    Raises:
        ContractError: the catalogue of faults, or `extra`, cannot be used.
    """
    began = time.monotonic()
    targets = [target for some in chosen.values() for target in some]
    count = workers or default_workers()
    judged = judge_all(targets, count, extra=extra, checks=checks, kept=kept, progress=progress)
    matrices = _matrices(chosen, judged, extra, time.monotonic() - began)
    again = [
        target
        for matrix, some in zip(matrices, chosen.values(), strict=True)
        for target in to_recheck(matrix, some, recheck)
    ]
    if again:
        judged = with_rechecks(judged, judge_all(again, 1, extra=extra, checks=checks, alone=True))
        matrices = _matrices(chosen, judged, extra, time.monotonic() - began)
    return matrices


def _matrices(
    chosen: Mapping[str, Sequence[LabTarget]],
    judged: Sequence[tuple[str, JudgedTarget]],
    extra: Path | None,
    took: float,
) -> list[KillMatrix]:
    total = sum(one.seconds for _, one in judged) or 1.0
    matrices = []
    for name, some in chosen.items():
        own = [one for profile, one in judged if profile == name]
        seconds = round(took * sum(one.seconds for one in own) / total, 1)
        partial = len(some) < len(targets_of(name, extra))
        matrices.append(matrix_of(contract_of(name), some, own, partial=partial, seconds=seconds))
    return matrices


def to_recheck(matrix: KillMatrix, targets: Iterable[LabTarget], rules: frozenset[str] = RECHECKED) -> list[LabTarget]:
    """The targets of a matrix whose outcomes violate one of these rules, if they are few."""
    violating = {violation.subject for violation in rule_violations(matrix) if violation.rule in rules}
    found = [target for target in targets if target.id in violating]
    return found if len(found) <= MOST_RECHECKED else []


def with_rechecks(
    judged: Sequence[tuple[str, JudgedTarget]], again: Iterable[tuple[str, JudgedTarget]]
) -> list[tuple[str, JudgedTarget]]:
    """The judged targets, with the second result of those that were judged again."""
    second = {(profile, one.target): one for profile, one in again}
    return [
        (profile, replace(second[profile, one.target], tries=2) if (profile, one.target) in second else one)
        for profile, one in judged
    ]
