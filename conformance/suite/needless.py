"""Says which probes need not be sent, since the answers before them decide what they would show.

It follows from what was seen alone, so that evidence shows whether they were due.
"""

from __future__ import annotations

from collections.abc import Iterable

from conformance.probes import Probe
from conformance.probes.long_answers import LONG_AGAIN, LONG_STREAM, LONG_WHOLE, SAME_TEXT
from conformance.suite.delivery_judging import needless_longer
from conformance.suite.observations import Answered, Completion, Observations, Stream


def not_needed(probes: Iterable[Probe], observations: Observations) -> dict[str, str]:
    """Why each of these probes that need not be sent need not, by its name."""
    among = tuple(probes)
    needless = needless_longer(among, observations)
    if any(probe.name == LONG_AGAIN for probe in among) and _has_one_text(observations):
        needless[LONG_AGAIN] = SAME_TEXT
    return needless


def _has_one_text(observations: Observations) -> bool:
    """Whether the long answer came with the same text with and without streaming: then none of it was damaged."""
    streamed, whole = (_text(name, observations) for name in (LONG_STREAM, LONG_WHOLE))
    return streamed is not None and streamed == whole


def _text(name: str, observations: Observations) -> str | None:
    """The text of an answer of one choice; None where none came."""
    for found in observations.answers(observations.matching([name]))[0]:
        if found.probe.asks_for_stream:
            return _streamed(observations, found)
        completion = observations.completion(found)
        return "".join(completion.texts) if isinstance(completion, Completion) else None
    return None


def _streamed(observations: Observations, found: Answered) -> str | None:
    stream = observations.stream(found)
    choices = list(stream.reading.choices.values()) if isinstance(stream, Stream) else []
    return choices[0].content if len(choices) == 1 else None
