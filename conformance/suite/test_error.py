"""Errors: their status, their envelope, and what an error must never do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conformance.contract.media_types import essence, is_event_stream
from conformance.contract.model import Requirement
from conformance.probes.broken_parts import BROKEN_ITEM, WRONG_SHAPE
from conformance.probes.client_errors import BROKEN_MESSAGE, LONG_PROMPT, LONG_PROMPT_STREAMED, UNKNOWN_MODEL
from conformance.probes.model import REFUSED_FOR_LOAD, Intent
from conformance.quoting import quoted
from conformance.reading import server_internals
from conformance.suite.answer_judging import REFUSALS, expect_status
from conformance.suite.expect import CannotTell, DoesNotApply, Expect, NotSent, NotTestable
from conformance.suite.keyword_judging import judge_instances
from conformance.suite.load import is_error, unavailable_for_refused_only
from conformance.suite.marks import keywords, requirement
from conformance.suite.observations import Answered, Observations, status_of
from conformance.suite.obstacles import worst
from conformance.suite.readers import Readers

ANY_INVALID = ("error/*", "request.*/enforced/*")
BROKEN_PARTS = (BROKEN_ITEM, WRONG_SHAPE)
LENIENT_JSON = (
    *("error/json-not-a-number", "error/json-trailing-comma", "error/json-two-documents", "error/json-invalid-utf8"),
)
"""Bodies that a lenient parser takes for JSON, as RFC 8259 section 9 lets it."""
NO_JSON_OBJECT = (*("error/json-cut", "error/json-empty", "error/json-array", "error/json-null", "error/json-number"),)
UNKNOWN_MODELS = ("error/unknown-model", "error/unknown-model-streamed")
ANY_REFUSED = (*ANY_INVALID, "access/*")
ELSEWHERE = (
    *("error/method", "error/method-delete", "error/method-patch", "error/method-get", "error/unknown-route"),
    *("access/no-key-trailing-slash", "access/no-key-double-slash", "access/no-key-upper-case"),
    "access/no-key-dot-segment",
)
"""Requests that are refused for their route or method, where the operation's own errors are not documented."""
SIBLINGS = "access/sibling-"
"""Routes of other operations, of which the contract says nothing."""
MISSING = "request.messages.required/enforced/*"
"""The request without messages, which the keyword's own probe sends."""

TWINS = (
    ("error/streamed", MISSING),
    ("access/no-key-streamed", "access/no-key"),
    ("error/unknown-model-streamed", "error/unknown-model"),
    (LONG_PROMPT_STREAMED, LONG_PROMPT),
)
"""Requests that must be refused, or that most models cannot read, each with and without streaming."""


@requirement("error.never-success", *ANY_INVALID)
def test_what_must_be_refused_never_succeeds(refusals: Sequence[Answered], expect: Expect) -> None:
    for refusal in refusals:
        if refusal.probe.name.startswith(
            (
                *LENIENT_JSON,
                "error/text-plain",
                "error/form",
                "error/unknown-model",
                BROKEN_MESSAGE,
                *BROKEN_PARTS,
                "request.",
            )
        ):
            continue  # their own requirements say what is due, and at which level
        expect(
            not 200 <= refusal.answer.status < 300,
            refusal.id,
            expected=f"a refusal of {refusal.probe.about}",
            actual=status_of(refusal),
        )


