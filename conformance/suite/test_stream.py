"""Streams: framing, chunks and their sequence, judged from the bytes and times of each read.

The readers find what is wrong and where; a test here says which requirement that breaks.
"""

from __future__ import annotations

from collections.abc import Sequence

from conformance.contract.model import Requirement
from conformance.probes import Probe
from conformance.probes.access import TENANTS_AT_ONCE
from conformance.probes.completions import LOGPROBS
from conformance.probes.model import LIMIT_FIELDS
from conformance.probes.reasoning import USED_UP
from conformance.probes.streams import STREAM_LOGPROBS
from conformance.quoting import quoted
from conformance.suite.answer_judging import expect_own_ids, planned
from conformance.suite.combined_requests import was_taken_apart
from conformance.suite.cross_talk import answer_texts, foreign_canaries, ids_of
from conformance.suite.delivery_judging import (
    CODED,
    LATENCY,
    LONGER_STREAM,
    MIDDLE,
    SHORT,
    judge_coded_delivery,
    judge_delivery,
    latency_of,
)
from conformance.suite.expect import DoesNotApply, Expect, NotTestable
from conformance.suite.marks import keywords, requirement
from conformance.suite.observations import Answered, Completion, Observations, Stream, status_of
from conformance.suite.obstacles import worst
from conformance.suite.readers import Readers
from conformance.suite.stream_judging import judge_assembled, judge_chunks, judge_ends, judge_status, judge_streams
from conformance.suite.stream_pairs import lists_every_token, unlisted_tokens
from conformance.suite.used_up import expect_used_up_to_say_so, is_all_it_says

STREAMS = "stream/*"
SHORTEST = "stream/one-token"
LISTED = (STREAM_LOGPROBS, f"{STREAM_LOGPROBS}/alone")


@keywords("stream.chunk", STREAMS)
def test_a_chunk_fits_the_keyword(
    keyword: Requirement, streams: Sequence[Stream], readers: Readers, expect: Expect
) -> None:
    judge_chunks(keyword, streams, readers, expect)


