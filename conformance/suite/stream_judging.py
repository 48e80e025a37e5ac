"""Judges streams by what the readers found in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import quantiles
from typing import Final

from conformance.contract.model import Level, Requirement
from conformance.probes import Probe
from conformance.reading import StreamReading, assembled_deviations, keyword_key
from conformance.reading.transfer import TARGET_ENDED
from conformance.suite.expect import CannotTell, DoesNotApply, Expect, NotTestable
from conformance.suite.keyword_judging import hides
from conformance.suite.observations import Observations, Stream, status_of
from conformance.suite.obstacles import worst
from conformance.suite.readers import Readers
from conformance.wire import EndKind, Exchange

_ENOUGH_REFUSALS: Final = 10
"""Fewer refusals than these do not show how slow a deployment is in doing nothing."""


def judge_status(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    """Expect every request for a stream to be answered, with the status 200.

    Raises:
        CannotTell, DoesNotApply, NotSent: no answer decides it; the gravest reason.
    """
    answered, obstacles = observations.due(probes)
    for one in answered:
        actual = status_of(one)
        expect(one.answer.status == 200, one.id, expected="the status 200", actual=actual, at=one.answer.headers_at)
    expect.missing_answers("an answer with the status 200", obstacles)
    if not expect.judged:
        raise worst(obstacles)


def judge_streams(streams: Sequence[Stream], expect: Expect) -> None:
    """Expect that no stream that could break the requirement does.

    Raises:
        NotTestable: no stream had a readable chunk.
        CannotTell: every stream was cut at one of our own limits, or could not be read to its end.
        DoesNotApply: no stream shows what the requirement is about.
    """
    requirement = expect.requirement.id
    for stream in streams:
        if requirement in stream.reading.applicable:
            expect.looked_at(stream.id)
            expect.deviations(stream.id, stream.reading.broke(requirement))
    if expect.judged:
        return
    if not any(stream.reading.chunks for stream in streams):
        raise _without_chunk(streams[0])
    cut = [why for stream in streams if (why := _why_cut(stream.reading))]
    if len(cut) == len(streams):
        raise CannotTell(f"{streams[0].id}: {cut[0]}")
    raise DoesNotApply("no stream of this run shows what this requirement is about")


def judge_ends(streams: Sequence[Stream], exchanges: Iterable[Exchange], expect: Expect) -> None:
    """Expect each stream to end, and to do so soon after the event that ends it.

    Where the refusals of the run, which generate nothing, take as long, a late end shows a busy machine and no fault.

    Raises:
        CannotTell: every stream ended so late that it may be the machine.
        NotTestable, DoesNotApply: as `judge_streams`.
    """
    slow = slowness(exchanges)
    late = [
        stream for stream in streams if 0 < _lingered(stream.reading) <= slow and stream.reading.broke("stream.ends")
    ]
    if late and len(late) == len(streams):
        seconds = _lingered(late[0].reading)
        why = f"the body ended {seconds:.3f} s after the event that ends the stream"
        raise CannotTell(f"{late[0].id}: {why}, but one refusal in ten takes {slow:.3f} s or longer as well")
    judge_streams([stream for stream in streams if stream not in late], expect)


def slowness(exchanges: Iterable[Exchange]) -> float:
    """The seconds that one refusal in ten takes at least, or 0 where there are too few of them to say."""
    refused = [
        one.ending.at
        for one in exchanges
        if one.answer is not None and 400 <= one.answer.status < 500 and one.ending.kind is EndKind.COMPLETE
    ]
    return quantiles(refused, n=10)[-1] if len(refused) >= _ENOUGH_REFUSALS else 0.0


def _lingered(reading: StreamReading) -> float:
    """The seconds from the event that ends a stream to the end of its body, 0 where one of them did not come."""
    terminal, ending = reading.sequence.terminal_at, reading.ending
    if terminal is None or ending is None or ending.kind is not EndKind.COMPLETE:
        return 0.0
    return ending.at - terminal


def _without_chunk(stream: Stream) -> NotTestable:
    why = f"{stream.id}: the answer to a request for a stream has no readable chunk"
    return NotTestable(why, stream.id, because="stream.not-empty")


def _why_cut(reading: StreamReading) -> str | None:
    """Why a stream was not read to the end that the target gave it, or None if it was."""
    if reading.problem is not None:
        return f"the stream could not be read to its end: {reading.problem}"
    if reading.ending is None or reading.ending.kind in TARGET_ENDED:
        return None
    return f"the stream was not read to its end: {reading.ending.kind.value} ({reading.ending.detail})"


def judge_chunks(row: Requirement, streams: Sequence[Stream], readers: Readers, expect: Expect) -> None:
    """Judge the chunks of streams by one keyword of their schema.

    Raises:
        NotTestable: there is no readable chunk, or a required member above the keyword's place is missing.
        DoesNotApply: no chunk has that place, and none must have it.
    """
    assert row.keyword is not None
    key = keyword_key(row.keyword)
    in_the_way: list[NotTestable] = []
    for stream in streams:
        broken = stream.reading.broke("stream.chunk")
        if key in stream.reading.reached:
            expect.looked_at(stream.id)
        expect.deviations(stream.id, [one for one in broken if one.pointer == key])
        for one in broken:
            pointer, _, name = (one.pointer or "").partition("#")
            hidden = hides(pointer, name or None, row.keyword.pointer)
            if hidden and readers.binds("stream.chunk", one.pointer or ""):
                in_the_way.append(NotTestable(f"{stream.id}: event {one.event}: {one.actual}", stream.id))
    if expect.judged:
        return
    if not any(stream.reading.chunks for stream in streams):
        in_the_way.append(_without_chunk(streams[0]))
    if in_the_way:
        raise in_the_way[0]
    raise DoesNotApply("no chunk has a value that this keyword applies to")


def judge_assembled(row: Requirement, streams: Sequence[Stream], readers: Readers, expect: Expect) -> None:
    """Expect the chunks of each finished stream to add up to a completion of the contract's schema.

    A keyword below MUST does not count against a requirement that is a MUST.

    Raises:
        NotTestable: no stream finished.
        DoesNotApply: the contract says nothing of a completion.
    """
    judge = readers.schema("completion")
    if judge.schema is True:
        raise DoesNotApply("the contract has no schema of a completion")
    for stream in streams:
        if not stream.reading.is_finished:
            continue
        expect.looked_at(stream.id)
        for one in assembled_deviations(stream.reading, judge):
            if row.level is not Level.MUST or readers.binds("completion", one.key):
                place = one.instance_path or "the whole"
                expect(False, stream.id, expected=f"put together, {place}: {one.expected}", actual=one.actual)
    if not expect.judged:
        unfinished = [stream.id for stream in streams]
        raise NotTestable(f"{unfinished[0]}: no stream finished", *unfinished, because="stream.finish-once")
