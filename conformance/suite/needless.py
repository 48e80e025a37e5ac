"""Says which probes need not be sent, since the answers before them decide what they would show.

It follows from what was seen alone, so that evidence shows whether they were due.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from conformance.probes import Probe
from conformance.probes.completions import STOP, STOP_AMID, STOP_LAST, STOP_OF_CHOICES, WHOLE
from conformance.probes.delivery import SAME_FIELDS, STOPPED
from conformance.probes.long_answers import LONG_AGAIN, LONG_STREAM, LONG_WHOLE, SAME_TEXT
from conformance.probes.model import LIMIT_FIELDS
from conformance.probes.optional_fields import USUAL_FIELDS
from conformance.probes.preflight import OPTIONAL_FIELDS
from conformance.probes.streams import STOP_ACROSS, STREAM, STREAM_AGAIN, STREAM_STOP, STREAM_USAGE
from conformance.probes.waves import REPEATED
from conformance.suite.delivery_judging import needless_longer, shows_delivery
from conformance.suite.observations import Completion, Observations, Stream

STREAMED_STOPS: Final = (STREAM_STOP, STOP_ACROSS, STREAM_USAGE)
STOPS_JOINED: Final = {
    STOP: (STOP_OF_CHOICES,),
    STOP_LAST: (STOP_OF_CHOICES,),
    STREAM_STOP: (STOP_ACROSS, STREAM_USAGE),
    STOP_AMID: (STOP_ACROSS, STREAM_USAGE),
}
"""The requests that show one place of a list of stop sequences, and those that show it beside something else."""


def not_needed(probes: Iterable[Probe], observations: Observations) -> dict[str, str]:
    """Why each of these probes that need not be sent need not, by its name."""
    among = tuple(probes)
    names = {probe.name for probe in among if probe.wave == REPEATED}
    needless = needless_longer(among, observations)
    if STREAM_AGAIN in names and _has_one_text((STREAM, WHOLE), observations) and shows_delivery(observations):
        needless[STREAM_AGAIN] = SAME_TEXT
    if LONG_AGAIN in names and long_has_one_text(observations):
        needless[LONG_AGAIN] = SAME_TEXT
    for alone, joined in STOPS_JOINED.items():
        if alone in names and any(_is_stopped(name, observations) for name in joined):
            needless[alone] = STOPPED
    usual = next((probe for probe in among if probe.name == USUAL_FIELDS and probe.name in names), None)
    if usual is not None and _was_served(usual, observations):
        needless[USUAL_FIELDS] = SAME_FIELDS
    return needless


def long_has_one_text(observations: Observations) -> bool:
    """Whether the long answer came with the same text with and without streaming: then none of it was damaged."""
    return _has_one_text((LONG_STREAM, LONG_WHOLE), observations)


def _has_one_text(names: Iterable[str], observations: Observations) -> bool:
    """Whether each of these answers, streamed or not, has one choice, and the text is the same."""
    streamed, whole = (_texts(name, observations) for name in names)
    return len(streamed) == 1 and streamed == whole


def _was_served(usual: Probe, observations: Observations) -> bool:
    """Whether a request of the preflight was served that has all of these fields, with their values."""
    for found in observations.answers(observations.matching([f"{OPTIONAL_FIELDS}*"]))[0]:
        sent = found.sent
        wanted = {name: value for name, value in usual.body.items() if name not in ("messages", *LIMIT_FIELDS)}
        if isinstance(sent, dict) and observations.served(found) and wanted.items() <= sent.items():
            return True
    return False


def _is_stopped(name: str, observations: Observations) -> bool:
    """Whether each text of an answer ended by one of its stop sequences, as far as it says so, and has none of them."""
    texts = _texts(name, observations)
    found = observations.answers(observations.matching([name]))[0]
    stops = found[0].requested("stop") if found else None
    if not texts or not isinstance(stops, list) or any(stop in text for stop in stops for text in texts):
        return False
    return name not in (STOP_ACROSS, STREAM_USAGE) or _ended_by_itself(name, observations)


def _ended_by_itself(name: str, observations: Observations) -> bool:
    """Whether each choice of a stream ended before its limit."""
    streams = map(observations.stream, observations.answers(observations.matching([name]))[0])
    choices = [one for found in streams if isinstance(found, Stream) for one in found.reading.choices.values()]
    return bool(choices) and all(one.finish_reason == "stop" for one in choices)


def _texts(name: str, observations: Observations) -> list[str]:
    """The text of each choice of an answer; none where it is no completion, or a stream that did not finish."""
    for found in observations.answers(observations.matching([name]))[0]:
        if not found.probe.asks_for_stream:
            completion = observations.completion(found)
            return [*completion.texts] if isinstance(completion, Completion) else []
        stream = observations.stream(found)
        if isinstance(stream, Stream) and stream.reading.is_finished:
            return [choice.content for choice in stream.reading.choices.values()]
    return []
