"""What a bundle does not show of its target, and whose word that rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.contract.model import Tier
from conformance.evidence import Evidence
from conformance.probes.generated import MOST
from conformance.report import Results
from conformance.wire import BY_PROXY


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that was not judged. `by_refusal` says that the target's own answers show that it lacks it."""

    what: str
    why: str
    by_refusal: bool = False
    is_generated: bool = False


def left_out(results: Results, evidence: Evidence) -> tuple[LeftOut, ...]:
    """What results and evidence, which were checked, leave out."""
    return tuple(_left_out(results, evidence.header, evidence.unsent))


def _left_out(results: Results, header: Mapping[str, Any], unsent: Mapping[str, str]) -> Iterator[LeftOut]:
    declared = tuple(map(str, header["target"].get("unsupported", ())))
    for name in declared:
        yield LeftOut(name, "the operator declared that the target lacks it")
    for name in results.scope.without:
        if name not in declared:
            yield LeftOut(name, "the target refused it in its answers", by_refusal=True)
    if header["target"].get("second_tenant") is False:
        yield LeftOut("a second tenant", "the operator declared that there is none")
    for name in results.scope.not_configured:
        yield LeftOut(name, "the operator did not configure it")
    if BY_PROXY in unsent.values():
        yield LeftOut("what is written byte by byte", "requests went through a proxy")
    generated = header.get("generated")
    if results.tier.includes(Tier.EXHAUSTIVE) and generated is not None and generated < MOST:
        yield LeftOut(
            f"all generated requests but {generated} of each kind", "the operator asked for fewer", is_generated=True
        )
