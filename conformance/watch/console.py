"""The lines that a watch prints: what is chosen and why, what a run found, and what has changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conformance.quoting import log_line
from conformance.report.quantities import counted, listed
from conformance.watch.drift import Drift
from conformance.watch.entry import Choice, Entry
from conformance.watch.tracker import Tracker
from conformance.watch.turns import Turns


def choice_lines(name: str, choice: Choice, turns: Turns) -> Iterator[str]:
    """What is judged today, at which cost, and why."""
    cost = f", at most {counted(choice.requests, 'request')} and {counted(choice.tokens, 'completion token')}"
    yield log_line(f"{name}: {choice.name}{cost if choice.requests else ''}: {choice.why}.")
    if turns.too_dear:
        yield log_line(f"{name}: no day has the budget for {listed(turns.too_dear)}.")


def run_line(name: str, entry: Entry) -> str:
    """What a run came to, in a line."""
    cost = f"{counted(entry.cost.requests, 'request')}, {counted(entry.cost.tokens, 'completion token')}"
    return log_line(f"{name}: {entry.day}, {entry.choice.name}: {entry.verdict}; {cost}.")


def drift_lines(name: str, drift: Sequence[Drift], tracker: Tracker) -> Iterator[str]:
    """What the last run has confirmed, and what it leaves open."""
    for one in drift:
        why = f" {one.confirmed_by[:1].upper()}{one.confirmed_by[1:]}." if one.confirmed_by else ""
        yield log_line(f"{name}: DRIFT {one.sentence}{why}")
    if tracker.suspected:
        yield log_line(
            f"{name}: broken today, and usually kept: {listed(tracker.suspected)}; further runs will confirm it or not."
        )
    if not drift and not tracker.suspected:
        yield log_line(f"{name}: nothing has changed.")
    if tracker.facts.restless:
        yield log_line(f"{name}: changes all the time, and is not watched: {listed(tracker.facts.restless)}.")
