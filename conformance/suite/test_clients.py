"""Other clients: SDKs, browsers, proxies and old programs, which send the same request in another shape."""

from __future__ import annotations

from collections.abc import Container, Sequence

from conformance.probes import Probe
from conformance.probes.access import ORIGIN
from conformance.probes.clients import UNKNOWN_QUERY
from conformance.probes.in_turn import HEAD_IN_TURN
from conformance.quoting import quoted
from conformance.suite.answer_judging import (
    CLIENT_ERRORS,
    expect_probes_served_or_refused,
    judge_served,
    planned,
)
from conformance.suite.expect import CannotTell, DoesNotApply, Expect, NotTestable
from conformance.suite.health import PLAINEST
from conformance.suite.marks import requirement
from conformance.suite.observations import Answered, Observations, status_of
from conformance.suite.obstacles import worst
from conformance.suite.request_judging import require_baseline

SDKS = ("client/python-sdk", "client/node-sdk", "client/no-user-agent", "client/any-accept", "client/coding-*")
OLD_CLIENTS = ("client/http-1.0", "client/http-1.0-stream")
ALLOW_ORIGIN, ALLOW_HEADERS = "Access-Control-Allow-Origin", "Access-Control-Allow-Headers"
VALID_HTTP = ("completion/*", "stream/*", "error/*", "access/*")
"""Requests that are valid as HTTP, and reach more than the parser of a server."""
SWITCHING_PROTOCOLS, NOT_IMPLEMENTED = 101, 501


