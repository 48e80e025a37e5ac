"""Errors: what a target says when it refuses a request for load, if that happens in the run."""

from __future__ import annotations

from conformance.quoting import quoted
from conformance.suite.expect import DoesNotApply, Expect
from conformance.suite.load import header, is_retry_after, refused_for_load
from conformance.suite.marks import requirement
from conformance.suite.observations import Observations
from conformance.suite.readers import Readers

ANY_LOAD = ("completion/*", "error/*", "access/*")


@requirement("error.load-envelope", *ANY_LOAD)
def test_a_refusal_for_load_has_the_envelope(observations: Observations, readers: Readers, expect: Expect) -> None:
    for exchange in refused_for_load(observations):
        assert exchange.answer is not None
        reading = observations.error_reading(exchange)
        deviations = (
            readers.envelope_deviations(exchange.answer.status, reading.value, expect.requirement.level)
            if reading.is_readable
            else ["the body is not JSON"]
        )
        actual = f"{'; '.join(deviations[:3])}: {quoted(exchange.answer.body)}"
        expected = f"the contract's error object with status {exchange.answer.status}"
        expect(not deviations, exchange.id, expected=expected, actual=actual)


@requirement("error.retry-after", *ANY_LOAD)
def test_retry_after_is_a_time(observations: Observations, expect: Expect) -> None:
    given = [(one, value) for one in refused_for_load(observations) if (value := header(one, "retry-after"))]
    if not given:
        raise DoesNotApply("no answer has a Retry-After header field")
    for exchange, value in given:
        actual = f"Retry-After: {quoted(value)}"
        expect(is_retry_after(value), exchange.id, expected="a number of seconds, or an HTTP date", actual=actual)


@requirement("error.retry-after-exposed", *ANY_LOAD)
def test_retry_after_can_be_read_by_a_page(observations: Observations, expect: Expect) -> None:
    given = [
        one
        for one in refused_for_load(observations)
        if header(one, "retry-after") and header(one, "access-control-allow-origin")
    ]
    if not given:
        raise DoesNotApply("no answer to another origin has a Retry-After header field")
    for exchange in given:
        exposed = (header(exchange, "access-control-expose-headers") or "").lower()
        names = {name.strip() for name in exposed.split(",")}
        actual = f"Access-Control-Expose-Headers: {quoted(exposed)}" if exposed else "no such header field"
        expected = "Access-Control-Expose-Headers with Retry-After"
        expect(bool(names & {"*", "retry-after"}), exchange.id, expected=expected, actual=actual)
