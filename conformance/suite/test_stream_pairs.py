"""Streams compared with the answers to the same requests without streaming."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.probes import Probe
from conformance.quoting import quoted
from conformance.suite.expect import DoesNotApply, Expect, NotTestable
from conformance.suite.marks import requirement
from conformance.suite.observations import Completion, Observations, Stream
from conformance.suite.stream_pairs import (
    differences,
    forms,
    has_enough_deltas,
    lost_text,
    lost_whitespace,
    pairs,
    prompt_differences,
    repeated_texts,
)

TWINS = (
    *("stream/plain", "stream/again", "stream/one-token", "stream/two-choices", "stream/usage"),
    *("completion/long-answer", "completion/one-token", "completion/two-choices"),
)


@requirement("stream.equivalent", *TWINS)
def test_a_stream_agrees_with_the_answer_without_streaming(
    streams: Sequence[Stream],
    completions: Sequence[Completion],
    probes: Sequence[Probe],
    observations: Observations,
    expect: Expect,
) -> None:
    finished = [stream for stream in streams if stream.reading.is_finished]
    for pair in pairs(finished, completions):
        expect.looked_at(pair.stream.id)
        for one in differences(pair):
            expect(False, pair.stream.id, expected=one.expected, actual=one.actual)
    for exchange, found in prompt_differences(pairs(finished, completions, "messages")).items():
        expect.looked_at(exchange)
        if found is not None:
            expect(False, exchange, expected=found.expected, actual=found.actual)
    if not expect.judged:
        # That a twin was not sent, or was refused for load, is not a fault of the target.
        _, obstacles = observations.answers(probes)
        raise (
            obstacles[0]
            if obstacles
            else NotTestable(
                "no stream finished whose request was also served without streaming",
                *(stream.id for stream in streams),
                because="stream.finish-once",
            )
        )


@requirement("stream.nothing-lost", "stream/plain", "stream/again", "completion/long-answer")
def test_no_part_of_the_text_is_lost(
    streams: Sequence[Stream], completions: Sequence[Completion], expect: Expect
) -> None:
    compared = [pair for pair in pairs(streams, completions) if len(pair.stream.reading.choices) == 1]
    repeated = repeated_texts(compared)
    if not repeated:
        raise DoesNotApply("the target does not give the same request the same text twice")
    for pair in compared:
        expect.looked_at(pair.stream.id)
        found = lost_text(pair, repeated)
        if found is not None:
            expect(False, pair.stream.id, expected=found.expected, actual=found.actual)


@requirement("stream.same-form", *TWINS)
def test_ids_and_models_look_alike(
    streams: Sequence[Stream], completions: Sequence[Completion], expect: Expect
) -> None:
    for stream in streams:
        for form in forms(stream, completions):
            expect(form.given in form.known, stream.id, expected=form.expected, actual=quoted(form.given))
    if not expect.judged:
        raise DoesNotApply("neither the ids nor the models of the target can be compared")


@requirement("stream.whitespace", "stream/plain", "stream/again", "completion/long-answer")
def test_white_space_is_not_lost(streams: Sequence[Stream], completions: Sequence[Completion], expect: Expect) -> None:
    compared = [pair for pair in pairs(streams, completions) if has_enough_deltas(pair.stream)]
    if len(compared) < 2:
        raise DoesNotApply("fewer than two streams have enough deltas with text to be compared")
    lost = [(pair, found) for pair in compared if (found := lost_whitespace(pair)) is not None]
    for pair in compared:
        expect.looked_at(pair.stream.id)
    # In one stream the model may have run its words together; in all of them it has not.
    for pair, found in lost if len(lost) == len(compared) else ():
        expect(False, pair.stream.id, expected=found.expected, actual=found.actual)
