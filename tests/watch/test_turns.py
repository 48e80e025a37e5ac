"""A day's run fits into the day's budget: the whole tier, or smoke and the parts of the tier by turns."""

from __future__ import annotations

import random

import pytest

from conformance.contract.model import Tier
from conformance.watch.costs import Costs, Planned
from conformance.watch.errors import WatchError
from conformance.watch.turns import Budget, turns_of

NONE = Planned()


def costs(tier: Tier, needs: dict[str, set[str]], *dear: str) -> Costs:
    probes = {probe for one in needs.values() for probe in one}
    priced = {probe: Planned(5 if probe in dear else 1, 100) for probe in probes}
    return Costs(tier, {row: frozenset(one) for row, one in needs.items()}, priced, NONE)


STANDARD = costs(
    Tier.STANDARD, {"a.a": {"p"}, "b.b": {"p", "q"}, "c.c": {"r"}, "d.d": {"s", "t"}, "e.e": {"dear"}}, "dear"
)
SMOKE = costs(Tier.SMOKE, {"a.a": {"p"}})


def test_what_fits_is_judged_as_a_whole_every_day() -> None:
    (choice,) = turns_of(STANDARD, SMOKE, Budget(requests=10)).choices
    assert (choice.tier, choice.only, choice.requests) == ("standard", (), 10)
    assert "fits" in choice.why


def test_what_does_not_fit_takes_turns_with_the_smoke_tier_between_them() -> None:
    turns = turns_of(STANDARD, SMOKE, Budget(requests=5))
    assert [one.tier for one in turns.choices] == ["smoke", "standard"] * 2
    assert sorted(row for one in turns.choices for row in one.only) == ["a.a", "b.b", "c.c", "d.d", "e.e"]
    assert all(one.requests <= 5 for one in turns.choices)
    assert turns.of(0) == turns.of(len(turns.choices))
    assert "may cost 10 requests and 600 completion tokens" in turns.of(1).why


def test_requirements_that_share_their_requests_share_a_part() -> None:
    parts = [set(one.only) for one in turns_of(STANDARD, None, Budget(requests=2)).choices]
    assert {"a.a", "b.b"} in parts


def test_what_no_day_has_the_budget_for_is_named() -> None:
    assert turns_of(STANDARD, None, Budget(tokens=100)).too_dear == ("b.b", "d.d")
    assert turns_of(STANDARD, SMOKE, Budget(requests=4)).too_dear == ("e.e",)


def test_a_budget_for_nothing_is_told_in_one_sentence() -> None:
    with pytest.raises(WatchError, match=r"the budget of 1 completion token a day is not enough .* may cost 1 request"):
        turns_of(STANDARD, None, Budget(tokens=1))


@pytest.mark.parametrize("seed", range(20))
def test_every_requirement_has_its_turn_and_no_turn_is_too_dear(seed: int) -> None:
    drawn = random.Random(seed)
    needs = {f"r.{row}": {f"p{drawn.randrange(40)}" for _ in range(drawn.randrange(1, 6))} for row in range(60)}
    budget = Budget(requests=drawn.randrange(3, 15), tokens=drawn.randrange(300, 1500))
    turns = turns_of(costs(Tier.STANDARD, needs), None, budget)
    judged = [row for one in turns.choices for row in one.only]
    assert sorted([*judged, *turns.too_dear]) == sorted(needs)
    assert all(budget.fits(Planned(one.requests, one.tokens)) for one in turns.choices)