def _judge_each(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    """Expect a completion for each probe, each for its own reason; where the smallest request is served."""
    require_baseline(observations)
    obstacles: list[Exception] = []
    for probe in probes:
        try:
            judge_served([probe], observations, expect, f"a completion for {probe.about}")
        except (NotTestable, CannotTell, DoesNotApply) as obstacle:
            obstacles.append(obstacle)
    if not expect.judged:
        raise obstacles[0]


@requirement("request.as-official-clients", *SDKS, PLAINEST)
def test_a_request_is_served_whoever_writes_it(observations: Observations, expect: Expect) -> None:
    _judge_each(planned(SDKS, observations), observations, expect)


@requirement("request.stream-as-official-clients", "client/python-sdk-stream", "stream/plain")
def test_a_stream_comes_whatever_is_accepted(observations: Observations, expect: Expect) -> None:
    for _ in observations.usable(observations.matching(["stream/plain"]), observations.stream):
        break  # what comes of it only means something where a stream comes at all
    answered, obstacles = observations.due(planned(["client/python-sdk-stream"], observations))
    for one in answered:
        declared = one.answer.header("content-type")
        actual = f"{status_of(one)}, Content-Type: {quoted(declared)}"
        expected = f"an event stream for {one.probe.about}"
        expect(observations.served(one), one.id, expected=expected, actual=actual)
    expect.missing_answers("an event stream", obstacles)
    if not expect.judged:
        raise worst(obstacles)


@requirement("request.field-names-any-case", "client/*-case-fields", PLAINEST)
def test_field_names_are_read_in_any_case(observations: Observations, expect: Expect) -> None:
    _judge_each(planned(["client/*-case-fields"], observations), observations, expect)


@requirement("request.upgrade-ignored", "client/h2c-upgrade", PLAINEST)
def test_an_offer_to_upgrade_breaks_nothing(observations: Observations, expect: Expect) -> None:
    answered, obstacles = observations.answers(planned(["client/h2c-upgrade"], observations))
    for one in answered:
        status = one.answer.status
        kept = observations.served(one) or status == SWITCHING_PROTOCOLS or status in CLIENT_ERRORS
        expected = f"a completion, 101 or a 4xx refusal for {one.probe.about}"
        expect(kept, one.id, expected=expected, actual=status_of(one))
    expect.missing_answers("an answer", obstacles)
    if not expect.judged:
        raise worst(obstacles)


@requirement("request.query-ignored", "client/unknown-query", PLAINEST)
def test_an_unknown_query_changes_nothing(observations: Observations, expect: Expect) -> None:
    require_baseline(observations)
    answered, obstacles = observations.answers(planned(["client/unknown-query"], observations))
    for one in answered:
        if one.answer.status in (400, 422):
            raise DoesNotApply(f"{one.id}: the target refuses what it does not know in the query, and says so")
        expected = f"a completion for {one.probe.about}, or a refusal (400) that says so"
        expect(observations.served(one), one.id, expected=expected, actual=status_of(one))
    expect.missing_answers(f"an answer to a request with ?{UNKNOWN_QUERY}", obstacles)
    if not expect.judged:
        raise worst(obstacles)


@requirement("request.coded-body", "client/gzip-body", PLAINEST)
def test_a_coded_body_is_served_or_refused(observations: Observations, expect: Expect) -> None:
    expect_probes_served_or_refused(["client/gzip-body"], observations, expect)


@requirement("request.preflight-answered", "client/preflight", PLAINEST)
def test_a_preflight_is_answered(observations: Observations, expect: Expect) -> None:
    answered, obstacles = observations.answers(planned(["client/preflight"], observations))
    for one in answered:
        # 501 is the due answer of a server that does not know the method at all (RFC 9110 section 15.6.2).
        kept = one.answer.status < 500 or one.answer.status == NOT_IMPLEMENTED
        expected = "an answer to OPTIONS without a server error"
        expect(kept, one.id, expected=expected, actual=status_of(one))
    expect.missing_answers("an answer to OPTIONS", obstacles)
    if not expect.judged:
        raise worst(obstacles)


@requirement("access.preflight", "client/preflight")
def test_a_preflight_allows_what_a_request_needs(answers: Sequence[Answered], expect: Expect) -> None:
    for one in answers:
        origin = (one.answer.header(ALLOW_ORIGIN) or "").strip()
        if not 200 <= one.answer.status < 300 or origin not in ("*", ORIGIN["Origin"]):
            raise DoesNotApply(f"{one.id}: no page of another origin may send requests")
        declared = one.answer.header(ALLOW_HEADERS)
        allowed = {name.strip().lower() for name in (declared or "").split(",")}
        asked = dict(one.exchange.request.headers)["Access-Control-Request-Headers"].split(",")
        due = [name for name in asked if not name.startswith("x-stainless-")]
        lacking = [name for name in due if not _is_allowed(name, allowed)]
        expect(
            not lacking,
            one.id,
            expected=f"{ALLOW_HEADERS} with {' and '.join(due)}, since the origin is allowed",
            actual=f"none of {', '.join(lacking)}: {quoted(declared)}" if declared is not None else "no such field",
        )


def _is_allowed(name: str, allowed: Container[str]) -> bool:
    """Whether a preflight that allows these fields allows this one: `*` stands for all but Authorization (Fetch)."""
    return name in allowed or ("*" in allowed and name != "authorization")


@requirement("transport.head-bodiless", HEAD_IN_TURN)
def test_an_answer_to_head_has_no_body(answers: Sequence[Answered], expect: Expect) -> None:
    for one in answers:
        body = one.answer.body
        actual = f"{len(body)} bytes: {quoted(body)}"
        expect(not body, one.id, expected="nothing behind the header of an answer to HEAD", actual=actual)


@requirement("transport.old-clients", *OLD_CLIENTS)
def test_no_old_client_gets_chunks(answers: Sequence[Answered], expect: Expect) -> None:
    for one in answers:
        coding = one.answer.header("transfer-encoding")
        actual = f"{status_of(one)}, Transfer-Encoding: {quoted(coding)}"
        expected = f"no Transfer-Encoding in the answer to {one.probe.about}"
        expect(coding is None, one.id, expected=expected, actual=actual)


@requirement("transport.date", *VALID_HTTP)
def test_an_answer_has_a_date(answers: Sequence[Answered], expect: Expect) -> None:
    for one in answers:
        if 200 <= one.answer.status < 500:
            dated = one.answer.header("date") is not None
            expect(dated, one.id, expected="a Date header field", actual=f"{status_of(one)} without one")
    if not expect.judged:
        raise DoesNotApply("no answer has a status from 200 to 499")