@requirement("error.never-server-error", *ANY_REFUSED)
def test_a_mistake_of_the_client_is_not_an_error_of_the_server(
    refusals: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    own = [one for one in refusals if not one.probe.name.startswith(SIBLINGS)]
    for refusal in own:
        expect(
            refusal.answer.status < 500,
            refusal.id,
            expected=f"a 4xx status for {refusal.probe.about}",
            actual=status_of(refusal),
        )
    _, obstacles = observations.answers(observations.matching(ANY_REFUSED))
    for obstacle in obstacles:
        if isinstance(obstacle, NotTestable):
            shown = next(iter(obstacle.exchanges), None)
            expect(False, shown, expected="an answer with a 4xx status", actual=str(obstacle))
    for exchange in unavailable_for_refused_only(observations):
        expected = "a 4xx status: requests that must be served were not refused for load"
        expect(False, exchange.id, expected=expected, actual="status 503, again and again")


@requirement("error.success-is-no-error", "completion/*", *ANY_INVALID, "request/*")
def test_no_error_comes_with_a_status_of_success(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    for answered in answers:
        streamed = is_event_stream(answered.answer.header("content-type"))
        if not 200 <= answered.answer.status < 300 or streamed:
            continue
        expect(
            not is_error(observations.completion_reading(answered.exchange).value),
            answered.id,
            expected="an error with a status of 400 or more",
            actual=status_of(answered),
        )
    if not expect.judged:
        _, obstacles = observations.answers(observations.matching(["completion/*"]))
        busy = [one for one in obstacles if isinstance(one, CannotTell)]
        if not busy and observations.contract.operation.only_streams:
            raise DoesNotApply("the contract has no answer that is not streamed")
        raise busy[0] if busy else NotTestable("no request was answered with a 2xx status")


@requirement("error.invalid-status", MISSING, "error/streamed", "error/messages-null-element")
def test_an_invalid_body_is_refused_with_400(
    refusals: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    operation = observations.contract.operation
    names_400 = any(one.status == "400" for one in operation.responses)
    due, other = operation.invalid_status, 400 if operation.invalid_status != 400 else 422
    statuses, expected = ({400}, "status 400") if names_400 else ({400, 422}, f"status {due}, or {other}")
    expect_status(refusals, statuses, expect, expected)


@requirement("error.envelope", *ANY_REFUSED)
def test_every_error_has_the_envelope(
    refusals: Sequence[Answered], observations: Observations, readers: Readers, expect: Expect
) -> None:
    _judge_envelope(_own(_errors(refusals)), observations, readers, expect)


@requirement("error.envelope-elsewhere", *ELSEWHERE)
def test_errors_elsewhere_have_the_envelope(
    refusals: Sequence[Answered], observations: Observations, readers: Readers, expect: Expect
) -> None:
    _judge_envelope(_errors(refusals), observations, readers, expect)


@keywords("error", *ANY_REFUSED)
def test_an_error_fits_the_keyword(
    keyword: Requirement, refusals: Sequence[Answered], observations: Observations, readers: Readers, expect: Expect
) -> None:
    assert keyword.keyword is not None
    documented = keyword.keyword.location.removeprefix("error.")
    fitting = [one for one in _own(_errors(refusals)) if readers.documented_status(one.answer.status) == documented]
    if not fitting:
        raise DoesNotApply(f"no error was answered with a status that the document describes as {documented}")
    readings = [observations.error_reading(one.exchange) for one in fitting]
    unreadable = [one for one in readings if not one.is_readable]
    if keyword.keyword.pointer == "/type":
        for one in unreadable:
            expect(False, one.exchange, expected="a JSON object", actual=f"a body that is not JSON: {quoted(one.body)}")
    elif len(unreadable) == len(readings):
        raise NotTestable(f"{unreadable[0].exchange}: {unreadable[0].problem}", unreadable[0].exchange)
    bodies = [(one.exchange, one.value) for one in readings if one.is_readable]
    if bodies:
        judge_instances(keyword, bodies, readers, expect)


@requirement("error.media-type", *ANY_REFUSED)
def test_every_error_declares_json(refusals: Sequence[Answered], expect: Expect) -> None:
    for refusal in _own(_errors(refusals)):
        declared = refusal.answer.header("content-type") or ""
        expect(
            essence(declared) in {"application/json", "application/problem+json"},
            refusal.id,
            expected="Content-Type: application/json",
            actual=f"Content-Type: {quoted(declared)}" if declared else "no Content-Type",
        )


@requirement("error.json", *ANY_REFUSED)
def test_an_error_that_declares_json_is_strict_json(
    refusals: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    declared = [one for one in _errors(refusals) if "json" in essence(one.answer.header("content-type"))]
    if not declared:
        raise DoesNotApply("no error declares that it is JSON")
    for refusal in declared:
        expect.looked_at(refusal.id)
        expect.deviations(refusal.id, observations.error_reading(refusal.exchange).broke("error.json"))


@requirement("error.malformed-json", *NO_JSON_OBJECT)
def test_malformed_json_is_refused(refusals: Sequence[Answered], expect: Expect) -> None:
    expect_status(refusals, REFUSALS, expect)


@requirement("error.lenient-json", *LENIENT_JSON)
def test_what_only_a_lenient_parser_reads_is_refused(refusals: Sequence[Answered], expect: Expect) -> None:
    expect_status(refusals, REFUSALS, expect)


@requirement("error.streamed-request", "error/streamed", "request.*/enforced/*")
def test_an_invalid_request_for_a_stream_gets_a_plain_error(
    refusals: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    for refusal in refusals:
        framed = is_event_stream(refusal.answer.header("content-type"))
        if refusal.probe.name != "error/streamed":
            # Keywords that are not enforced, and errors of the server, are reported by other requirements.
            if not refusal.probe.asks_for_stream or not framed or observations.served(refusal):
                continue
            expect(
                False, refusal.id, expected="a plain error response", actual=f"an event stream: {status_of(refusal)}"
            )
            continue
        expect(
            400 <= refusal.answer.status < 500 and not framed,
            refusal.id,
            expected="a plain error response with a 4xx status",
            actual=("an event stream with " if framed else "") + status_of(refusal),
        )


NEVER_BOTH = NotTestable(
    "no request was refused both with and without asking for a stream", because="error.invalid-status"
)


@requirement("error.same-when-streamed", *(name for pair in TWINS for name in pair))
def test_an_error_is_the_same_for_a_stream(observations: Observations, expect: Expect) -> None:
    for streamed, plain in TWINS:
        pair = [*_answered(observations, streamed)[:1], *_answered(observations, plain)[:1]]
        if len(pair) < 2 or not all(_is_refusal(one, observations) for one in pair):
            continue
        streamed_form, plain_form = (_form(one, observations) for one in pair)
        expected = f"what {pair[1].id} has: {plain_form}"
        expect(streamed_form == plain_form, pair[0].id, expected=expected, actual=streamed_form)
    if not expect.judged:
        _, missing = observations.answers(observations.matching([name for pair in TWINS for name in pair]))
        raise worst([*missing, *([] if missing else [NEVER_BOTH])])


@requirement("error.message-content", "error/messages-null-element")
def test_what_is_not_a_message_is_refused(refusals: Sequence[Answered], expect: Expect) -> None:
    expect_status(refusals, REFUSALS, expect, "a 4xx refusal")


@requirement("error.duplicate-names", "error/duplicate-model", "error/unknown-model")
def test_what_is_checked_is_what_is_run(observations: Observations, expect: Expect) -> None:
    if not observations.matching(["error/duplicate-model"]):
        raise DoesNotApply("the smallest request names no model, so none can stand in it twice")
    alone, twice = _answered(observations, "error/unknown-model"), _answered(observations, "error/duplicate-model")
    if any(one.answer.status not in REFUSALS and not _is_withheld(one, observations) for one in alone):
        raise DoesNotApply(f"{alone[0].id}: the target serves a model that does not exist, so it checks none")
    for answered in twice:
        model = observations.completion_reading(answered.exchange).object.get("model")
        smuggled = observations.served(answered) and isinstance(model, str) and UNKNOWN_MODEL in model
        expect(
            not smuggled,
            answered.id,
            expected="a refusal, or a completion by the model that stands first",
            actual=f"a completion by {quoted(model)}, which is refused on its own",
        )
    if not twice:
        raise CannotTell("the body with `model` twice was not answered")


@requirement("error.unsupported-media-type", "error/text-plain", "error/form")
def test_a_body_that_is_not_declared_as_json_is_refused(refusals: Sequence[Answered], expect: Expect) -> None:
    expect_status(refusals, {400, 415, 422}, expect, "415, 400 or 422")


@requirement("error.method-not-allowed", "error/method", "error/method-delete", "error/method-patch")
def test_another_method_is_refused(refusals: Sequence[Answered], expect: Expect) -> None:
    expect_status(refusals, {404, 405}, expect, "405 or 404")


@requirement("error.allow-header", "error/method*")
def test_a_405_says_what_is_allowed(answers: Sequence[Answered], expect: Expect) -> None:
    not_allowed = [one for one in answers if one.answer.status == 405]
    if not not_allowed:
        raise DoesNotApply(f"{answers[0].id}: PUT was answered with {answers[0].answer.status}, not with 405")
    for refusal in not_allowed:
        allow = refusal.answer.header("allow")
        methods = [method.strip() for method in (allow or "").split(",")]
        expect(
            "POST" in methods,
            refusal.id,
            expected="an Allow header field that names POST",
            actual=f"Allow: {quoted(allow)}" if allow is not None else "no Allow header field",
        )


@requirement("error.unknown-route", "error/unknown-route")
def test_an_unknown_route_is_not_found(refusals: Sequence[Answered], expect: Expect) -> None:
    expect_status(refusals, {404}, expect, "status 404")


@requirement("error.unknown-model", *UNKNOWN_MODELS)
def test_an_unknown_model_is_refused(observations: Observations, expect: Expect) -> None:
    refusals, obstacles = observations.answers(observations.matching(UNKNOWN_MODELS))
    for refusal in refusals:
        expect(
            _is_withheld(refusal, observations) or refusal.answer.status in {400, 404},
            refusal.id,
            expected="404 or 400, or 403 with the code model_not_found",
            actual=status_of(refusal),
        )
    for exchange in unavailable_for_refused_only(observations):
        if exchange.probe in UNKNOWN_MODELS:
            expect(False, exchange.id, expected="404 or 400", actual="status 503, while other requests were served")
    if not expect.judged:
        raise worst([*obstacles, NotSent("this run's tier has no request for an unknown model")])


@requirement("error.no-internals", *ANY_REFUSED)
def test_no_error_shows_the_inside_of_the_server(refusals: Sequence[Answered], expect: Expect) -> None:
    for refusal in refusals:
        if refusal.answer.status < 400:
            continue
        found = server_internals(refusal.answer.body, refusal.exchange.request.url)
        expect(
            found is None,
            refusal.id,
            expected="no stack trace, file path or private address",
            actual=quoted(found[0].strip()) if found else "",
            offset=found.start() if found else None,
        )


@requirement("error.request-id", "completion/plain", MISSING, "error/json-cut", "error/unknown-model")
def test_every_answer_has_a_request_id(answers: Sequence[Answered], expect: Expect) -> None:
    for answered in answers:
        names = [name.lower() for name, value in answered.answer.headers if value.strip()]
        expect(
            any(name.endswith(("request-id", "requestid", "correlation-id", "trace-id")) for name in names),
            answered.id,
            expected="a header field x-request-id",
            actual="none among the header fields " + ", ".join(names),
        )


def _judge_envelope(refusals: Sequence[Answered], observations: Observations, readers: Readers, expect: Expect) -> None:
    for refusal in refusals:
        reading = observations.error_reading(refusal.exchange)
        expected = f"the contract's error object with status {refusal.answer.status}"
        if not reading.is_readable:
            actual = f"a body that is not JSON: {quoted(refusal.answer.body)}" if refusal.answer.body else "no body"
            expect(False, refusal.id, expected=expected, actual=actual)
            continue
        deviations = readers.envelope_deviations(refusal.answer.status, reading.value, expect.requirement.level)
        actual = f"{'; '.join(deviations[:3])}: {quoted(refusal.answer.body)}"
        expect(not deviations, refusal.id, expected=expected, actual=actual)


def _own(refusals: Sequence[Answered]) -> list[Answered]:
    """Those that were sent to the operation's own path."""
    return [one for one in refusals if one.probe.name not in ELSEWHERE and not one.probe.name.startswith(SIBLINGS)]


def _answered(observations: Observations, pattern: str) -> list[Answered]:
    return observations.answers(observations.matching([pattern]))[0]


def _is_withheld(refusal: Answered, observations: Observations) -> bool:
    """Whether a model is refused like one that the caller may not use: OpenAI's own code, with 403."""
    return refusal.answer.status == 403 and _code(refusal, observations) == "model_not_found"


def _code(refusal: Answered, observations: Observations) -> Any:
    """The code of an error, in the error object or beside it."""
    body = observations.error_reading(refusal.exchange).object
    inner = body.get("error")
    return inner.get("code", body.get("code")) if isinstance(inner, dict) else body.get("code")


def _is_refusal(one: Answered, observations: Observations) -> bool:
    """Whether an answer is an error; of what may be served, also one that only the stream of a success tells."""
    within = one.probe.intent is Intent.EITHER and one.probe.asks_for_stream and not observations.served(one)
    return one.answer.status >= 400 or within


def _form(refusal: Answered, observations: Observations) -> str:
    """Status, media type and members of an error, in words."""
    media_type = essence(refusal.answer.header("content-type")) or "none"
    body = observations.error_reading(refusal.exchange).object
    inner = body.get("error")
    members = sorted(body) + (sorted(inner) if isinstance(inner, dict) else [])
    return f"status {refusal.answer.status}, {quoted(media_type)}, members {quoted(members)}"


def _errors(refusals: Sequence[Answered]) -> list[Answered]:
    errors = [one for one in refusals if one.answer.status >= 400 and one.answer.status not in REFUSED_FOR_LOAD]
    if not errors:
        why = "no request that must be refused was answered with an error"
        raise NotTestable(why, *(one.id for one in refusals), because="error.invalid-status")
    return errors
