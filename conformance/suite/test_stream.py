"""Streams: framing, chunks and their sequence, judged from the bytes and times of each read.

The readers find what is wrong and say where; a test here says which requirement it is about.
"""

from __future__ import annotations

from collections.abc import Sequence

from conformance.contract.model import Requirement
from conformance.reading import deliver, judge_buffering
from conformance.reading.delivery import SHORTEST_LATENCY
from conformance.suite.expect import DoesNotApply, Expect
from conformance.suite.marking import keywords, requirement
from conformance.suite.observations import Observations, Stream
from conformance.suite.readers import Readers
from conformance.suite.stream_judging import judge_chunks, judge_streams

STREAMS = "stream/*"


@keywords("stream.chunk", STREAMS)
def test_a_chunk_fits_the_keyword(
    keyword: Requirement, streams: Sequence[Stream], readers: Readers, expect: Expect
) -> None:
    judge_chunks(keyword, streams, readers, expect)


@requirement("stream.status", STREAMS)
def test_a_stream_is_answered_with_200(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.status", streams, expect)


@requirement("stream.media-type", STREAMS)
def test_the_media_type_is_event_stream(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.media-type", streams, expect)


@requirement("stream.utf8", STREAMS)
def test_the_bytes_are_utf8(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.utf8", streams, expect)


@requirement("stream.field-names", STREAMS)
def test_every_field_is_one_of_the_standards(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.field-names", streams, expect)


@requirement("stream.line-length", STREAMS)
def test_no_line_is_longer_than_a_client_can_hold(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.line-length", streams, expect)


@requirement("stream.terminated", STREAMS)
def test_the_last_event_is_ended_by_a_blank_line(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.terminated", streams, expect)


@requirement("stream.no-empty-event", STREAMS)
def test_no_event_is_empty(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.no-empty-event", streams, expect)


@requirement("stream.json", STREAMS)
def test_each_event_is_one_json_document(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.json", streams, expect)


@requirement("stream.json-duplicate-keys", STREAMS)
def test_no_name_stands_twice_in_an_object(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.json-duplicate-keys", streams, expect)


@requirement("stream.json-interoperable", STREAMS)
def test_the_json_is_read_alike_by_all(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.json-interoperable", streams, expect)


@requirement("stream.event-kind", STREAMS)
def test_each_event_is_a_chunk_an_error_or_the_sentinel(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.event-kind", streams, expect)


@requirement("stream.not-empty", STREAMS)
def test_a_stream_has_a_chunk(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.not-empty", streams, expect)


@requirement("stream.done-once", STREAMS)
def test_the_sentinel_comes_once(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.done-once", streams, expect)


@requirement("stream.done-last", STREAMS)
def test_nothing_follows_the_sentinel(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.done-last", streams, expect)


@requirement("stream.done-absent-after-error", STREAMS)
def test_no_sentinel_follows_an_error(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.done-absent-after-error", streams, expect)


@requirement("stream.ends", STREAMS)
def test_the_body_ends_with_the_stream(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.ends", streams, expect)


@requirement("stream.id-constant", STREAMS)
def test_all_chunks_have_one_id(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.id-constant", streams, expect)


@requirement("stream.object", STREAMS)
def test_each_chunk_says_what_it_is(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.object", streams, expect)


@requirement("stream.created-constant", STREAMS)
def test_all_chunks_have_one_time(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.created-constant", streams, expect)


@requirement("stream.model-constant", STREAMS)
def test_all_chunks_have_one_model(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.model-constant", streams, expect)


@requirement("stream.role", STREAMS)
def test_the_role_is_the_assistants(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.role", streams, expect)


@requirement("stream.role-first", STREAMS)
def test_the_role_comes_first(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.role-first", streams, expect)


@requirement("stream.index-range", STREAMS)
def test_the_indexes_are_those_of_the_choices(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.index-range", streams, expect)


@requirement("stream.finish-once", STREAMS)
def test_each_choice_finishes_once(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.finish-once", streams, expect)


@requirement("stream.finish-reason", STREAMS)
def test_the_finish_reason_is_an_allowed_one(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.finish-reason", streams, expect)


@requirement("stream.nothing-after-finish", STREAMS)
def test_nothing_follows_a_choices_finish(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.nothing-after-finish", streams, expect)


@requirement("stream.content-increments", STREAMS)
def test_deltas_are_increments(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.content-increments", streams, expect)


@requirement("stream.content-intact", STREAMS)
def test_text_is_not_damaged(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.content-intact", streams, expect)


@requirement("stream.max-tokens", STREAMS)
def test_the_token_limit_is_kept(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.max-tokens", streams, expect)


@requirement("stream.stop", STREAMS)
def test_no_stop_sequence_is_in_the_text(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.stop", streams, expect)


@requirement("stream.usage-when-asked", STREAMS)
def test_usage_comes_when_asked_for(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.usage-when-asked", streams, expect)


@requirement("stream.usage-absent-unasked", STREAMS)
def test_no_usage_chunk_comes_unasked(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.usage-absent-unasked", streams, expect)


@requirement("stream.usage-sum", STREAMS)
def test_the_usage_adds_up(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.usage-sum", streams, expect)


@requirement("stream.usage-after-finish", STREAMS)
def test_usage_comes_after_all_choices_finished(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.usage-after-finish", streams, expect)


@requirement("stream.usage-choices-empty", STREAMS)
def test_the_usage_chunk_has_no_choices(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.usage-choices-empty", streams, expect)


@requirement("stream.error-recognisable", STREAMS)
def test_an_error_in_a_stream_is_recognisable(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.error-recognisable", streams, expect)


@requirement("stream.error-terminal", STREAMS)
def test_nothing_follows_an_error(streams: Sequence[Stream], expect: Expect) -> None:
    judge_streams("stream.error-terminal", streams, expect)


@requirement("stream.delivered", "stream/plain", "stream/again", "completion/long-answer", "completion/one-token")
def test_a_stream_is_delivered_as_it_is_made(
    streams: Sequence[Stream], observations: Observations, expect: Expect
) -> None:
    whole = _duration("completion/long-answer", observations)
    generation = None if whole is None else whole - (_duration("completion/one-token", observations) or 0.0)
    if generation is None or generation < SHORTEST_LATENCY:
        # A slow start and then a fast model looks like buffering, and is not.
        raise DoesNotApply("the target makes a whole answer too fast to tell whether it holds streams back")
    judgement = judge_buffering([deliver(stream.reading.arrivals) for stream in streams], whole)
    if judgement.buffered is None:
        raise DoesNotApply(f"it cannot be told whether streams are held back: {judgement.why}")
    expected = "text that comes bit by bit, long before a whole answer would be ready"
    expect(not judgement.buffered, streams[0].id, expected=expected, actual=judgement.why)


def _duration(probe: str, observations: Observations) -> float | None:
    """Seconds from the request to the end of its answer."""
    answered, _ = observations.answers(observations.matching([probe]))
    return answered[0].exchange.ending.at if answered else None
