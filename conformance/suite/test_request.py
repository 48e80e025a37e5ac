"""Requests: every keyword of the request schema is honoured and enforced, and what is valid is served."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.contract.model import BESIDE_THE_BODY, Requirement
from conformance.probes import Probe
from conformance.probes.broken_parts import BROKEN_ITEM, WRONG_SHAPE
from conformance.probes.client_errors import BROKEN_MESSAGE
from conformance.probes.combined_probes import AT_THE_EDGE
from conformance.probes.conversation_shapes import BLANK, ENDS_WITH_ASSISTANT, SHAPES
from conformance.probes.drawn import INVALID, VALID
from conformance.probes.optional_fields import USUAL_FIELDS
from conformance.probes.preflight import OPTIONAL_FIELDS
from conformance.quoting import quoted
from conformance.suite.answer_judging import CLIENT_ERRORS, expect_served_or_refused, judge_served, planned
from conformance.suite.expect import DoesNotApply, Expect
from conformance.suite.generated_judging import judge_invalid, judge_valid
from conformance.suite.marks import keywords, requirement
from conformance.suite.observations import Answered, Completion, Observations
from conformance.suite.request_judging import completion_within, judge_request_keyword, require_baseline
from conformance.suite.server_errors import judge_no_server_error, judge_together
from conformance.suite.shape_judging import OF_ONE_MESSAGE, judge_every_message, judge_groups, judge_shapes

COMBINED = (f"{AT_THE_EDGE}*", f"{USUAL_FIELDS}*", "request/media-type-*", "request/json-mode")
"""Valid requests with more than the smallest one; odd ones that may be refused have requirements of their own."""


@keywords("request", "{id}/*", "completion/plain")
def test_a_keyword_of_the_body_is_honoured_and_enforced(
    keyword: Requirement, observations: Observations, expect: Expect
) -> None:
    judge_request_keyword(keyword, observations, expect)


@keywords("path", "{id}/*", "completion/plain")
def test_a_keyword_of_the_path_is_enforced(keyword: Requirement, observations: Observations, expect: Expect) -> None:
    judge_request_keyword(keyword, observations, expect)


@keywords(BESIDE_THE_BODY, "{id}/*", "completion/plain")
def test_a_keyword_of_a_parameter_is_enforced(keyword: Requirement, observations: Observations, expect: Expect) -> None:
    judge_request_keyword(keyword, observations, expect)


@requirement("request.conversation", "completion/conversation")
def test_a_conversation_is_served(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    judge_served(probes, observations, expect, f"a completion for {probes[0].about}")


@requirement("request.multibyte-text", "completion/multibyte")
def test_text_in_any_script_is_served(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    judge_served(probes, observations, expect, f"a completion for {probes[0].about}")


@requirement("request.unknown-field", "request/unknown-field")
def test_an_unknown_field_is_ignored_or_refused(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    expect_served_or_refused(answers, observations, expect)


@requirement("request.integral-float", "request/integral-float")
def test_an_integer_as_float_is_served_or_refused(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    expect_served_or_refused(answers, observations, expect)


@requirement("request.optional-fields", USUAL_FIELDS, f"{OPTIONAL_FIELDS}*")
def test_optional_fields_together_break_nothing(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    expect_served_or_refused(answers, observations, expect, CLIENT_ERRORS)


@requirement("request.optional-field", "fields/*")
def test_no_optional_field_breaks_anything(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    expect_served_or_refused(answers, observations, expect, CLIENT_ERRORS)


@requirement(
    "request.no-server-error",
    *("completion/*", "stream/*", *COMBINED, f"{SHAPES}*", f"{BLANK}*", ENDS_WITH_ASSISTANT, "access/key-beside-other"),
)
def test_no_valid_request_breaks_the_server(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    require_baseline(observations)
    judge_no_server_error(answers, observations, expect)


@requirement("request.served-together", f"{AT_THE_EDGE}*", "completion/plain")
def test_what_is_served_apart_is_served_together(observations: Observations, expect: Expect) -> None:
    require_baseline(observations)
    judge_together(planned([f"{AT_THE_EDGE}*"], observations), observations, expect)


@requirement("request.conversation-shapes", f"{SHAPES}*", "completion/plain")
def test_conversations_of_usual_shapes_are_served(observations: Observations, expect: Expect) -> None:
    require_baseline(observations)
    judge_shapes(planned([f"{SHAPES}*"], observations), observations, expect)


@requirement("request.every-message-checked", f"{BROKEN_MESSAGE}*", *OF_ONE_MESSAGE, "completion/plain")
def test_each_message_is_checked_wherever_it_stands(observations: Observations, expect: Expect) -> None:
    require_baseline(observations)
    judge_every_message(observations, expect)


@requirement("request.every-item-checked", f"{BROKEN_ITEM}*", "completion/plain")
def test_each_item_of_a_list_is_checked_wherever_it_stands(observations: Observations, expect: Expect) -> None:
    require_baseline(observations)
    judge_groups([f"{BROKEN_ITEM}*"], observations, expect)


@requirement("request.every-shape-checked", f"{WRONG_SHAPE}*", "completion/plain")
def test_a_structure_is_refused_in_each_wrong_shape(observations: Observations, expect: Expect) -> None:
    require_baseline(observations)
    judge_groups([f"{WRONG_SHAPE}*"], observations, expect)


@requirement("request.service-tier-named", "fields/service-tier")
def test_the_service_tier_is_named(answers: Sequence[Answered], observations: Observations, expect: Expect) -> None:
    for found in map(observations.completion, answers):
        if isinstance(found, Completion):
            tier = found.body.get("service_tier")
            actual = f"service_tier: {quoted(tier)}" if "service_tier" in found.body else "no service_tier"
            expect(isinstance(tier, str) and tier != "", found.id, expected="the tier that served it", actual=actual)
    if not expect.judged:
        raise DoesNotApply("no request that names a service tier is served")


@requirement("request.refusal-without-completion", "request.*/enforced/*")
def test_a_refusal_carries_no_completion(
    refusals: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    for refusal in refusals:
        if not 400 <= refusal.answer.status < 500:
            continue
        paid = completion_within(observations.error_reading(refusal.exchange).object)
        expect(
            paid is None,
            refusal.id,
            expected=f"a refusal of {refusal.probe.about} that carries no completion",
            actual=f"status {refusal.answer.status} with {paid}",
        )


@requirement("request.generated-valid", f"{VALID}*", "generated/valid/*", "completion/plain")
def test_generated_valid_requests_are_served(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    assert probes
    judge_valid(observations, expect)


@requirement(
    "request.generated-invalid",
    f"{INVALID}*",
    f"{VALID}*",
    "generated/invalid/*",
    "generated/mutated/*",
    "generated/valid/*",
    "completion/plain",
)
def test_generated_invalid_requests_are_refused(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    assert probes
    judge_invalid(observations, expect)
