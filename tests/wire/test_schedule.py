"""Which probes of a plan go side by side."""

from __future__ import annotations

from conformance.contract.model import Tier
from conformance.probes import Intent, Probe
from conformance.probes.script import HEAD, Script, await_continue
from conformance.probes.waves import HOSTILE, LAST, LONG_ANSWERS, LONG_PROMPTS, MALFORMED
from conformance.wire.schedule import chains, waves

SLOTS = 4


def probe(name: str, intent: Intent = Intent.SERVED, **fields: object) -> Probe:
    return Probe(name, "", intent, **fields)  # type: ignore[arg-type] # any field of a probe


def refused(*names: str, **fields: object) -> list[Probe]:
    return [probe(name, Intent.REFUSED, **fields) for name in names]


def names_of(probes: list[Probe]) -> list[list[str]]:
    return [[one.name for one in wave] for wave in waves(probes, SLOTS)]


def test_a_turn_that_would_not_be_full_goes_beside_the_long_answers() -> None:
    plan = [*refused("a", "b", "c", "d", "e"), probe("f"), probe("long", wave=LONG_ANSWERS)]
    assert names_of(plan) == [["a", "b", "c", "f"], ["long", "d", "e"]]


def test_only_what_no_model_works_on_goes_beside_the_long_answers() -> None:
    kept = [*refused("smoke", tier=Tier.SMOKE), *refused("kept", connection="kept"), *refused("slow", script=Script())]
    plan = [*kept, probe("a"), probe("b"), *refused("c"), probe("long", wave=LONG_ANSWERS)]
    assert names_of(plan) == [["smoke", "kept", "slow", "a", "b"], ["long", "c"]]


def test_nothing_is_moved_where_the_long_answers_leave_no_room() -> None:
    long = [probe(f"long-{number}", wave=LONG_ANSWERS) for number in range(SLOTS)]
    assert names_of([*refused("a"), *long])[0] == ["a"]


def test_nothing_goes_beside_long_prompts() -> None:
    plan = [*refused("a", "b", "c", "d", "e"), probe("prompt", wave=LONG_PROMPTS)]
    assert names_of(plan) == [["a", "b", "c", "d", "e"], ["prompt"]]


def test_hostile_requests_go_together_where_no_plain_one_follows_each() -> None:
    hostile = [*refused("cut", wave=MALFORMED), *refused("nested", wave=HOSTILE)]
    assert names_of([*hostile, probe("health", wave=LAST)]) == [["cut", "nested"], ["health"]]


def test_hostile_requests_go_apart_in_the_exhaustive_tier() -> None:
    health = probe("after", wave=MALFORMED + 1, tier=Tier.EXHAUSTIVE)
    hostile = [*refused("cut", wave=MALFORMED), health, *refused("nested", wave=HOSTILE)]
    assert names_of(hostile) == [["cut"], ["after"], ["nested"]]


def test_what_waits_twice_begins_before_what_waits_once() -> None:
    waiting = probe("waiting", script=Script((HEAD, await_continue(1.0))))
    assert chains([probe("once"), waiting])[0] == [waiting]
