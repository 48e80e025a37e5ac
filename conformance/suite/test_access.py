"""Access: who is let in, how others are turned away, and what happens to their keys."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.suite.expect import CannotTell, DoesNotApply, Expect
from conformance.suite.marking import requirement
from conformance.suite.observations import Answered, Observations
from conformance.suite.showing import status_of

TURNED_AWAY = (401, 403)
NO_ACCESS = ("access/no-key*", "access/wrong-key", "access/empty-key")


@requirement("access.key-required", "access/no-key")
def test_a_credential_is_required(refusals: Sequence[Answered], expect: Expect) -> None:
    _turned_away(refusals, expect)


@requirement("access.key-checked", "access/wrong-key", "access/empty-key")
def test_the_credential_is_checked(refusals: Sequence[Answered], expect: Expect) -> None:
    _turned_away(refusals, expect)


@requirement("access.scheme-checked", "access/wrong-scheme")
def test_the_scheme_is_checked(refusals: Sequence[Answered], expect: Expect) -> None:
    _turned_away(refusals, expect)


@requirement("access.scheme-case", "access/scheme-lower-case")
def test_the_scheme_is_read_in_any_case(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    for answered in answers:
        expect(
            observations.served(answered),
            answered.id,
            expected="a completion for the right key under `bearer`",
            actual=status_of(answered),
        )


@requirement("access.status", *NO_ACCESS)
def test_the_status_is_401(refusals: Sequence[Answered], expect: Expect) -> None:
    for refusal in refusals:
        expect(refusal.answer.status == 401, refusal.id, expected="status 401", actual=status_of(refusal))


@requirement("access.challenge", *NO_ACCESS)
def test_a_401_has_a_challenge(refusals: Sequence[Answered], expect: Expect) -> None:
    unauthorized = [refusal for refusal in refusals if refusal.answer.status == 401]
    if not unauthorized:
        raise DoesNotApply("nobody was turned away with 401")
    for refusal in unauthorized:
        expect(
            refusal.answer.header("www-authenticate") is not None,
            refusal.id,
            expected="a WWW-Authenticate header field",
            actual="none",
        )


@requirement("access.before-validation", "access/no-key-invalid")
def test_access_is_judged_before_the_body(refusals: Sequence[Answered], expect: Expect) -> None:
    _turned_away(refusals, expect)


@requirement("access.streamed-request", "access/no-key-streamed")
def test_no_stream_without_a_credential(refusals: Sequence[Answered], expect: Expect) -> None:
    for refusal in refusals:
        framed = "text/event-stream" in (refusal.answer.header("content-type") or "").lower()
        expect(
            refusal.answer.status in TURNED_AWAY and not framed,
            refusal.id,
            expected="a plain 401 or 403 answer",
            actual=("an event stream with " if framed else "") + status_of(refusal),
        )


@requirement("access.key-not-echoed", "*")
def test_no_answer_shows_the_key(answers: Sequence[Answered], observations: Observations, expect: Expect) -> None:
    for exchange in observations.exchanges:
        if exchange.answer is None:
            continue
        echoed = [one for one in exchange.redactions if one.where != "request"]
        shown = ", ".join(f"the {one.secret} ({one.form}) in the {one.where}" for one in echoed)
        expect(not echoed, exchange.id, expected="no key of the caller in the answer", actual=shown)


@requirement("access.organization-unknown", "access/unknown-organization", "completion/plain")
def test_an_unknown_organization_is_refused(
    refusals: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    _refused_as_organization(refusals, observations, expect)


@requirement("access.organization-foreign", "access/foreign-organization", "access/second-tenant", "completion/plain")
def test_a_foreign_organization_is_refused(observations: Observations, expect: Expect) -> None:
    foreign = observations.matching(["access/foreign-organization"])
    if not foreign:
        raise CannotTell(
            "no second organization is known; set CONFORMANCE_OTHER_ORG_ID and CONFORMANCE_OTHER_API_KEY to test this"
        )
    answered, obstacles = observations.answers(foreign)
    if obstacles:
        raise obstacles[0]
    second = observations.matching(["access/second-tenant"])
    if second and isinstance(observations.outcome_of(second[0]), Answered):
        for _ in observations.usable(second, observations.completion):
            break  # it exists: its own member is served
    _refused_as_organization(answered, observations, expect)


def _refused_as_organization(refusals: Sequence[Answered], observations: Observations, expect: Expect) -> None:
    for _ in observations.usable(observations.matching(["completion/plain"]), observations.completion):
        break  # a refusal only means something where the caller's own organization is served
    for refusal in refusals:
        expect(
            refusal.answer.status in {400, 401, 403, 404},
            refusal.id,
            expected="403 or 404 (400 and 401 will do)",
            actual=status_of(refusal),
        )


def _turned_away(refusals: Sequence[Answered], expect: Expect) -> None:
    for refusal in refusals:
        expect(refusal.answer.status in TURNED_AWAY, refusal.id, expected="401 or 403", actual=status_of(refusal))
