"""Which targets of a lab are judged once more, and what is kept of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from conformance.lab.judging import Seen
from conformance.lab.matrix import Matrix
from conformance.lab.rules import CAUGHT, CLEAN, EXACT, breaches
from conformance.lab.targets import LabTarget

MOST = 24
"""Targets of a profile that are judged once more. Where more break a rule, it is not for the time that they took."""


def doubtful(matrix: Matrix, targets: Iterable[LabTarget]) -> list[LabTarget]:
    """Those of a matrix' targets whose outcomes break a rule, where they are few."""
    told = {breach.subject for breach in breaches(matrix) if breach.rule in {CAUGHT, CLEAN, EXACT}}
    found = [target for target in targets if target.id in told]
    return found if len(found) <= MOST else []


def with_second_looks(seen: Sequence[tuple[str, Seen]], again: Iterable[tuple[str, Seen]]) -> list[tuple[str, Seen]]:
    """What was seen, with the second time in the place of the first where there is one."""
    second = {(profile, one.target): one for profile, one in again}
    return [
        (profile, replace(second[profile, one.target], tries=2) if (profile, one.target) in second else one)
        for profile, one in seen
    ]
