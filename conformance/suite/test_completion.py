"""Completions: what a non-streamed answer must be."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from itertools import accumulate
from operator import itemgetter

from conformance.contract.media_types import JSON, essence, is_event_stream, parameters
from conformance.contract.model import Requirement
from conformance.probes import Probe
from conformance.quoting import quoted
from conformance.reading import control_token
from conformance.reading.expectations import FINISH_REASONS
from conformance.suite.answer_judging import expect_own_ids, expect_served, judge_served
from conformance.suite.cross_talk import answer_texts, ids_of
from conformance.suite.expect import DoesNotApply, Expect, NotTestable
from conformance.suite.keyword_judging import judge_instances
from conformance.suite.marks import keywords, requirement
from conformance.suite.observations import Answered, Completion, Observations
from conformance.suite.poisoning import began, ended
from conformance.suite.readers import Readers

DAY = 86_400
SKEW = 2
"""How far apart the clocks of two machines behind one target may be, in seconds."""
MINUTES = 600
"""How far apart the clocks of a client and a deployment may be, in seconds."""
MOST_HOURS = 15
"""No time zone is further from universal time."""
NEARLY = 120
REPLACEMENT = "\ufffd"


PLAIN = ("completion/plain", "completion/again", "completion/stream-false", "completion/long-prompt")
LIMITED = ("completion/one-token", "completion/other-limit", "completion/long-answer")


@requirement("completion.served", "preflight/try-*", *PLAIN, *LIMITED, "completion/stop", "completion/two-choices")
def test_a_valid_request_is_answered_with_a_completion(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    judge_served(probes, observations, expect, "status 200 and a completion with at least one choice")


@keywords("completion", "completion/*")
def test_a_completion_fits_the_keyword(
    keyword: Requirement,
    whole_answers: Sequence[Answered],
    observations: Observations,
    readers: Readers,
    expect: Expect,
) -> None:
    readings = [observations.completion_reading(one.exchange) for one in whole_answers]
    bodies = [(reading.exchange, reading.value) for reading in readings if reading.is_readable]
    if not bodies:
        why = "no valid request was answered with 200 and a readable JSON document"
        raise NotTestable(why, *(reading.exchange for reading in readings), because="completion.json")
    judge_instances(keyword, bodies, readers, expect)


@requirement("completion.media-type", "completion/*")
def test_the_media_type_is_json(completions: Sequence[Completion], expect: Expect) -> None:
    for completion in completions:
        declared = completion.answered.answer.header("content-type")
        expect(
            essence(declared) == JSON,
            completion.id,
            expected="Content-Type: application/json",
            actual=f"Content-Type: {quoted(declared)}" if declared else "no Content-Type",
        )


@requirement("completion.json", "completion/*")
def test_the_body_is_strict_json(whole_answers: Sequence[Answered], observations: Observations, expect: Expect) -> None:
    for answered in whole_answers:
        expect.looked_at(answered.id)
        expect.deviations(answered.id, observations.completion_reading(answered.exchange).broke("completion.json"))


@requirement("completion.json-interoperable", "completion/*", "error/*")
def test_every_parser_reads_the_json_alike(
    whole_answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    for answered in whole_answers:
        expect.looked_at(answered.id)
        reading = observations.completion_reading(answered.exchange)
        expect.deviations(answered.id, reading.broke(expect.requirement.id))
    for answered in observations.answers(observations.matching(["error/*"]))[0]:
        if answered.answer.status >= 400:
            reading = observations.error_reading(answered.exchange)
            expect.deviations(answered.id, reading.broke(expect.requirement.id))


@requirement("completion.created-is-now", "completion/*")
def test_created_is_the_time_of_the_completion(completions: Sequence[Completion], expect: Expect) -> None:
    for completion, created in _dated(completions):
        sent_at = _began(completion)
        expect(
            math.isfinite(created) and abs(created - sent_at) <= DAY,
            completion.id,
            expected=f"seconds since 1970, near {sent_at:.0f}",
            actual=str(created),
        )


@requirement("completion.created-clock", "completion/*")
def test_created_is_by_the_clock_of_the_world(completions: Sequence[Completion], expect: Expect) -> None:
    dated = [(one, created, _ahead(one, created)) for one, created in _dated(completions)]
    odd = [one for one, _, ahead in dated if abs(ahead) > MINUTES]
    for completion, created, ahead in dated:
        # The answer of a cache may be older than its request; most are not.
        expect(
            abs(ahead) <= MINUTES or 2 * len(odd) <= len(dated),
            completion.id,
            expected=f"a time within {MINUTES // 60} minutes of {_began(completion):.0f}, the clock of the client",
            actual=f"{created}, {apart(ahead)}",
        )


@requirement("completion.created-forward", "completion/*", "robustness/*")
def test_created_never_goes_back(completions: Sequence[Completion], expect: Expect) -> None:
    dated = _dated(completions)
    by_end = sorted((_ended(one), number) for number, (one, _) in enumerate(dated))
    # The completion with the latest time among those that ended first, among the first two, and so on.
    latest_of = [*accumulate((number for _, number in by_end), lambda *both: max(both, key=lambda one: dated[one][1]))]
    for completion, created in dated:
        complete = bisect_right(by_end, _began(completion), key=itemgetter(0))
        before, latest = dated[latest_of[complete - 1]] if complete else (completion, created)
        expect(
            created >= latest - SKEW,
            completion.id,
            expected=f"no time before {latest:.0f}, the time of {before.id}, which was complete before this request",
            actual=str(created),
        )


@requirement("completion.object", "completion/*")
def test_object_says_that_it_is_a_completion(completions: Sequence[Completion], expect: Expect) -> None:
    named = [completion for completion in completions if "object" in completion.body]
    if not named:
        raise DoesNotApply("no completion has the member object")
    for completion in named:
        kind = completion.body["object"]
        expect(kind == "chat.completion", completion.id, expected='"object": "chat.completion"', actual=quoted(kind))


@requirement("completion.id-unique", "completion/*", "robustness/*")
def test_ids_are_unique(completions: Sequence[Completion], observations: Observations, expect: Expect) -> None:
    for completion in completions:
        given = completion.body.get("id")
        expect(
            isinstance(given, str) and given != "",
            completion.id,
            expected="a non-empty string as id",
            actual=quoted(given) if "id" in completion.body else "no id",
        )
    answers, _ = observations.answers(observations.probes.values())
    expect_own_ids(ids_of(answers, observations), expect)


@requirement("completion.model-named", "completion/*")
def test_the_model_is_named(completions: Sequence[Completion], expect: Expect) -> None:
    for completion in completions:
        model = completion.body.get("model")
        expect(
            isinstance(model, str) and model.strip() != "",
            completion.id,
            expected="the model's name",
            actual=quoted(model) if "model" in completion.body else "no model",
        )


@requirement("completion.choices", "completion/*", "request.n.*")
def test_there_are_as_many_choices_as_were_asked_for(completions: Sequence[Completion], expect: Expect) -> None:
    for completion in completions:
        count = completion.answered.requested("n") or 1
        if not isinstance(count, int):
            continue  # such as 2.0, which some targets accept as a number of choices and others refuse
        indexes = [choice.get("index") for choice in completion.choices]
        expect(
            sorted(indexes, key=str) == sorted(range(count), key=str),
            completion.id,
            expected=f"{count} choice(s), with the indexes 0 to {count - 1}",
            actual=f"{len(indexes)} choice(s), with the indexes {quoted(indexes)}",
        )


@requirement("completion.content-key", "completion/*")
def test_each_message_has_the_key_content(completions: Sequence[Completion], expect: Expect) -> None:
    for completion in completions:
        for choice in completion.choices:
            message = choice.get("message")
            expect(
                isinstance(message, dict) and "content" in message,
                completion.id,
                expected="a message with the key content",
                actual=f"message: {quoted(message)}",
            )


@requirement("completion.stream-declined", "completion/plain", "completion/stream-false")
def test_without_stream_the_answer_is_one_document(answers: Sequence[Answered], expect: Expect) -> None:
    for answered in _successes(answers):
        declared = answered.answer.header("content-type")
        framed = is_event_stream(declared) or answered.answer.body.lstrip().startswith(b"data:")
        expect(not framed, answered.id, expected="one JSON document", actual="an event stream")


@requirement("completion.default-model", "completion/default-model")
def test_the_model_may_be_left_out(answers: Sequence[Answered], observations: Observations, expect: Expect) -> None:
    expect_served(answers, observations, expect, "a completion by the default model")
    model = observations.contract.operation.properties.get("model")
    default, known = (model.get("default"), model.get("enum", ())) if isinstance(model, Mapping) else (None, ())
    for answered in answers:
        found = observations.completion(answered)
        if not isinstance(found, Completion) or not isinstance(default, str):
            continue
        named = found.body.get("model")
        others = [one for one in known if one != default and isinstance(named, str) and named.startswith(one)]
        is_another = bool(others) and not str(named).startswith(default)
        expect(
            not is_another,
            answered.id,
            expected=f"the default model, {quoted(default)}",
            actual=f"`model`: {quoted(named)}",
        )


@requirement("completion.charset", "completion/*", "error/*")
def test_the_charset_is_utf_8(answers: Sequence[Answered], expect: Expect) -> None:
    for answered in answers:
        declared = answered.answer.header("content-type") or ""
        if essence(declared) == "text/html":
            continue  # a page of a proxy is no JSON, and says so; other requirements are broken by it
        charset = parameters(declared).get("charset", "utf-8")
        expect(
            charset.lower() in {"utf-8", "utf8"},
            answered.id,
            expected="no charset other than UTF-8",
            actual=f"Content-Type: {quoted(declared)}",
        )


@requirement("completion.finish-reason", "completion/*")
def test_the_finish_reason_is_known(completions: Sequence[Completion], expect: Expect) -> None:
    for completion in completions:
        for choice in completion.choices:
            reason = choice.get("finish_reason")
            expect(
                isinstance(reason, str) and reason in FINISH_REASONS,
                completion.id,
                expected=f"one of {', '.join(sorted(FINISH_REASONS))}",
                actual=f"the finish_reason {quoted(reason)}",
            )


@requirement("completion.no-control-tokens", "completion/*", "stream/*")
def test_no_text_has_control_tokens_of_a_chat_template(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    for one in answer_texts(answers, observations):
        found = control_token(one.text)
        is_quoted = found is not None and found.encode() in one.answered.exchange.request.body
        expect(
            found is None or is_quoted,
            one.answered.id,
            expected="a text without control tokens",
            actual=f"{quoted(found or '')} in the text {quoted(one.text)}",
        )
    if not expect.judged:
        raise DoesNotApply("no answer of this run has a text")


@requirement("completion.text-intact", "completion/multibyte")
def test_text_is_not_damaged(completions: Sequence[Completion], expect: Expect) -> None:
    for completion in completions:
        for text in completion.texts:
            # A limit may cut a character that takes several tokens, so a damaged end does not count.
            expect(
                REPLACEMENT not in text.rstrip(REPLACEMENT),
                completion.id,
                expected="text without replacement characters (U+FFFD)",
                actual=quoted(text),
            )


def _began(completion: Completion) -> float:
    """When the request was sent, in seconds since 1970."""
    return began(completion.answered.exchange)


def _ended(completion: Completion) -> float:
    """When the answer was complete."""
    return ended(completion.answered.exchange)


def _ahead(completion: Completion, created: float) -> float:
    """How many seconds `created` is ahead of the client's clock, or of the deployment's own, whichever is nearer."""
    if not math.isfinite(created):
        return math.inf
    since, until = created - _began(completion), created - _ended(completion)
    by_client = max(0.0, until) + min(0.0, since)
    try:
        stated = parsedate_to_datetime(completion.answered.answer.header("date") or "").timestamp()
    except (TypeError, ValueError):
        return by_client
    return min(by_client, created - stated, key=abs)


def apart(seconds: float) -> str:
    """How far a time is from the right one, in words; whole hours are those of another time zone."""
    side = "ahead of it" if seconds > 0 else "behind it"
    halves = round(seconds / 1800)
    if halves and abs(halves) < 2 * MOST_HOURS and abs(seconds - 1800 * halves) <= NEARLY:
        return f"{abs(halves) / 2:g} h {side}, as by the clock of another time zone"
    return f"{abs(seconds) / 60:.0f} min {side}"


def _dated(completions: Sequence[Completion]) -> list[tuple[Completion, float]]:
    """The completions that say when they were made; whether each must, the schema says."""
    if not any("created" in one.body for one in completions):
        raise DoesNotApply("no completion has the member created")
    dated = [(one, one.body.get("created")) for one in completions]
    return [(one, at) for one, at in dated if isinstance(at, (int, float)) and not isinstance(at, bool)]


def _successes(answers: Sequence[Answered]) -> list[Answered]:
    successes = [answered for answered in answers if answered.answer.status == 200]
    if not successes:
        raise NotTestable("no valid request was answered with 200", *(answered.id for answered in answers))
    return successes
