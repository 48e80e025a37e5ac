"""Readers: pure functions and state machines that judge what came, in layers, without sending anything.

A stream is read in four layers: `transfer` (the HTTP message), `event_stream` (the events), `chunks` (each event's
data) and `sequence` (all chunks together, with `choices` and `usage`). `stream` runs them in one pass. `completion`
reads answers that are one JSON document, and `delivery` judges arrival times.
"""

from __future__ import annotations

from conformance.reading.choices import Choice
from conformance.reading.completion import BodyReading, read_completion, read_error
from conformance.reading.delivery import Arrivals, BufferingJudgement, Delivery, deliver, judge_buffering
from conformance.reading.deviation import Deviation
from conformance.reading.event_stream import Event, EventStreamReader
from conformance.reading.expectations import Expectations, expectations_of
from conformance.reading.stream import StreamReader, read_stream
from conformance.reading.stream_reading import StreamReading
from conformance.reading.strict_json import Document, JsonFault, JsonRule, parse
from conformance.reading.timeline import TimelineRow

__all__ = [
    "Arrivals",
    "BodyReading",
    "BufferingJudgement",
    "Choice",
    "Delivery",
    "Deviation",
    "Document",
    "Event",
    "EventStreamReader",
    "Expectations",
    "JsonFault",
    "JsonRule",
    "StreamReader",
    "StreamReading",
    "TimelineRow",
    "deliver",
    "expectations_of",
    "judge_buffering",
    "parse",
    "read_completion",
    "read_error",
    "read_stream",
]