@requirement("stream.status", STREAMS)
def test_a_stream_is_answered_with_200(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    # That a stop sequence and log probabilities are not taken together, another requirement tells.
    own = [one for one in probes if one.name != STREAM_LOGPROBS or not was_taken_apart(one, observations)]
    judge_status(own, observations, expect)


@requirement("stream.media-type", STREAMS)
def test_the_media_type_is_event_stream(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.utf8", STREAMS)
def test_the_bytes_are_utf8(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.field-names", STREAMS)
def test_every_field_is_one_of_the_standards(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.line-length", STREAMS)
def test_no_line_is_longer_than_a_client_can_hold(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.terminated", STREAMS)
def test_the_last_event_is_ended_by_a_blank_line(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.no-empty-event", STREAMS)
def test_no_event_is_empty(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.json", STREAMS)
def test_each_event_is_one_json_document(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.json-duplicate-keys", STREAMS)
def test_no_name_stands_twice_in_an_object(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.json-interoperable", STREAMS)
def test_every_parser_reads_the_json_alike(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.event-kind", STREAMS)
def test_each_event_is_a_chunk_an_error_or_the_sentinel(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.not-empty", STREAMS)
def test_a_stream_has_a_chunk(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.done-once", STREAMS)
def test_the_sentinel_comes_once(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.done-last", STREAMS)
def test_nothing_follows_the_sentinel(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.done-absent-after-error", STREAMS)
def test_no_sentinel_follows_an_error(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.ends", STREAMS)
def test_the_body_ends_with_the_stream(streams: Sequence[Stream], observations: Observations, expect: Expect) -> None:
    judge_ends(streams, observations.exchanges, expect)


@requirement("stream.id-constant", STREAMS)
def test_all_chunks_have_one_id(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.object", STREAMS)
def test_each_chunk_says_what_it_is(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.created-constant", STREAMS)
def test_all_chunks_have_one_time(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.model-constant", STREAMS)
def test_all_chunks_have_one_model(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.role", STREAMS)
def test_the_role_is_the_assistants(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.role-first", STREAMS)
def test_the_role_comes_first(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.index-range", STREAMS)
def test_the_indexes_are_those_of_the_choices(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.finish-once", STREAMS)
def test_each_choice_finishes_once(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.finish-reason", STREAMS)
def test_the_finish_reason_is_an_allowed_one(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.nothing-after-finish", STREAMS)
def test_nothing_follows_a_choices_finish(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.content-increments", STREAMS)
def test_deltas_are_increments(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.content-intact", STREAMS)
def test_text_is_not_damaged(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.max-tokens", STREAMS)
def test_the_token_limit_is_kept(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.stop", STREAMS)
def test_no_stop_sequence_is_in_the_text(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.usage-when-asked", STREAMS)
def test_usage_comes_when_asked_for(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.usage-nowhere-else", STREAMS)
def test_one_chunk_alone_has_the_usage(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.usage-absent-unasked", STREAMS)
def test_no_usage_chunk_comes_unasked(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.usage-sum", STREAMS)
def test_the_usage_adds_up(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.usage-after-finish", STREAMS)
def test_usage_comes_after_all_choices_finished(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.usage-choices-empty", STREAMS)
def test_the_usage_chunk_has_no_choices(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.error-recognisable", STREAMS)
def test_an_error_in_a_stream_is_recognisable(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.error-terminal", STREAMS)
def test_nothing_follows_an_error(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


@requirement("stream.logprobs", *LISTED, LOGPROBS, f"{LOGPROBS}/alone")
def test_log_probabilities_cover_the_text(
    streams: Sequence[Stream],
    completions: Sequence[Completion],
    probes: Sequence[Probe],
    observations: Observations,
    expect: Expect,
) -> None:
    judge_streams(streams, expect)
    # Only a target that lists every token without streaming can be expected to do so in a stream.
    if completions and all(map(lists_every_token, completions)):
        for stream in streams:
            listed, counted = unlisted_tokens(stream) or (0, 0)
            expected = f"log probabilities of {counted} tokens, which is what the usage counts"
            expect(listed == counted, stream.id, expected=expected, actual=f"{listed}")
    if not expect.findings:
        _judge_others_with_logprobs(probes, observations, expect)


def _judge_others_with_logprobs(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    """Judge that the texts of all other streams have log probabilities as well, where they were requested."""
    for one in observations.beside(probes, streamed=True):
        stream = observations.stream(one) if one.requested("logprobs") is True else None
        for choice in stream.reading.choices.values() if isinstance(stream, Stream) else ():
            if choice.content and not choice.calls:
                expected = f"log probabilities for {one.probe.about}, as for {probes[0].about}"
                expect(bool(choice.tokens), one.id, expected=expected, actual="none beside the text")


@requirement("stream.logprobs-consistent", *LISTED)
def test_log_probabilities_agree_with_one_another(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams(streams, expect)


OF_TENANTS = f"{TENANTS_AT_ONCE}*"
ROBUSTNESS = ("robustness/at-once-*", "robustness/hang-up")


@requirement("stream.id-unique", "stream/*", "completion/long-answer", *ROBUSTNESS, OF_TENANTS)
def test_no_two_answers_have_one_id(answers: Sequence[Answered], observations: Observations, expect: Expect) -> None:
    expect_own_ids(ids_of(answers, observations), expect)


# What a client left behind may come with whichever answer is next.
@requirement(
    "stream.own-answer",
    *("stream/*", "completion/*", "request/*", "client/*", "drawn/valid/*", "robustness/*", OF_TENANTS),
)
def test_no_answer_has_the_text_of_another(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    texts = list(answer_texts(answers, observations))
    for one in texts:
        expect.looked_at(one.answered.id)
    for one, canary, owner in foreign_canaries(texts):
        actual = f"{quoted(canary)}, which only the request {owner} has"
        expect(False, one.answered.id, expected="an answer to its own request", actual=actual)


APART = "stream/plain"
OTHER_SCRIPTS = ("stream/multibyte", "stream/*-on-connection")
ITS_TEXT_ALONE = "completion/multibyte"
ON_ONE_CONNECTION = (*OTHER_SCRIPTS, "stream/again", "stream/one-token")


# The answer that is not streamed goes first on the connection; other tests judge it.
@requirement("stream.connection-reuse", APART, "completion/stream-false", ITS_TEXT_ALONE, *ON_ONE_CONNECTION)
def test_further_streams_on_a_connection_are_served_like_the_first(observations: Observations, expect: Expect) -> None:
    apart, missing = observations.answers(observations.matching([APART]))
    if not apart and missing:
        raise worst(missing)
    for found in map(observations.stream, apart):
        if isinstance(found, DoesNotApply):
            raise found
    if not any(observations.served(one) for one in apart):
        why = f"{APART}, which deliberately has a connection of its own, has no readable chunk"
        raise NotTestable(why, *(one.id for one in apart), because="stream.not-empty")
    answered, obstacles = observations.answers(observations.matching(_on_one_connection(observations)))
    for one in answered:
        served = observations.served(one)
        expect(served, one.id, expected=f"an answer like any other to {one.probe.about}", actual=status_of(one))
    expect.missing_answers("an answer to each request on a kept-alive connection", obstacles)


def _on_one_connection(observations: Observations) -> tuple[str, ...]:
    """The streams that show their connection; where their text is an error without a stream, too, it is the text."""
    alone, _ = observations.answers(observations.matching([ITS_TEXT_ALONE]))
    if all(observations.served(one) for one in alone):
        return ON_ONE_CONNECTION
    return tuple(name for name in ON_ONE_CONNECTION if name not in OTHER_SCRIPTS)


@requirement("stream.finish-reason-length", SHORTEST, STREAMS, f"{USED_UP}-streamed")
def test_a_stream_that_was_cut_says_so(observations: Observations, expect: Expect) -> None:
    expect_used_up_to_say_so(observations, expect, streamed=True)
    streams = list(observations.usable(planned([SHORTEST], observations), observations.stream))
    for stream in streams:
        _expect_length(stream, observations, expect)
    reasons = [choice.finish_reason for stream in streams for choice in stream.reading.choices.values()]
    if not expect.judged and any(reasons):
        raise DoesNotApply("the model ended by itself, before the limit was reached")
    if not expect.judged:
        why = f"{streams[0].id}: no choice of the stream has a finish_reason"
        raise NotTestable(why, *(stream.id for stream in streams), because="stream.finish-once")


def _expect_length(stream: Stream, observations: Observations, expect: Expect) -> None:
    """Expect a long answer to say that its limit cut it, unless the limit is one that it may not have reached."""
    for choice in stream.reading.choices.values():
        ended_before = choice.finish_reason == "stop" and (
            not choice.length or _limit(stream) > 1 or is_all_it_says(stream.answered, choice.content, observations)
        )
        if choice.finish_reason is not None and not ended_before:
            expect(
                choice.finish_reason in {"length", "content_filter"},
                stream.id,
                expected="the finish_reason 'length' for a long answer that is limited to one token",
                actual=f"the finish_reason {quoted(choice.finish_reason)}",
            )


def _limit(stream: Stream) -> int:
    """The token limit of a stream."""
    return next((limit for name in LIMIT_FIELDS if isinstance(limit := stream.answered.requested(name), int)), 1)


@requirement("stream.assembled", "stream/*")
def test_the_chunks_make_a_completion(
    streams: Sequence[Stream], readers: Readers, row: Requirement, expect: Expect
) -> None:
    judge_assembled(row, streams, readers, expect)


@requirement("stream.delivered", *SHORT, *LATENCY, MIDDLE, *LONGER_STREAM)
def test_a_stream_is_delivered_as_it_is_generated(observations: Observations, expect: Expect) -> None:
    judge_delivery(observations, expect)


@requirement("stream.delivered-coded", *CODED, *LATENCY)
def test_a_compressed_stream_is_delivered_as_it_is_generated(
    streams: Sequence[Stream], observations: Observations, expect: Expect
) -> None:
    judge_coded_delivery(streams, latency_of(observations), expect)
