"""Robustness of reading requests: bodies in pieces, in chunks, cut, after 100 (Continue); odd and hostile headers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from conformance.probes import Probe
from conformance.probes.canaries import INJECTED_FIELD
from conformance.probes.script import StepKind
from conformance.suite.answer_judging import expect_probes_served, expect_probes_served_or_refused
from conformance.suite.expect import CannotTell, DoesNotApply, Expect, NotSent
from conformance.suite.health import PLAINEST, hangs, sent_exchange
from conformance.suite.marks import requirement
from conformance.suite.observations import Answered, Observations, status_of
from conformance.suite.obstacles import worst
from conformance.wire import Answer, EndKind, Exchange

EXPECTATION_FAILED = 417
_INTERIM = re.compile(rb"HTTP/[0-9.]+ 100\b")
_INJECTED = re.compile(rb"\n" + INJECTED_FIELD.encode() + rb"[ \t]*:", re.IGNORECASE)
_GONE = frozenset({EndKind.CLOSED, EndKind.RESET, EndKind.TRUNCATED})
"""How an exchange ends when a target refuses a request without an answer."""


@requirement("robustness.upload-in-pieces", "robustness/slow-upload", "robustness/expect-continue")
def test_a_body_in_pieces_is_read_to_its_end(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    for one in answers:
        if one.answer.status >= 500 and _expects_continue(one.exchange):
            continue  # it is the expectation that it fails at, of which robustness.expect-continue speaks
        # A target that did not ask for the body did not read it in pieces, and may not know of the expectation.
        wanted = _sent_whole(one.exchange) and _was_asked_for_body(one.exchange)
        if (wanted and one.answer.status != EXPECTATION_FAILED) or observations.served(one) or _was_cut_short(one):
            expected = f"a completion for {one.probe.about}"
            expect(observations.served(one), one.id, expected=expected, actual=status_of(one))
    _, obstacles = observations.answers(observations.matching(["robustness/slow-upload"]))
    expect.missing_answers("a completion", obstacles)
    if not expect.judged and not obstacles:
        raise DoesNotApply(f"{answers[0].id}: the target did not ask for the body that is sent in pieces")


@requirement("robustness.expect-continue", "robustness/expect-*", PLAINEST)
def test_an_expectation_is_met_without_waiting_for_the_body(observations: Observations, expect: Expect) -> None:
    obstacles = []
    for probe in observations.asked(["robustness/expect-*"]):
        exchange, found = observations.exchange_of(probe.name), observations.outcome_of(probe)
        if exchange is not None and hangs(exchange, observations):
            actual = f"{'100 (Continue), but ' if _INTERIM.match(exchange.head) else ''}no answer in time"
            expect(False, exchange.id, expected="100 (Continue) or a final answer", actual=actual)
        elif not isinstance(found, Answered):
            obstacles.append(found)
        elif found.answer.http_version == "HTTP/1.0":
            # RFC 9110 section 10.1.1 binds HTTP/1.1 servers; older ones have no interim responses.
            obstacles.append(DoesNotApply(f"{found.id}: the answer is HTTP/1.0, which has no 100 (Continue)"))
        else:
            expect(
                _was_asked_for_body(found.exchange) and (observations.served(found) or _refused(found)),
                found.id,
                expected="100 (Continue), then a completion; or a 4xx such as 417, at once",
                actual=_heard(found),
            )
    if not expect.judged:
        raise worst([*obstacles, NotSent("no request expected 100 (Continue)")])


def _heard(answered: Answered) -> str:
    """What a request with an expectation was answered with, and whether the body had to be sent first."""
    got = status_of(answered)
    return got if _was_asked_for_body(answered.exchange) else f"neither until the body was sent; then {got}"


def _was_cut_short(answered: Answered) -> bool:
    """Whether a body that was sent without asking was called invalid before all of it had been sent."""
    kinds = [step.kind for step in answered.exchange.request.steps]
    found_wrong = answered.answer.status in {400, 422} or answered.answer.status >= 500
    return found_wrong and StepKind.AWAIT_CONTINUE not in kinds and not _sent_whole(answered.exchange)


def _was_asked_for_body(exchange: Exchange) -> bool:
    """Whether an answer, interim or final, came before the body was sent, or the body was not meant to wait for one."""
    kinds = [step.kind for step in exchange.request.steps]
    return not _expects_continue(exchange) or StepKind.BODY not in kinds or _INTERIM.match(exchange.head) is not None


def _expects_continue(exchange: Exchange) -> bool:
    return any(step.kind is StepKind.AWAIT_CONTINUE for step in exchange.request.steps)


def _refused(answered: Answered) -> bool:
    return 400 <= answered.answer.status < 500


@requirement("robustness.chunked-request", "robustness/chunked", PLAINEST)
def test_a_chunked_body_is_served_or_refused(observations: Observations, expect: Expect) -> None:
    expect_probes_served_or_refused(["robustness/chunked"], observations, expect)


@requirement("robustness.chunk-extensions", "robustness/chunked", "robustness/chunk-extensions", PLAINEST)
def test_unknown_chunk_extensions_are_ignored(observations: Observations, expect: Expect) -> None:
    plain, _ = observations.answers(observations.asked(["robustness/chunked"]))
    if not any(map(observations.served, plain)):
        raise DoesNotApply("the target does not serve bodies in the chunked coding")
    expect_probes_served(["robustness/chunk-extensions"], observations, expect)


@requirement("robustness.body-sizes", "robustness/body-of-*", PLAINEST)
def test_bodies_of_every_size_are_served_or_refused(observations: Observations, expect: Expect) -> None:
    expect_probes_served_or_refused(["robustness/body-of-*"], observations, expect)


@requirement("robustness.many-fields", "robustness/many-fields", PLAINEST)
def test_many_fields_are_served_or_refused(observations: Observations, expect: Expect) -> None:
    expect_probes_served_or_refused(["robustness/many-fields"], observations, expect)


@requirement("robustness.octets-in-field", "robustness/octets-in-field", PLAINEST)
def test_an_octet_beyond_ascii_is_served_or_refused(observations: Observations, expect: Expect) -> None:
    expect_probes_served_or_refused(["robustness/octets-in-field"], observations, expect)


@requirement("robustness.cut-upload", "robustness/cut-upload", PLAINEST)
def test_a_cut_body_is_never_served(observations: Observations, expect: Expect) -> None:
    exchange = _broken_off("robustness/cut-upload", observations)
    answer = exchange.answer
    served = answer is not None and answer.status < 300 and not _is_empty(answer)
    status = None if answer is None else answer.status
    actual = f"status {status}, {'' if status is None else 'for '}{_bytes_sent(exchange)}"
    expect(not served, exchange.id, expected="no success", actual=actual)


@requirement("robustness.cut-upload-ends", "robustness/cut-upload", PLAINEST)
def test_a_cut_body_is_not_waited_for(observations: Observations, expect: Expect) -> None:
    exchange = _broken_off("robustness/cut-upload", observations)
    answer = exchange.answer
    if answer is None:
        ends, got = exchange.ending.kind in _GONE, exchange.ending.kind.value
    else:
        nothing = answer.status < 300 and _is_empty(answer)
        ends, got = answer.status < 500 and not nothing, f"status {answer.status}{' without a body' if nothing else ''}"
    actual = f"{got} after {exchange.ending.at:.1f} s, for {_bytes_sent(exchange)}"
    expect(ends, exchange.id, expected="a 4xx, or a closed connection", actual=actual)


@requirement("robustness.two-lengths", "robustness/two-lengths", PLAINEST)
def test_two_lengths_are_refused(observations: Observations, expect: Expect) -> None:
    exchange = _broken_off("robustness/two-lengths", observations)
    answer = exchange.answer
    refused = exchange.ending.kind in _GONE if answer is None else 400 <= answer.status < 500
    actual = f"no answer ({exchange.ending.kind.value})" if answer is None else f"status {answer.status}"
    expect(refused, exchange.id, expected="a 4xx, or a closed connection", actual=actual)


@requirement(
    "robustness.header-injection", "robustness/hang-up", "robustness/chunked", "robustness/line-break-in-model"
)
def test_a_line_break_makes_no_header_field(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    names = {probe.name for probe in probes}
    for exchange in observations.in_plan_order:
        if exchange.probe in names and exchange.head:
            found = _INJECTED.search(exchange.head)
            expected = f"no field {INJECTED_FIELD}, which only a line break in a value of the request can make"
            offset = None if found is None else found.start() + 1
            actual = f"{INJECTED_FIELD} at byte {offset} of the answer"
            expect(found is None, exchange.id, expected=expected, actual=actual)
    if not expect.judged:
        _, obstacles = observations.answers(probes)
        raise worst([*obstacles, NotSent("no answer has a raw head to judge")])


def _broken_off(name: str, observations: Observations) -> Exchange:
    """The exchange of a probe that announces more or less than it sends.

    Raises:
        NotSent, CannotTell, DoesNotApply: it was not sent, or its outcome decides nothing.
    """
    exchange = sent_exchange(name, observations)
    if exchange.answer is None and exchange.ending.kind is EndKind.HUNG_UP:
        raise DoesNotApply(f"{exchange.id}: TLS has no half-close, so the client hung up instead")
    if exchange.answer is None and not observations.target_answers:
        raise CannotTell(f"{exchange.id}: no answer ({exchange.ending.kind.value}), as to all requests")
    if exchange.ending.kind in {EndKind.UNREACHABLE, EndKind.CONNECT_TIMEOUT}:
        raise CannotTell(f"{exchange.id}: no connection could be made ({exchange.ending.kind.value})")
    return exchange


def _is_empty(answer: Answer) -> bool:
    """Whether an answer has no body: a proxy whose client hung up says so with any status, and serves nothing."""
    return not answer.body.strip()


def _declared(exchange: Exchange) -> int | None:
    """The length that the request says its body has."""
    found = next((value for name, value in exchange.request.headers if name.lower() == "content-length"), "")
    return int(found) if found.isdigit() else None


def _sent_whole(exchange: Exchange) -> bool:
    return _declared(exchange) == len(exchange.request.body)


def _bytes_sent(exchange: Exchange) -> str:
    return f"{len(exchange.request.body)} of the {_declared(exchange)} bytes that the request announces"
