"""Readers: pure functions and state machines that judge what came, in layers, without sending anything.

A stream is read in four layers: `transfer` (the HTTP message), `event_stream` (the events), `chunks` (each event's
data) and `sequence` (all chunks together, with `choices` and `usage`). `stream` runs them in one pass. `completion`
reads answers that are one JSON document, and `delivery` judges arrival times.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.reading.assembly import assembled, misfits
    from conformance.reading.choices import Choice
    from conformance.reading.completion import BodyReading, read_completion, read_error
    from conformance.reading.delivery import Arrivals, BufferingJudgement, Delivery, Latency, deliver, judge_buffering
    from conformance.reading.deviation import Deviation
    from conformance.reading.event_stream import Event, EventStreamReader
    from conformance.reading.expectations import Expectations, expectations_of
    from conformance.reading.head import HeadReading, read_head
    from conformance.reading.leaked_internals import inner_part
    from conformance.reading.schema import SchemaJudge, keyword_key
    from conformance.reading.stream import StreamReader, read_stream
    from conformance.reading.stream_reading import StreamReading
    from conformance.reading.strict_json import Document, JsonFault, JsonRule, parse
    from conformance.reading.text import control_token, fewest_tokens
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
    "HeadReading",
    "JsonFault",
    "JsonRule",
    "Latency",
    "SchemaJudge",
    "StreamReader",
    "StreamReading",
    "TimelineRow",
    "assembled",
    "control_token",
    "deliver",
    "expectations_of",
    "fewest_tokens",
    "inner_part",
    "judge_buffering",
    "keyword_key",
    "misfits",
    "parse",
    "read_completion",
    "read_error",
    "read_head",
    "read_stream",
]

_HOMES = {
    "Arrivals": "delivery",
    "BodyReading": "completion",
    "BufferingJudgement": "delivery",
    "Choice": "choices",
    "Delivery": "delivery",
    "Deviation": "deviation",
    "Document": "strict_json",
    "Event": "event_stream",
    "EventStreamReader": "event_stream",
    "Expectations": "expectations",
    "HeadReading": "head",
    "JsonFault": "strict_json",
    "JsonRule": "strict_json",
    "Latency": "delivery",
    "SchemaJudge": "schema",
    "StreamReader": "stream",
    "StreamReading": "stream_reading",
    "TimelineRow": "timeline",
    "assembled": "assembly",
    "control_token": "text",
    "deliver": "delivery",
    "expectations_of": "expectations",
    "fewest_tokens": "text",
    "inner_part": "leaked_internals",
    "judge_buffering": "delivery",
    "keyword_key": "schema",
    "misfits": "assembly",
    "parse": "strict_json",
    "read_completion": "completion",
    "read_error": "completion",
    "read_head": "head",
    "read_stream": "stream",
}
"""Where each name is defined. They are loaded when they are asked for: the event stream reader alone is used where no
exchange is, and the other layers bring `conformance.wire` with them."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
