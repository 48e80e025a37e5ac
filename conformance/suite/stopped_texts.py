"""Compares the text of a stream that a stop sequence ended with the text of the same answer without stop sequences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from conformance.probes.model import LIMIT_FIELDS
from conformance.quoting import quoted
from conformance.suite.observations import Stream
from conformance.suite.stream_pairs import Difference, request_key
from conformance.suite.stream_texts import TextPair

_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class StoppedText:
    """A text that a stop sequence ended, and the whole text, from the answer `twin` without stop sequences.

    `stops` are those of the request that are in the whole text; there is at least one.
    """

    stream: str
    twin: str
    text: str
    whole: str
    stops: tuple[str, ...]

    @property
    def has_sequence(self) -> bool:
        """Whether a whole stop sequence stays in the text."""
        return any(stop in self.text for stop in self.stops)

    @property
    def is_of_the_whole(self) -> bool:
        """Whether it is a beginning of the whole text; otherwise the model chose other words."""
        return self.whole.strip().startswith(self.text.strip())


def stopped_texts(streams: Iterable[Stream], compared: Sequence[TextPair]) -> list[StoppedText]:
    """The streams that a stop sequence ended, each with the text that the target was seen to repeat without it."""
    read = {stream.id: stream for stream in streams}
    plain: dict[str, TextPair] = {}
    for one in compared:
        if one.exact and one.streamed.strip() == one.whole.strip():
            plain.setdefault(_key(read[one.stream].answered.sent), one)
    found = []
    for stream in read.values():
        pair, text = plain.get(_key(stream.answered.sent)), _text_of_stopped(stream)
        if pair is None or text is None:
            continue
        stops = tuple(stop for stop in stream.answered.requested("stop") if stop in pair.streamed)
        if stops:
            found.append(StoppedText(stream.id, pair.stream, text, pair.streamed, stops))
    return found


def inexact(stopped: StoppedText) -> Difference | None:
    """Whether a text ends before its stop sequence, or goes into it. White space at its ends is not judged."""
    ends = _ends(stopped.whole, stopped.stops)
    if stopped.text.strip() in {stopped.whole[:end].strip() for end in ends}:
        return None
    expected = f"the text of {stopped.twin} up to its stop sequence {quoted(stopped.stops)}"
    return Difference(f"{expected}: {quoted(stopped.whole[: ends[0]][-_SHOWN:])}", quoted(stopped.text[-_SHOWN:]))


def _ends(whole: str, stops: Sequence[str]) -> list[int]:
    """Where a text may end: before the sequence that begins first, or the one that is complete first."""
    places = [(at, at + len(stop)) for stop in stops if (at := whole.find(stop)) >= 0]
    return [min(places)[0], min(places, key=lambda place: (place[1], place[0]))[0]]


def _text_of_stopped(stream: Stream) -> str | None:
    """The text of a stream of one choice that says that it stopped; None where something else may have ended it."""
    stops, choices = stream.answered.requested("stop"), list(stream.reading.choices.values())
    if not isinstance(stops, list) or not stream.reading.is_finished or len(choices) != 1:
        return None
    (choice,) = choices
    # A sequence in the reasoning may have ended it, which another requirement is about.
    if choice.finish_reason != "stop" or choice.reasoning or choice.calls or choice.refusal:
        return None
    return None if _may_be_cut(stream) else choice.content


def _may_be_cut(stream: Stream) -> bool:
    """Whether the usage of a stream counts hidden reasoning, or as many tokens as the request allows."""
    usage = stream.reading.usage
    if not isinstance(usage, dict):
        return False
    details, count = usage.get("completion_tokens_details"), usage.get("completion_tokens")
    limits = [limit for name in LIMIT_FIELDS if isinstance(limit := stream.answered.requested(name), int)]
    reached = isinstance(count, int) and any(count >= limit for limit in limits)
    return reached or (isinstance(details, dict) and bool(details.get("reasoning_tokens")))


def _key(sent: Any) -> str:
    """What two requests have in common that differ in streaming, in their limit and in their stop sequences alone."""
    body = sent if isinstance(sent, dict) else {}
    return request_key({name: value for name, value in body.items() if name not in ("stop", *LIMIT_FIELDS)})
