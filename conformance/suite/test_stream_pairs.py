"""Streams compared with the answers to the same requests without streaming."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from conformance.probes import Probe
from conformance.probes.streams import STOP_ACROSS, STREAM_USAGE
from conformance.quoting import quoted
from conformance.suite.expect import DoesNotApply, Expect, NotTestable
from conformance.suite.marks import requirement
from conformance.suite.observations import Completion, Observations, Stream
from conformance.suite.stopped_texts import inexact, stopped_texts
from conformance.suite.stream_pairs import (
    Difference,
    differences,
    forms,
    has_enough_deltas,
    lost_whitespace,
    pairs,
    prompt_differences,
)
from conformance.suite.stream_texts import TextPair, added, lost, spaced, text_pairs

TWINS = (
    *("stream/plain", "stream/again", "stream/one-token", "stream/two-choices", "stream/usage"),
    *("completion/long-answer", "completion/one-token", "completion/two-choices"),
)
MULTIBYTE = ("stream/multibyte", "stream/first-on-connection", "completion/multibyte")
LONG = ("stream/long", "completion/long", "completion/long-again")
TEXTS = (
    *("stream/plain", "stream/again", "completion/long-answer"),
    *MULTIBYTE,
    *("stream/two-choices", "completion/two-choices"),
    *LONG,
    *("stream/longer", "stream/longer-again", "completion/longer"),
)
"""Streams and the same requests without streaming, each sent often enough to see whether the target repeats itself."""
NOT_REPEATED = "the target did not answer one request twice with the same text and the same finish_reason"


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


@requirement("stream.nothing-lost", *TEXTS)
def test_no_part_of_the_text_is_lost(
    streams: Sequence[Stream], completions: Sequence[Completion], expect: Expect
) -> None:
    _judge_texts(streams, completions, lost, expect)


@requirement("stream.nothing-added", *TEXTS)
def test_nothing_is_added_to_the_text(
    streams: Sequence[Stream], completions: Sequence[Completion], expect: Expect
) -> None:
    _judge_texts(streams, completions, added, expect)


def _judge_texts(
    streams: Sequence[Stream],
    completions: Sequence[Completion],
    damage: Callable[[TextPair], Difference | None],
    expect: Expect,
) -> None:
    """Expect the text of each stream to be that of its twin, as far as this kind of damage goes."""
    compared = text_pairs(pairs(streams, completions))
    if not compared:
        raise DoesNotApply(NOT_REPEATED)
    for text in compared:
        expect.looked_at(text.stream)
        found = damage(text)
        if found is not None:
            expect(False, text.stream, expected=found.expected, actual=found.actual)


@requirement("stream.stop-exact", *TEXTS, STREAM_USAGE, STOP_ACROSS)
def test_a_text_ends_where_its_stop_sequence_begins(
    streams: Sequence[Stream], completions: Sequence[Completion], expect: Expect
) -> None:
    compared = text_pairs(pairs(streams, completions))
    if not compared:
        raise DoesNotApply(NOT_REPEATED)
    stopped = stopped_texts(streams, compared)
    kept = [one.stream for one in stopped if one.has_sequence]
    for one in stopped:
        if one.is_of_the_whole and not one.has_sequence:
            expect.looked_at(one.stream)
            found = inexact(one)
            if found is not None:
                expect(False, one.stream, expected=found.expected, actual=found.actual)
    if kept and not expect.judged:
        raise NotTestable(f"{kept[0]}: the stop sequence stays in the text", *kept, because="stream.stop")
    if not expect.judged:
        raise DoesNotApply("no stream that says `stop` ended at a stop sequence in a text that the target repeats")


@requirement("stream.same-form", *TWINS)
def test_ids_and_models_look_alike(
    streams: Sequence[Stream], completions: Sequence[Completion], expect: Expect
) -> None:
    for stream in streams:
        for form in forms(stream, completions):
            expect(form.given in form.known, stream.id, expected=form.expected, actual=quoted(form.given))
    if not expect.judged:
        raise DoesNotApply("neither the ids nor the models of the target can be compared")


@requirement(
    "stream.whitespace",
    *("stream/plain", "stream/again", "completion/long-answer"),
    *LONG,
    *MULTIBYTE,
)
def test_white_space_is_not_lost(streams: Sequence[Stream], completions: Sequence[Completion], expect: Expect) -> None:
    alike = [pair for pair in pairs(streams, completions) if has_enough_deltas(pair.stream)]
    compared = [pair for pair in alike if pair.stream.answered.probe.name not in MULTIBYTE]
    if len(compared) < 2:
        raise DoesNotApply("fewer than two streams have enough deltas with text to be compared")
    lacking = [(pair, found) for pair in compared if (found := lost_whitespace(pair)) is not None]
    for pair in compared:
        expect.looked_at(pair.stream.id)
    # In one stream the model may have run its words together; in all of them it has not.
    if len(lacking) == len(compared):
        for pair, found in lacking:
            expect(False, pair.stream.id, expected=found.expected, actual=found.actual)
        return
    for text in text_pairs(alike):
        expect.looked_at(text.stream)
        changed = spaced(text)
        if changed is not None:
            expect(False, text.stream, expected=changed.expected, actual=changed.actual)
