"""Robustness under load: large bodies, far too many choices, bursts; only the load tier sends them."""

from __future__ import annotations

from conformance.contract.model import Level
from conformance.quoting import quoted
from conformance.suite.answer_judging import expect_own_ids, expect_probes_served, expect_probes_served_or_refused
from conformance.suite.cross_talk import answer_texts, foreign_canaries
from conformance.suite.expect import Expect
from conformance.suite.health import ids_in_bodies, judge_health
from conformance.suite.marks import requirement
from conformance.suite.observations import Observations
from conformance.suite.readers import Readers


@requirement("robustness.large-body", "load/body-of-*", "completion/plain")
def test_a_large_body_is_served_or_refused_in_the_error_format(
    observations: Observations, readers: Readers, expect: Expect
) -> None:
    expect_probes_served_or_refused(["load/body-of-*"], observations, expect)
    answered, _ = observations.answers(observations.matching(["load/body-of-*"]))
    for one in answered:
        if not 400 <= one.answer.status < 500:
            continue
        reading = observations.error_reading(one.exchange)
        if not reading.is_readable:
            actual = f"{reading.problem}: {quoted(reading.body)}"
            expect(False, one.id, expected="an error as one JSON document", actual=actual)
            continue
        for deviation in readers.envelope_deviations(one.answer.status, reading.value, Level.MUST):
            expect(False, one.id, expected="the error object of the contract", actual=deviation)


@requirement("robustness.many-choices", "load/many-choices", "completion/plain")
def test_a_million_choices_are_refused(observations: Observations, expect: Expect) -> None:
    expect_probes_served_or_refused(["load/many-choices"], observations, expect)


@requirement("robustness.burst", "load/burst-*")
def test_a_burst_is_served(observations: Observations, expect: Expect) -> None:
    served = expect_probes_served(["load/burst-*"], observations, expect)
    expect_own_ids(ids_in_bodies(served, observations), expect)
    for one, canary, owner in foreign_canaries(answer_texts(served, observations)):
        actual = f"{quoted(canary)}, which only the request {owner} has"
        expect(False, one.answered.id, expected="an answer to its own request", actual=actual)


@requirement("robustness.healthy-after-load", "load/health-after-*", "load/body-*", "load/many-choices", "load/burst-*")
def test_a_plain_request_is_served_after_the_load(observations: Observations, expect: Expect) -> None:
    loading = ("load/body-*", "load/many-choices", "load/burst-*")
    judge_health(
        ["load/health-after-*"], [probe.name for probe in observations.matching(loading)], observations, expect
    )
