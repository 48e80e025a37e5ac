"""Access: who is served, how others are rejected, and what happens to their keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil

from conformance.contract.media_types import is_event_stream
from conformance.contract.model import Basis
from conformance.evidence.redaction import CHANCE, MASKED
from conformance.probes.access import FROM_SECOND_TENANT, TENANTS_AT_ONCE
from conformance.quoting import quoted
from conformance.suite.answer_judging import (
    CLIENT_ERRORS,
    expect_served,
    expect_served_or_refused,
    expect_status,
    planned,
)
from conformance.suite.cross_talk import answer_texts, foreign_canaries
from conformance.suite.expect import CannotTell, DoesNotApply, Expect
from conformance.suite.exposure import allows_sharing, has_generated
from conformance.suite.marks import requirement
from conformance.suite.observations import Answered, Observations, status_of
from conformance.suite.obstacles import worst
from conformance.targets.capabilities import SECOND_TENANT
from conformance.targets.environment import OTHER_API_KEY
from conformance.targets.reach import is_added
from conformance.wire import Redaction
from conformance.wire.credentials import NOT_VARIED

REJECTED = (401, 403)
NO_KEY = ("access/no-key", "access/no-key-streamed", "access/no-key-invalid", "access/no-key-unknown-model")
NOT_THE_KEY = ("access/changed-key", "access/cut-key", "access/extended-key", "access/two-wrong-keys")
"""Keys that are nearly right, and two wrong ones at once."""
VARIED_KEYS = (
    *("access/other-case-key", "access/dashed-key", "access/coloned-key", "access/slashed-key"),
    "access/key-and-word",
)
"""The right key in another letter case, or with something behind it."""
NO_ACCESS = (*NO_KEY, *NOT_THE_KEY[:3], "access/wrong-key", "access/empty-key")
NOTHING_ELSE_WRONG = (*NO_KEY[:2], *NOT_THE_KEY[:3], "access/wrong-key", "access/empty-key")
"""Requests that lack nothing but the right key: no document says what is checked first where more is wrong."""
ODD_CREDENTIALS = ("access/two-keys", "access/key-in-other-header", "access/*-beside-other")
OTHER_SPELLINGS = (
    *("access/no-key-trailing-slash", "access/no-key-double-slash", "access/no-key-upper-case"),
    "access/no-key-dot-segment",
)
OF_SECOND_TENANT = (FROM_SECOND_TENANT, f"{TENANTS_AT_ONCE}1", f"{TENANTS_AT_ONCE}3")
_AGE_OF_THE_NEW = 2
"""Seconds that an answer may seem older than it is, since Date and Age are whole and servers write Date late."""
ALLOW_ORIGIN = "Access-Control-Allow-Origin"


@requirement("access.key-required", "access/no-key", "access/no-key-streamed", "access/no-key-unknown-model")
def test_a_credential_is_required(refusals: Sequence[Answered], observations: Observations, expect: Expect) -> None:
    for refusal in refusals:
        if refusal.probe.asks_for_stream:  # how it is refused is told by another requirement
            served = observations.served(refusal)
            expect(not served, refusal.id, expected="no stream without a credential", actual=status_of(refusal))
            continue
        also_unknown = refusal.probe.name not in NOTHING_ELSE_WRONG
        statuses, expected = (
            ((400, *REJECTED, 404), "401, 403, 404 or 400") if also_unknown else (REJECTED, "401 or 403")
        )
        expect_status([refusal], statuses, expect, expected)


@requirement("access.key-checked", "access/wrong-key", "access/empty-key")
def test_the_credential_is_checked(refusals: Sequence[Answered], expect: Expect) -> None:
    expect_status(refusals, REJECTED, expect, "401 or 403")


@requirement("access.key-exact", "access/changed-key")
def test_a_key_that_is_nearly_right_is_wrong(refusals: Sequence[Answered], expect: Expect) -> None:
    expect_status(refusals, REJECTED, expect, "401 or 403")


@requirement("access.key-whole", "access/cut-key", "access/extended-key")
def test_a_key_is_compared_to_its_end(refusals: Sequence[Answered], expect: Expect) -> None:
    expect_status(refusals, REJECTED, expect, "401 or 403")


@requirement("access.key-as-issued", *VARIED_KEYS)
def test_a_key_counts_as_it_was_issued(observations: Observations, expect: Expect) -> None:
    refusals, obstacles = observations.answers(planned(VARIED_KEYS, observations))
    for refusal in refusals:
        # A credential of two words is no credential (RFC 9110 section 11.4), which may also be called malformed.
        malformed = refusal.probe.name == "access/key-and-word"
        statuses, expected = ((400, *REJECTED), "401, 403 or 400") if malformed else (REJECTED, "401 or 403")
        expect_status([refusal], statuses, expect, f"{expected} for {refusal.probe.about}")
    for obstacle in obstacles:
        expect.note(obstacle)
    if not expect.judged:
        unsent = [observations.unsent.get(probe.name, "") for probe in observations.matching(VARIED_KEYS)]
        if all(why.startswith(NOT_VARIED) for why in unsent):
            raise DoesNotApply(unsent[0])
        raise worst(obstacles)


@requirement("access.key-beyond-ascii", "access/key-beyond-ascii")
def test_a_key_beyond_ascii_is_refused(refusals: Sequence[Answered], expect: Expect) -> None:
    expected = "a 4xx refusal for a key that was never issued, with an octet beyond ASCII in it"
    expect_status(refusals, CLIENT_ERRORS, expect, expected)


@requirement("access.two-wrong-keys", "access/two-wrong-keys")
def test_two_wrong_keys_are_rejected(refusals: Sequence[Answered], expect: Expect) -> None:
    expect_status(refusals, {400, *REJECTED}, expect, "401, 403 or 400")


@requirement("access.scheme-checked", "access/wrong-scheme")
def test_the_scheme_is_checked(refusals: Sequence[Answered], expect: Expect) -> None:
    expect_status(refusals, REJECTED, expect, "401 or 403")


@requirement("access.scheme-case", "access/scheme-lower-case")
def test_the_scheme_is_read_in_any_case(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    expect_served(answers, observations, expect, "a completion for the right key under `bearer`")


@requirement("access.spaces", "access/spaced-key")
def test_several_spaces_may_stand_before_the_key(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    expect_served(answers, observations, expect, "a completion for the right key behind two spaces")


@requirement("access.odd-credentials", *ODD_CREDENTIALS)
def test_odd_credentials_break_nothing(answers: Sequence[Answered], observations: Observations, expect: Expect) -> None:
    expect_served_or_refused(answers, observations, expect, CLIENT_ERRORS)


@requirement("access.key-in-query", "access/key-in-query")
def test_a_key_in_the_url_is_not_accepted(
    refusals: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    for refusal in refusals:
        served = observations.served(refusal)
        expect(not served, refusal.id, expected="no completion for a key in the URL", actual=status_of(refusal))


@requirement("access.other-spellings", *OTHER_SPELLINGS)
def test_no_spelling_of_the_path_bypasses_the_credential(
    refusals: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    for refusal in refusals:
        served = has_generated(observations.completion_reading(refusal.exchange).value)
        expect(not served, refusal.id, expected=f"no completion for {refusal.probe.about}", actual=status_of(refusal))


@requirement("access.sibling-routes", "access/sibling-*")
def test_no_other_route_generates_without_a_credential(
    refusals: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    for refusal in refusals:
        generated = 200 <= refusal.answer.status < 300 and has_generated(
            observations.completion_reading(refusal.exchange).value
        )
        expect(
            not generated,
            refusal.id,
            expected=f"nothing generated for {refusal.probe.about}",
            actual=status_of(refusal),
        )


@requirement("access.status", *NOTHING_ELSE_WRONG)
def test_the_status_is_401(refusals: Sequence[Answered], expect: Expect) -> None:
    # "The server understood the request but refuses to fulfill it" (RFC 9110 section 15.5.4): where no document names
    # the status, and only what 401 means speaks for it, whoever has no right key may be told so by 403 as well.
    if expect.requirement.source.basis is Basis.INFERRED:
        expect_status(refusals, REJECTED, expect, "status 401, or 403")
    else:
        expect_status(refusals, {401}, expect, "status 401")


@requirement("access.challenge", *NO_ACCESS)
def test_a_401_has_a_challenge(refusals: Sequence[Answered], expect: Expect) -> None:
    unauthorized = [refusal for refusal in refusals if refusal.answer.status == 401]
    if not unauthorized:
        raise DoesNotApply("no request was rejected with 401")
    for refusal in unauthorized:
        expect(
            refusal.answer.header("www-authenticate") is not None,
            refusal.id,
            expected="a WWW-Authenticate header field",
            actual="none",
        )


@requirement("access.before-validation", "access/no-key-invalid")
def test_access_is_judged_before_the_body(refusals: Sequence[Answered], expect: Expect) -> None:
    expect_status(refusals, REJECTED, expect, "401 or 403")


@requirement("access.streamed-request", "access/no-key-streamed")
def test_no_stream_without_a_credential(refusals: Sequence[Answered], expect: Expect) -> None:
    for refusal in refusals:
        framed = is_event_stream(refusal.answer.header("content-type"))
        expect(
            refusal.answer.status in REJECTED and not framed,
            refusal.id,
            expected="a plain 401 or 403 answer",
            actual=("an event stream with " if framed else "") + status_of(refusal),
        )


@requirement("access.key-not-echoed", "*")
def test_no_answer_shows_the_key(observations: Observations, expect: Expect) -> None:
    _judge_echoes(
        observations, expect, lambda one: one.form not in {CHANCE, MASKED}, "no key of the caller in the answer"
    )


@requirement("access.key-masked", "*")
def test_no_answer_shows_much_of_the_key(observations: Observations, expect: Expect) -> None:
    _judge_echoes(observations, expect, lambda one: one.form == MASKED, "no more of a key than identifies it")


@requirement("access.pages", "access/from-page", "access/no-key-from-page")
def test_a_page_may_read_why_it_was_rejected(observations: Observations, expect: Expect) -> None:
    names = ["access/from-page", "access/no-key-from-page"]
    if not observations.matching(names):
        raise observations.none_planned(names, "this run's tier has no request from a page")
    allowed = {one.probe.name: one for one in _answered(observations, "access/*from-page")}
    served, refused = allowed.get("access/from-page"), allowed.get("access/no-key-from-page")
    if served is None or refused is None:
        raise CannotTell("one of the two requests from a page was not answered")
    if served.answer.header(ALLOW_ORIGIN) is None:
        raise DoesNotApply(f"{served.id}: no page of another origin may read the target's answers")
    expect(
        refused.answer.header(ALLOW_ORIGIN) is not None,
        refused.id,
        expected=f"{ALLOW_ORIGIN}, as in {served.id}",
        actual=f"status {refused.answer.status} without it",
    )


@requirement("access.fresh", "completion/*")
def test_no_answer_comes_from_a_cache(answers: Sequence[Answered], expect: Expect) -> None:
    for answered in answers:
        age = answered.answer.header("age")
        # A proxy counts the age of what it passes on at once, too, from a Date of whole seconds that may be behind.
        most = ceil(answered.answer.headers_at) + _AGE_OF_THE_NEW
        is_fresh = age is None or (age.strip().isdecimal() and len(age) < 20 and int(age) <= most)
        expected = f"no Age header field in an answer to POST, or one of at most {most} seconds"
        expect(is_fresh, answered.id, expected=expected, actual=f"Age: {age!a}")


@requirement("access.not-shared", "completion/*")
def test_no_answer_offers_itself_to_shared_caches(answers: Sequence[Answered], expect: Expect) -> None:
    for answered in answers:
        declared = answered.answer.header("cache-control")
        actual = f"Cache-Control: {declared!a}"
        expected = "no Cache-Control that lets a shared cache store the answer"
        expect(not allows_sharing(declared or ""), answered.id, expected=expected, actual=actual)


@requirement("access.isolation", FROM_SECOND_TENANT, f"{TENANTS_AT_ONCE}*", "completion/plain")
def test_no_organization_gets_what_belongs_to_another(observations: Observations, expect: Expect) -> None:
    _judge_isolation(observations, expect, _variables_of_second_tenant(observations))


@requirement("access.isolation-of-keys", FROM_SECOND_TENANT, f"{TENANTS_AT_ONCE}*", "completion/plain")
def test_no_key_gets_what_belongs_to_another(observations: Observations, expect: Expect) -> None:
    _judge_isolation(observations, expect, OTHER_API_KEY)


@requirement("access.organization-unknown", "access/unknown-organization", "completion/plain")
def test_an_unknown_organization_is_refused(
    refusals: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    _refused_as_organization(refusals, observations, expect)


@requirement("access.organization-foreign", "access/foreign-organization", FROM_SECOND_TENANT, "completion/plain")
def test_a_foreign_organization_is_refused(observations: Observations, expect: Expect) -> None:
    foreign = observations.matching(["access/foreign-organization"])
    if not foreign:
        nouns = " and ".join(one.noun for one in observations.contract.tenancy)
        variables = _variables_of_second_tenant(observations)
        raise _not_configured(f"second {nouns}", variables)
    answered, obstacles = observations.answers(foreign)
    if obstacles:
        raise obstacles[0]
    second = observations.matching([FROM_SECOND_TENANT])
    if second and isinstance(observations.outcome_of(second[0]), Answered):
        for _ in observations.usable(second, observations.completion):
            break  # it exists: its own member is served
    _refused_as_organization(answered, observations, expect)


def _variables_of_second_tenant(observations: Observations) -> str:
    second = [one.second.variable for one in observations.contract.tenancy if one.second is not None]
    return " and ".join((*second, OTHER_API_KEY))


def _not_configured(what: str, variables: str) -> DoesNotApply:
    return DoesNotApply(f"not configured: no {what} is known; set {variables} to test this", lacks=SECOND_TENANT)


def _judge_isolation(observations: Observations, expect: Expect, variables: str) -> None:
    """Judge that two tenants at the same time each get their own text, and separate answers to the same request."""
    tenants = observations.matching([FROM_SECOND_TENANT, f"{TENANTS_AT_ONCE}*"])
    if not tenants:
        raise _not_configured("second tenant", variables)
    answered, obstacles = observations.answers(tenants)
    for obstacle in obstacles:
        expect.note(obstacle)
    served = [one for one in answered if observations.served(one)]
    if not any(one.probe.name in OF_SECOND_TENANT for one in served):
        raise expect.lacking or CannotTell("the second tenant was not served; check what is configured for it")
    texts = list(answer_texts([*served, *_answered(observations, "completion/plain")], observations))
    for one in texts:
        expect.looked_at(one.answered.id)
    for one, canary, owner in foreign_canaries(texts):
        actual = f"{canary!a}, which only the request {owner} has"
        expect(False, one.answered.id, expected="an answer to the tenant's own request", actual=actual)
    first: dict[str, str] = {}
    for one in texts:
        if one.id is not None and (other := first.setdefault(one.id, one.answered.id)) != one.answered.id:
            actual = f"the id {quoted(one.id)}, which {other} has too"
            expect(False, one.answered.id, expected="an answer of the tenant's own", actual=actual)


def _judge_echoes(
    observations: Observations, expect: Expect, counts: Callable[[Redaction], bool], expected: str
) -> None:
    for exchange in observations.in_plan_order:
        if exchange.answer is None:
            continue
        echoed = [one for one in exchange.redactions if one.where != "request" and counts(one)]
        # What every request carries beside the key is kept out of all files, too, but the contract says nothing of it.
        echoed = [one for one in echoed if not is_added(one.secret)]
        actual = ", ".join(f"the {one.secret} ({one.form}) in the {one.where}" for one in echoed)
        expect(not echoed, exchange.id, expected=expected, actual=actual)
    if not expect.judged:
        raise CannotTell("the target answered no request")


def _answered(observations: Observations, pattern: str) -> list[Answered]:
    return observations.answers(observations.matching([pattern]))[0]


def _refused_as_organization(refusals: Sequence[Answered], observations: Observations, expect: Expect) -> None:
    for _ in observations.usable(observations.matching(["completion/plain"]), observations.completion):
        break  # a refusal only means something if the caller's own organization is served
    expect_status(refusals, {400, 401, 403, 404}, expect, "403 or 404 (400 and 401 will do)")
