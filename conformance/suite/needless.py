"""Says which probes need not be sent, since the answers before them decide what they would show.

It follows from what was seen alone, so that evidence shows whether they were due.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from conformance.probes import Probe
from conformance.probes.completions import STOP_AMID, STOP_LAST, STOP_OF_CHOICES
from conformance.probes.delivery import STOPPED
from conformance.probes.long_answers import LONG_AGAIN, LONG_STREAM, LONG_WHOLE, SAME_TEXT
from conformance.probes.streams import STREAM_STOP
from conformance.probes.waves import REPEATED
from conformance.suite.delivery_judging import needless_longer
from conformance.suite.observations import Completion, Observations, Stream

STOPS_JOINED: Final = {STOP_LAST: STOP_OF_CHOICES, STOP_AMID: STREAM_STOP}
"""The requests that show one place of a list of stop sequences, and those that show it beside something else."""


def not_needed(probes: Iterable[Probe], observations: Observations) -> dict[str, str]:
    """Why each of these probes that need not be sent need not, by its name."""
    among = tuple(probes)
    names = {probe.name for probe in among if probe.wave == REPEATED}
    needless = needless_longer(among, observations)
    if LONG_AGAIN in names and long_has_one_text(observations):
        needless[LONG_AGAIN] = SAME_TEXT
    for alone, joined in STOPS_JOINED.items():
        if alone in names and _is_stopped(joined, observations):
            needless[alone] = STOPPED
    return needless


def long_has_one_text(observations: Observations) -> bool:
    """Whether the long answer came with the same text with and without streaming: then none of it was damaged."""
    streamed, whole = (_texts(name, observations) for name in (LONG_STREAM, LONG_WHOLE))
    return len(streamed) == 1 and streamed == whole


def _is_stopped(name: str, observations: Observations) -> bool:
    """Whether each text of an answer is without its stop sequences, of which the request has several."""
    texts = _texts(name, observations)
    found = observations.answers(observations.matching([name]))[0]
    stops = found[0].requested("stop") if found else None
    return bool(texts) and isinstance(stops, list) and not any(stop in text for stop in stops for text in texts)


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
