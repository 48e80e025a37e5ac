"""Detection side by side: this suite and other tools on the same faulty deployments, in one run.

    python benchmarks/detection/compare.py loop-health                  a sample, some minutes
    python benchmarks/detection/compare.py loop-health --all            every fault and allowed variation
    python benchmarks/detection/compare.py openai --only 'ignores:*'    some of them
    python benchmarks/detection/compare.py openai --llm-comply PROGRAM  with one more judge

Faults that only a larger tier of this suite looks for are left out, because the standard tier is compared.

Prints for each judge how many faults it caught, how many false alarms it gave, its requests, its seconds and those of
processors; then the faults that only one side caught. The exit status is 1 when another tool catches a fault that this
suite misses.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent)]

from judges import Found, Judge, llm_comply, ours, schemathesis, versions  # noqa: E402 - beside this file

from conformance.contract.model import Tier  # noqa: E402
from conformance.lab.targets import LabTarget, selected, targets_of  # noqa: E402

OURS = "chat-conformance, standard tier"
JUDGES: Mapping[str, Judge] = {
    OURS: ours(Tier.STANDARD),
    "schemathesis, OpenAPI 3.1": schemathesis(events=False),
    "schemathesis, OpenAPI 3.2": schemathesis(events=True),
}
LLM_COMPLY = "llm-comply"
SAMPLE = 24
"""How many faults of a profile are judged by default."""


@dataclass(frozen=True, slots=True)
class Score:
    """The score of one judge over all deployments: ids of faults, and of allowed variations and the control."""

    caught: frozenset[str]
    false_alarms: frozenset[str]
    requests: int
    seconds: float
    cpu: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, print, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("profile", choices=["kodexa", "loop-health", "openai"])
    parser.add_argument("--all", action="store_true", help="every fault and allowed variation, not a sample")
    parser.add_argument(
        "--only", action="append", default=[], metavar="GLOB", help="these faults and allowed variations"
    )
    parser.add_argument("--sample", type=int, default=SAMPLE, metavar="N", help=f"how many to judge (default {SAMPLE})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file as well")
    parser.add_argument(
        "--llm-comply",
        type=lambda text: Path(text).absolute(),
        metavar="PROGRAM",
        help="let this program judge, too; not of loop-health",
    )
    options = parser.parse_args(arguments)
    if options.llm_comply is not None and options.profile == "loop-health":
        parser.error("llm-comply cannot send what loop-health demands (brand_id, requested_by); leave --llm-comply out")
    judges = dict(JUDGES)
    if options.llm_comply is not None:
        judges[LLM_COMPLY] = llm_comply(options.llm_comply)
    standard = [target for target in targets_of(options.profile) if target.tier is Tier.STANDARD]
    targets = selected(standard, options.only)
    if not (options.all or options.only):
        targets = sample(targets, options.sample)
    found = judged(targets, judges)
    document = {"versions": versions(options.llm_comply), **report(options.profile, targets, found)}
    print(text(document))
    if options.json is not None:
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 1 if document["missed_by_us"] else 0


def sample(targets: Sequence[LabTarget], size: int) -> tuple[LabTarget, ...]:
    """The control, and `size` others at even distances, so that every kind of fault is among them."""
    control, *others = targets
    step = max(1, len(others) / size)
    return (control, *(others[int(number * step)] for number in range(min(size, len(others)))))


def judged(targets: Iterable[LabTarget], judges: Mapping[str, Judge]) -> dict[str, dict[str, Found]]:
    """What each judge finds in each deployment; each result is printed as it comes."""
    found: dict[str, dict[str, Found]] = {name: {} for name in judges}
    for target in targets:
        for name, judge in judges.items():
            one = found[name][target.id] = judge(target)
            names = ", ".join(sorted(one.names)[:3]) or "nothing"
            print(f"{target.id}: {name}: {names} ({one.seconds:.1f} s)", file=sys.stderr, flush=True)
    return found


def score(targets: Sequence[LabTarget], found: Mapping[str, Found]) -> Score:
    """The score of one judge: a fault is caught if it has a finding that the control does not have."""
    usual = found[targets[0].id].names
    with_findings = {target.id for target in targets[1:] if found[target.id].names - usual}
    faults = {target.id for target in targets if target.fault is not None and not target.fault.is_variation}
    false_alarms = (with_findings - faults) | ({targets[0].id} if usual else set())
    requests, seconds, cpu = (
        sum(getattr(one, name) for one in found.values()) for name in ("requests", "seconds", "cpu")
    )
    return Score(frozenset(with_findings & faults), frozenset(false_alarms), requests, seconds, cpu)


def report(profile: str, targets: Sequence[LabTarget], found: Mapping[str, Mapping[str, Found]]) -> dict[str, Any]:
    """The figures as one JSON document."""
    scores = {name: score(targets, ones) for name, ones in found.items()}
    by_peer = frozenset[str]().union(*(one.caught for name, one in scores.items() if name != OURS))
    faults = [target.id for target in targets if target.fault is not None and not target.fault.is_variation]
    return {
        "profile": profile,
        "faults": len(faults),
        "conforming": len(targets) - len(faults),
        "judges": {
            name: {
                "caught": len(one.caught),
                "accused": sorted(one.false_alarms),
                "requests": one.requests,
                "seconds": round(one.seconds, 1),
                "cpu_seconds": round(one.cpu, 1),
                "missed": sorted(set(faults) - one.caught),
            }
            for name, one in scores.items()
        },
        "missed_by_us": {
            name: {judge: sorted(ones[name].names) for judge, ones in found.items() if judge != OURS}
            for name in sorted(by_peer - scores[OURS].caught)
        },
        "caught_by_us_alone": sorted(scores[OURS].caught - by_peer),
    }


def text(document: Mapping[str, Any]) -> str:
    """The figures as text."""
    faults, conforming = document["faults"], document["conforming"]
    judges = document["judges"]
    width = max(map(len, judges))
    each = faults + conforming
    lines = [f"{document['profile']}: {faults} faulty deployments, {conforming} conforming ones", ""]
    lines += [
        f"{'':{width}}  {'caught':>14}  {'false alarms':>12}  {'requests':>8}  {'each':>5}  {'seconds':>8}  {'each':>5}"
        f"  {'CPU s':>8}  {'each':>5}"
    ]
    for name, one in judges.items():
        share = f"{one['caught']} ({one['caught'] / max(1, faults):.0%})"
        cells = f"{share:>14}  {len(one['accused']):>12}  {one['requests']:>8}  {one['requests'] / each:>5.0f}"
        lines.append(
            f"{name:{width}}  {cells}  {one['seconds']:>8}  {one['seconds'] / each:>5.1f}"
            f"  {one['cpu_seconds']:>8}  {one['cpu_seconds'] / each:>5.1f}"
        )
    lines += ["", f"caught by chat-conformance alone: {len(document['caught_by_us_alone'])}"]
    lines += [f"  {name}" for name in document["caught_by_us_alone"]]
    lines += [f"caught by another tool alone: {len(document['missed_by_us'])}"]
    lines += [f"  {name}: {findings}" for name, findings in document["missed_by_us"].items()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
