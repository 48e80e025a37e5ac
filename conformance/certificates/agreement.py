"""Whether runs agree: of one deployment, by one contract, with the same outcome for each MUST, and each made anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import combinations, pairwise

from conformance.certificates.application import ShownRun
from conformance.certificates.policy import Policy
from conformance.certificates.refusals import Reason, Refusal
from conformance.quoting import one_line
from conformance.report.quantities import counted, listed

_MOST_ALIKE = 0.5
"""Of two runs, which share of the completions may be the same bytes: each has an id and a time of its own."""
_ROUNDING = timedelta(seconds=1)
"""A start has whole seconds, so that it may lie before the end of what ended before it."""
_LONGEST = 200


def disagreements(runs: Sequence[ShownRun], policy: Policy) -> Iterator[Refusal]:
    """Each way in which runs, in the order in which they started, are not several agreeing ones."""
    first = runs[0] if runs else None
    for run in runs[1:]:
        assert first is not None
        for sentence in _differences(first, run):
            yield Refusal(Reason.RUNS_DISAGREE, f"{_names(first, run)} {sentence}")
    for one, other in combinations(runs, 2):
        same = _sameness(one, other)
        if same is not None:
            yield Refusal(Reason.ONE_RUN_TWICE, f"{_names(one, other)} {same}")
    for one, other in pairwise(runs):
        if _sameness(one, other) is None and other.started_at < max(
            one.ended_at - _ROUNDING, one.started_at + policy.apart
        ):
            at_least = f"at least {round(policy.apart.total_seconds() / 60)} min apart, and one after the other"
            yield Refusal(
                Reason.RUNS_TOO_CLOSE,
                f"{_names(one, other)} started at {one.facts.started} and {other.facts.started}; the policy demands"
                f" runs that start {at_least}.",
            )


def _differences(one: ShownRun, other: ShownRun) -> Iterator[str]:
    mine, theirs = one.facts, other.facts
    if (mine.base_url, mine.model, mine.parameters) != (theirs.base_url, theirs.model, theirs.parameters):
        yield f"are of different targets: {_target(one)} and {_target(other)}."
    if mine.scope != theirs.scope or mine.release_sha256 != theirs.release_sha256:
        yield f"are of different scopes: {one_line(mine.about, _LONGEST)} and {one_line(theirs.about, _LONGEST)}."
    elif mine.outcomes != theirs.outcomes:
        ids = sorted(mine.outcomes.keys() | theirs.outcomes.keys())
        differing = [
            f"{row} ({mine.outcomes.get(row, 'missing')}, {theirs.outcomes.get(row, 'missing')})"
            for row in ids
            if mine.outcomes.get(row) != theirs.outcomes.get(row)
        ]
        yield f"have other outcomes for {counted(len(differing), 'MUST requirement')}: {listed(differing, 5)}."


def _sameness(one: ShownRun, other: ShownRun) -> str | None:
    """Why two bundles show one and the same run; None where they do not."""
    mine, theirs = one.facts, other.facts
    if one.bundle_sha256 == other.bundle_sha256:
        return "are the same bundle."
    if mine.evidence_sha256 == theirs.evidence_sha256:
        return "hold the same evidence."
    alike = len(set(mine.answers) & set(theirs.answers))
    fewer = min(len(set(mine.answers)), len(set(theirs.answers)))
    if fewer and alike / fewer > _MOST_ALIKE:
        return (
            f"have {alike} of {fewer} completions in common, byte for byte; answers of two runs differ in id and time."
        )
    return None


def _target(run: ShownRun) -> str:
    facts = run.facts
    parts = [
        facts.base_url,
        facts.model or "no model",
        *(f"{name}={value}" for name, value in facts.parameters.items()),
    ]
    return one_line(", ".join(parts), _LONGEST)


def _names(one: ShownRun, other: ShownRun) -> str:
    return f"{one_line(one.name, _LONGEST)} and {one_line(other.name, _LONGEST)}"
