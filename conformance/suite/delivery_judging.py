"""Judges whether streams come as they are generated, and says whether a longer stream has to show it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from conformance.probes import Probe
from conformance.probes.delivery import ALREADY_SEEN, LONGER, NO_STREAM, START, TOO_QUICK
from conformance.probes.long_answers import LONG_TOKENS, LONGER_TOKENS
from conformance.probes.streams import STREAM, STREAM_AGAIN
from conformance.reading import (
    Delivery,
    Latency,
    LongerStreams,
    delivery_of,
    judge_buffering,
    judge_longer,
)
from conformance.reading.delivery import SHORTEST_GENERATION, BufferingJudgement
from conformance.suite.expect import CANNOT_JUDGE, DoesNotApply, Expect
from conformance.suite.observations import Observations, Stream

FIRST: Final = (STREAM,)
"""What is known when it is decided what more to send."""
SHORT: Final = (*FIRST, STREAM_AGAIN)
MIDDLE: Final = "stream/long"
CODED: Final = tuple(f"stream/{coding}{turn}" for coding in ("gzip", "br", "deflate") for turn in ("", "-again"))
LONGER_STREAM: Final = (START, LONGER)
LATENCY: Final = ("completion/long-answer", "completion/one-token", "completion/plain", "completion/again")
"""Probes that show how long answers take: a long one, a short one, and two that are alike."""
_MOST_HELD_UP: Final = 0.2
"""The part of a stream's time in which the suite may have got no turn, for its delivery to be judged."""
_EXPECTED: Final = "text that comes bit by bit, long before a whole answer would be ready"
_UNDECIDED: Final = "not decidable"


def judge_delivery(observations: Observations, expect: Expect) -> None:
    """Expect streams to arrive as they are generated, as far as the target's own times let one judge.

    Where the target generates a short answer too quickly, a longer stream is judged against its own first token.

    Raises:
        NotTestable, CannotTell, NotSent: no stream came.
        DoesNotApply: it cannot be decided; the message has the measured times.
    """
    short = _streams(observations, SHORT)
    judgement, where = _judge_short(short, observations), short[0].id
    longer = None if _is_decided(judgement) else _longer(observations)
    if longer is not None:
        further = judge_longer(longer, latency_of(observations))
        if further.buffered is not None:
            judgement, where = further, next(iter(_served(observations, (LONGER,))), short[0]).id
        else:
            judgement = replace(judgement, why=f"{judgement.why}; {further.why}")
    if judgement.buffered is None:
        raise DoesNotApply(f"{_UNDECIDED}: {judgement.why}")
    if judgement.buffered:
        _require_turns([*short, *_served(observations, LONGER_STREAM)])
    expect(not judgement.buffered, where, expected=_EXPECTED, actual=judgement.why)


def judge_coded_delivery(streams: Sequence[Stream], latency: Latency, expect: Expect) -> None:
    """Expect compressed streams to arrive as they are generated; one coding may be flushed, and another held back.

    Raises:
        DoesNotApply: no stream is compressed, or it cannot be decided for any coding.
    """
    by_coding: dict[tuple[str, ...], list[Stream]] = {}
    for stream in streams:
        if stream.reading.transfer is not None and stream.reading.transfer.codings:
            by_coding.setdefault(stream.reading.transfer.codings, []).append(stream)
    undecided = DoesNotApply("the target compresses no stream")
    for coded in by_coding.values():
        judgement = judge_buffering(_deliveries(coded), latency)
        if judgement.buffered is None:
            undecided = DoesNotApply(f"{_UNDECIDED}: {judgement.why}")
            continue
        if judgement.buffered:
            _require_turns(coded)
        expect(not judgement.buffered, coded[0].id, expected=_EXPECTED, actual=judgement.why)
    if not expect.judged:
        raise undecided


def needless_longer(probes: Iterable[Probe], observations: Observations) -> dict[str, str]:
    """Why a longer stream need not be sent, by probe; nothing where the shorter ones do not decide.

    It follows from what was seen of the shorter ones alone, so that evidence shows whether the longer ones were due.
    """
    longer = [probe.name for probe in probes if probe.name in LONGER_STREAM]
    if not longer:
        return {}
    short = _served(observations, FIRST)
    if not any(stream.reading.arrivals.content for stream in short):
        return dict.fromkeys(longer, NO_STREAM)
    if _is_decided(_judge_short(short, observations)):
        return dict.fromkeys(longer, ALREADY_SEEN)
    return dict.fromkeys(longer, TOO_QUICK) if _is_too_quick(observations) else {}


def shows_delivery(observations: Observations) -> bool:
    """Whether the short streams that came show how they are delivered, or are too quick for any to show it."""
    short = _served(observations, FIRST)
    return bool(short) and (_is_decided(_judge_short(short, observations)) or _is_too_quick(observations))


def _is_too_quick(observations: Observations) -> bool:
    """Whether streams came so quickly that a longer one, held back to its end, would come too soon as well.

    Less than `SHORTEST_GENERATION` from the first token to the last shows nothing.
    """
    middle = _duration(observations, MIDDLE)
    short = [seconds for name in FIRST if (seconds := _duration(observations, name)) is not None]
    return middle is not None and max(middle * LONGER_TOKENS / LONG_TOKENS, *short, 0.0) < SHORTEST_GENERATION


def latency_of(observations: Observations) -> Latency:
    """How long the target took to answer a long and a short request without streaming, and two that are alike."""
    whole, first_token, *alike = (_duration(observations, probe) for probe in LATENCY)
    return Latency(whole, first_token, tuple(time for time in alike if time is not None))


def _require_turns(streams: Iterable[Stream]) -> None:
    """Refuse to call streams held back that the suite itself did not read in time."""
    for stream in streams:
        exchange = stream.answered.exchange
        held_up = exchange.held_up
        if held_up > _MOST_HELD_UP * exchange.ending.at:
            raise DoesNotApply(f"{_UNDECIDED}: for {held_up:.1f} s, the suite got no turn to read {stream.id}")


def _judge_short(streams: Sequence[Stream], observations: Observations) -> BufferingJudgement:
    return judge_buffering(_deliveries(streams), latency_of(observations))


def _is_decided(judgement: BufferingJudgement) -> bool:
    return judgement.buffered is not None and judgement.certain


def _longer(observations: Observations) -> LongerStreams | None:
    """The longer stream, where one was sent."""
    if not any(observations.exchange_of(name) for name in LONGER_STREAM):
        return None
    first_token, longer, middle = (_delivery(observations, name) for name in (START, LONGER, MIDDLE))
    return LongerStreams(first_token, longer, middle)


def _delivery(observations: Observations, name: str) -> Delivery | None:
    return next(iter(_deliveries(_served(observations, (name,)))), None)


def _deliveries(streams: Sequence[Stream]) -> list[Delivery]:
    return [delivery_of(stream.reading.arrivals) for stream in streams]


def _streams(observations: Observations, names: Sequence[str]) -> list[Stream]:
    return list(observations.usable(observations.matching(names), observations.stream))


def _served(observations: Observations, names: Sequence[str]) -> list[Stream]:
    try:
        return _streams(observations, names)
    except CANNOT_JUDGE:
        return []


def _duration(observations: Observations, probe: str) -> float | None:
    answered, _ = observations.answers(observations.matching([probe]))
    return next((one.exchange.ending.at for one in answered if one.answer.status == 200), None)
