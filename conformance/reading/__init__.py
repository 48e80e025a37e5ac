"""Readers: pure functions and state machines that judge what came, in layers, without sending anything.

A stream is read in four layers: `transfer` (the HTTP message), `event_stream` (the events), `chunks` (each event's
data) and `sequence` (all chunks together, with `choices` and `usage`). `stream` runs them in one pass. `completion`
reads answers that are one JSON document, `head` judges the header as it came; `delivery` and `longer_delivery` judge
arrival times.
"""

from conformance.reading.answer_text import control_token, fewest_tokens, server_internals
from conformance.reading.assembly import assembled_deviations
from conformance.reading.completion import BodyReading, read_completion, read_error
from conformance.reading.delivery import Arrivals, Delivery, Latency, delivery_of, judge_buffering
from conformance.reading.deviation import Deviation, DeviationLog
from conformance.reading.event_stream import Event, EventStreamReader
from conformance.reading.expectations import Expectations
from conformance.reading.head import begins_as_http, is_tls_alert, read_head
from conformance.reading.longer_delivery import LongerStreams, judge_longer
from conformance.reading.schema import SchemaDeviation, SchemaJudge, keyword_key
from conformance.reading.secret_forms import shown_secret
from conformance.reading.stream import StreamReader, read_stream
from conformance.reading.stream_reading import StreamReading
from conformance.strict_json import parse

__all__ = [
    "Arrivals",
    "BodyReading",
    "Delivery",
    "Deviation",
    "DeviationLog",
    "Event",
    "EventStreamReader",
    "Expectations",
    "Latency",
    "LongerStreams",
    "SchemaDeviation",
    "SchemaJudge",
    "StreamReader",
    "StreamReading",
    "control_token",
    "delivery_of",
    "fewest_tokens",
    "is_tls_alert",
    "judge_buffering",
    "judge_longer",
    "keyword_key",
    "assembled_deviations",
    "begins_as_http",
    "parse",
    "read_completion",
    "read_error",
    "read_head",
    "read_stream",
    "server_internals",
    "shown_secret",
]
