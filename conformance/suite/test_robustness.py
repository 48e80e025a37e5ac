"""Robustness: what a deployment survives without harm to others."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.suite.expect import Expect
from conformance.suite.marking import requirement
from conformance.suite.observations import Answered, Observations
from conformance.suite.showing import shown, status_of

HOSTILE = ("robustness/deep-nesting", "robustness/huge-number", "robustness/hang-up", "error/json-*")


@requirement("robustness.hostile-input", "robustness/deep-nesting", "robustness/huge-number")
def test_hostile_input_breaks_nothing(observations: Observations, expect: Expect) -> None:
    answered, obstacles = observations.answers(observations.matching(["robustness/deep-*", "robustness/huge-*"]))
    for one in answered:
        expect(
            observations.served(one) or 400 <= one.answer.status < 500,
            one.id,
            expected=f"a completion or a 4xx refusal for {one.probe.about}",
            actual=status_of(one),
        )
    expect.answers("an answer", obstacles)


@requirement("robustness.healthy-afterwards", "robustness/at-once-0", *HOSTILE)
def test_a_plain_request_is_served_afterwards(observations: Observations, expect: Expect) -> None:
    _all_served(["robustness/at-once-0"], observations, expect)


@requirement("robustness.at-once", "robustness/at-once-*")
def test_requests_at_once_are_each_served(observations: Observations, expect: Expect) -> None:
    served = _all_served(["robustness/at-once-*"], observations, expect)
    first: dict[object, str] = {}
    for one in served:
        given = observations.completion_reading(one.exchange).object.get("id")
        if isinstance(given, str):
            other = first.setdefault(given, one.id)
            actual = f"{shown(given)}, which {other} has too"
            expect(other == one.id, one.id, expected="an id of its own", actual=actual)


@requirement("robustness.connection-reuse", "robustness/*-on-connection")
def test_a_second_request_on_a_connection_is_served(observations: Observations, expect: Expect) -> None:
    _all_served(["robustness/*-on-connection"], observations, expect)


def _all_served(patterns: Sequence[str], observations: Observations, expect: Expect) -> list[Answered]:
    answered, obstacles = observations.answers(observations.matching(patterns))
    for one in answered:
        expect(
            observations.served(one),
            one.id,
            expected=f"a completion for {one.probe.about}",
            actual=status_of(one),
        )
    expect.answers("a completion", obstacles)
    return [one for one in answered if observations.served(one)]
