"""Robustness: what a deployment survives without harm to other clients."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.probes.access import FROM_SECOND_TENANT, TENANTS_AT_ONCE
from conformance.probes.completions import WHOLE
from conformance.probes.in_turn import HEAD_IN_TURN, IN_TURN, TWINS
from conformance.quoting import quoted
from conformance.suite.answer_judging import (
    expect_own_ids,
    expect_probes_served,
    expect_probes_served_or_refused,
)
from conformance.suite.cross_talk import answer_texts
from conformance.suite.expect import CannotTell, DoesNotApply, Expect, NotSent
from conformance.suite.health import (
    PLAINEST,
    RESOLUTION,
    elapsed_and_usual,
    hangs,
    ids_in_bodies,
    judge_health,
    lost_tokens,
    sent_exchange,
)
from conformance.suite.marks import requirement
from conformance.suite.observations import Answered, Observations, status_of
from conformance.suite.poisoning import began, ended
from conformance.suite.turns import judge_turns
from conformance.wire import EndKind

HOSTILE = (
    "robustness/deep-nesting",
    "robustness/cut-upload",
    "robustness/huge-number",
    "robustness/nested-response-format",
    "robustness/two-lengths",
    "robustness/line-break-in-model",
    "robustness/extreme-*",
    "robustness/hang-up",
    "robustness/vanished*",
    "error/json-*",
    "request/lone-surrogate*",
    "request/escaped-nul",
    "request/raw-nul",
    "request/empty-text",
    "request/long-prompt",
)
OF_TENANTS = f"{TENANTS_AT_ONCE}*"
OF_FIRST_TENANT, OF_SECOND_TENANT = ([f"{TENANTS_AT_ONCE}{number}" for number in some] for some in ((0, 2), (1, 3)))
"""Of two tenants at once, who stand for one where two are known: a request without streaming and a stream of each."""
HEALTH = ("robustness/health", "robustness/health-after-*")
PLAIN = ("robustness/health-after-[!v]*", "robustness/*-on-connection", "robustness/at-once-0")
"""Plain requests that show how long one usually takes."""
SLACK = 2.0
"""How much longer than usual a plain request may take before it counts as held up, in seconds."""


@requirement(
    "robustness.hostile-input",
    "robustness/deep-nesting",
    "robustness/huge-number",
    "robustness/nested-response-format",
    "robustness/line-break-in-model",
    PLAINEST,
)
def test_hostile_input_breaks_nothing(observations: Observations, expect: Expect) -> None:
    names = ("robustness/deep-*", "robustness/huge-*", "robustness/nested-*", "robustness/line-break-*")
    expect_probes_served_or_refused(names, observations, expect)


@requirement("robustness.extreme-values", "robustness/extreme-*", PLAINEST)
def test_extreme_values_are_refused(observations: Observations, expect: Expect) -> None:
    expect_probes_served_or_refused(["robustness/extreme-*"], observations, expect)


# The long answer has the prompt of the plain requests afterwards: a target that never served it was not harmed.
@requirement("robustness.healthy-afterwards", *HEALTH, *HOSTILE, "robustness/at-once-0", "completion/long-answer")
def test_a_plain_request_is_served_afterwards(observations: Observations, expect: Expect) -> None:
    hostile = [probe.name for probe in observations.matching(HOSTILE)]
    # Earlier versions had no probe for this; their evidence has other requests after the hostile ones.
    plain = HEALTH if observations.matching(HEALTH) else ("robustness/at-once-*",)
    judge_health(plain, hostile, observations, expect)


@requirement("robustness.at-once", "robustness/at-once-*", OF_TENANTS, FROM_SECOND_TENANT)
def test_requests_at_once_are_each_served(observations: Observations, expect: Expect) -> None:
    alone, _ = observations.answers(observations.matching([FROM_SECOND_TENANT]))
    tenants = [OF_FIRST_TENANT]
    if any(map(observations.served, alone)):  # whether the second tenant is served at all, others judge
        tenants.append(OF_SECOND_TENANT)
    served = expect_probes_served(["robustness/at-once-*", *(whole for whole, _ in tenants)], observations, expect)
    expect_own_ids(ids_in_bodies(served, observations), expect)
    # Whether a stream is as it should be, others judge, too.
    for one in observations.answers(observations.matching([stream for _, stream in tenants]))[0]:
        expected = f"an answer like any other to {one.probe.about}"
        expect(one.answer.status < 400, one.id, expected=expected, actual=status_of(one))


@requirement("robustness.at-once-not-empty", "robustness/at-once-*", "stream/at-once-*", OF_TENANTS)
def test_no_answer_at_once_is_empty(answers: Sequence[Answered], observations: Observations, expect: Expect) -> None:
    texts = list(answer_texts(answers, observations))
    if not any(one.text for one in texts):
        raise DoesNotApply("no answer among several at once has any text, so none stands out")
    for one in texts:
        expect(
            bool(one.text) or one.finish_reasons != {"stop"},
            one.answered.id,
            expected="text, as other answers at once have, or another finish_reason than `stop`",
            actual="no text, and the finish_reason stop",
        )


@requirement(
    "robustness.connection-reuse",
    *("robustness/*-on-connection", "stream/*-on-connection", WHOLE),
    *(f"{IN_TURN}*", HEAD_IN_TURN, *TWINS.values()),
)
def test_a_second_request_on_a_connection_is_served(observations: Observations, expect: Expect) -> None:
    expect_probes_served(["robustness/*-on-connection", WHOLE], observations, expect)
    judge_turns(observations, expect)


@requirement("robustness.pipelining", "robustness/pipelined-*", PLAINEST)
def test_pipelined_requests_are_answered_in_order(observations: Observations, expect: Expect) -> None:
    first, second = (sent_exchange(f"robustness/pipelined-{turn}", observations) for turn in ("first", "second"))
    closed = second.answer is None and second.ending.kind in {EndKind.CLOSED, EndKind.RESET}
    served = expect_probes_served(["robustness/pipelined-first"], observations, expect)
    if closed and first.answer is not None:
        expect.looked_at(second.id)  # which asks the client to send it again (RFC 9112 section 9.3.2)
    elif first.answer is not None and hangs(second, observations):
        expect(False, second.id, expected="an answer, or a closed connection", actual="neither, after the first answer")
    else:
        served += expect_probes_served(["robustness/pipelined-second"], observations, expect)
    for one in answer_texts(served, observations):
        for other in (first, second):
            foreign = [word for word in one.canaries if word in other.request.body.decode("utf-8", "replace")]
            expect(
                other.id == one.answered.id or not foreign,
                one.answered.id,
                expected="the answer to the request in its place",
                actual=f"{quoted(foreign[0]) if foreign else ''}, which stands in {other.id}",
            )


@requirement("robustness.beside-a-stream", "robustness/*held-stream", *PLAIN)
def test_a_plain_request_is_served_beside_a_stream(observations: Observations, expect: Expect) -> None:
    if "stream" not in observations.contract.operation.properties:
        raise DoesNotApply("the contract has no streams")
    held, beside = (sent_exchange(f"robustness/{name}held-stream", observations) for name in ("", "beside-"))
    if held.answer is None or not held.answer.reads or held.answer.status != 200:
        got = held.ending.kind.value if held.answer is None else f"status {held.answer.status}"
        raise CannotTell(f"{held.id}: no stream began ({got})")
    if began(beside) >= ended(held):
        raise CannotTell(f"{beside.id} was sent only after the stream had ended; raise --concurrency")
    if ended(beside) <= ended(held) + RESOLUTION and beside.answer is not None:
        expect_probes_served(["robustness/beside-held-stream"], observations, expect)
        return
    took, usual = elapsed_and_usual(beside, PLAIN, observations)
    if usual is None or took <= SLACK + 3 * usual:
        raise CannotTell(
            f"{beside.id}: the target is too slow to decide this ({took:.1f} s, and other requests take long as well)"
        )
    expect(
        False,
        beside.id,
        expected=f"an answer while {held.id} is held open, in about {usual:.1f} s as for other plain requests",
        actual=f"none within {took:.1f} s"
        if beside.answer is None
        else f"one only after the stream had ended, after {took:.1f} s",
    )


@requirement("robustness.vanished-clients", "robustness/vanished*", "robustness/health-after-vanished*", *PLAIN)
def test_work_for_clients_that_left_holds_up_nobody(observations: Observations, expect: Expect) -> None:
    for probe in observations.matching(["robustness/health-after-vanished*"]):
        after = observations.exchange_of(probe.name)
        if after is None:
            continue
        took, usual = elapsed_and_usual(after, PLAIN, observations)
        if usual is None:
            raise CannotTell("no plain request was answered before, so there is nothing to compare with")
        if after.answer is None and took <= SLACK + 3 * usual:
            # That it is not answered at all is judged by another requirement.
            expect.notes.append(f"{after.id}: no answer ({after.ending.kind.value})")
            continue
        expect(
            took <= SLACK + 3 * usual,
            after.id,
            expected=f"an answer in about the time that plain requests take, {usual:.1f} s at most before",
            actual=f"{'an answer' if after.answer else 'none'} after {took:.1f} s: {probe.about}",
        )
    if not expect.judged:
        raise CannotTell(expect.notes[0]) if expect.notes else NotSent("no client hung up before an answer came")


@requirement("robustness.whole-allowance", "robustness/hang-up", "completion/*", *HEALTH)
def test_the_limit_of_the_next_answer_is_its_own(observations: Observations, expect: Expect) -> None:
    before = {lost for _, lost in lost_tokens(["completion/*"], observations)}
    after = list(lost_tokens(HEALTH, observations))
    if not before or not after:
        raise DoesNotApply("no answer that its limit cut says how many tokens it has")
    for answered, lost in after:
        expect(
            lost in before,
            answered.id,
            expected=f"{_limit_of(answered)} completion tokens, as its limit cut it",
            actual=f"{lost} fewer; answers before clients hung up lacked {sorted(before)}",
        )


def _limit_of(answered: Answered) -> object:
    return answered.requested("max_tokens") or answered.requested("max_completion_tokens")
