"""Chooses what a day's run judges, so that it fits into the day's budget: a whole tier, or its parts by turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from conformance.report.quantities import counted
from conformance.watch.costs import Costs, Planned
from conformance.watch.entry import Choice
from conformance.watch.errors import WatchError


@dataclass(frozen=True, slots=True)
class Budget:
    """What a target may cost on a day; None where that is not bounded."""

    requests: int | None = None
    tokens: int | None = None
    """Completion tokens."""

    def fits(self, planned: Planned) -> bool:
        """Whether so much may be spent."""
        return (self.requests is None or planned.requests <= self.requests) and (
            self.tokens is None or planned.tokens <= self.tokens
        )

    def less(self, requests: int, tokens: int) -> Budget:
        """What is left once so much was spent."""
        return Budget(
            None if self.requests is None else max(self.requests - requests, 0),
            None if self.tokens is None else max(self.tokens - tokens, 0),
        )

    @property
    def words(self) -> str:
        """The budget in words."""
        bounds = [] if self.requests is None else [counted(self.requests, "request")]
        bounds += [] if self.tokens is None else [counted(self.tokens, "completion token")]
        return " and ".join(bounds) or "no budget"


NO_BUDGET: Final = Budget()


@dataclass(frozen=True, slots=True)
class Turns:
    """What is judged by turns, and the requirements for which the budget of a day is never enough."""

    choices: tuple[Choice, ...]
    too_dear: tuple[str, ...] = ()

    def of(self, runs: int) -> Choice:
        """The choice after so many runs."""
        return self.choices[runs % len(self.choices)]


def turns_of(wanted: Costs, smoke: Costs | None, budget: Budget) -> Turns:
    """The turns for the wanted tier; `smoke` are the costs of the smoke tier, where another one is wanted.

    Where the wanted tier does not fit, the smoke tier has every other turn, so that what most depends on is seen often
    and has a verdict; the others go through the parts of the wanted tier.

    Raises:
        WatchError: nothing at all fits.
    """
    whole = wanted.whole
    if budget.fits(whole):
        return Turns((_choice(wanted, whole, (), (1, 1), f"the whole {wanted.tier.value} tier fits", budget),))
    parts, too_dear = _parts(wanted, budget)
    of_parts = [
        _choice(
            wanted,
            wanted.of(part),
            part,
            (number, len(parts)),
            f"the {wanted.tier.value} tier may cost {_words(whole)}; its {len(parts)} parts take turns",
            budget,
        )
        for number, part in enumerate(parts, start=1)
    ]
    usual = _of_smoke(smoke, whole, wanted, budget)
    choices = [one for part in of_parts for one in (*usual, part)] or usual
    if not choices:
        raise WatchError(
            f"the budget of {budget.words} a day is not enough for any requirement of the {wanted.tier.value} tier;"
            f" the smallest run may cost {_words(min(_alone(wanted), key=lambda one: one.requests))}."
        )
    return Turns(tuple(choices), too_dear)


def _of_smoke(smoke: Costs | None, whole: Planned, wanted: Costs, budget: Budget) -> list[Choice]:
    if smoke is None or not budget.fits(smoke.whole):
        return []
    why = f"the {wanted.tier.value} tier may cost {_words(whole)}; the smoke tier has every other turn"
    return [_choice(smoke, smoke.whole, (), (1, 1), why, budget)]


def _parts(costs: Costs, budget: Budget) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """Parts that fit, each requirement in the one that it makes least dearer, and what fits into none."""
    parts: list[list[str]] = []
    too_dear: list[str] = []
    alone = {row: costs.of((row,)) for row in costs.needs}
    for row in sorted(costs.needs, key=lambda one: (-alone[one].requests, -alone[one].tokens)):
        if not budget.fits(alone[row]):
            too_dear.append(row)
            continue
        grown = [(costs.of((*part, row)), costs.of(part), part) for part in parts]
        fitting = [(after.requests - before.requests, part) for after, before, part in grown if budget.fits(after)]
        if fitting:
            min(fitting, key=lambda one: one[0])[1].append(row)
        else:
            parts.append([row])
    order = {row: number for number, row in enumerate(costs.needs)}
    return [tuple(sorted(part, key=order.__getitem__)) for part in parts], tuple(
        sorted(too_dear, key=order.__getitem__)
    )


def _choice(
    costs: Costs, planned: Planned, only: Sequence[str], part: tuple[int, int], why: str, budget: Budget
) -> Choice:
    number, parts = part
    told = f"{why} (budget of a day: {budget.words})"
    return Choice(costs.tier.value, tuple(only), number, parts, planned.requests, planned.tokens, told)


def _words(planned: Planned) -> str:
    return f"{counted(planned.requests, 'request')} and {counted(planned.tokens, 'completion token')}"


def _alone(costs: Costs) -> list[Planned]:
    return [costs.of((row,)) for row in costs.needs] or [Planned()]
