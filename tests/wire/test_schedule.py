"""Which probes of a plan go side by side."""

from __future__ import annotations

from conformance.contract.model import Tier
from conformance.probes import Intent, Probe
from conformance.probes.script import HEAD, Script, await_continue
from conformance.probes.waves import HOSTILE, LAST, MALFORMED
from conformance.wire.schedule import chains, waves


def probe(name: str, intent: Intent = Intent.SERVED, **fields: object) -> Probe:
    return Probe(name, "", intent, **fields)  # type: ignore[arg-type] # any field of a probe


def refused(*names: str, **fields: object) -> list[Probe]:
    return [probe(name, Intent.REFUSED, **fields) for name in names]


def names_of(probes: list[Probe]) -> list[list[str]]:
    return [[one.name for one in wave] for wave in waves(probes)]


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
