"""Tells each run as a span of OpenTelemetry, by its official library, with an event for each change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import conformance
from conformance.moments import moment
from conformance.quoting import one_line
from conformance.watch.drift import Drift
from conformance.watch.errors import UNDECIDED, WatchError
from conformance.watch.metrics import EXTRA, Watched

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

_BILLION: Final = 1_000_000_000
_LONGEST: Final = 200


def otlp_exporter() -> SpanExporter:
    """What sends spans over OTLP and HTTP, to where the usual variables (OTEL_EXPORTER_OTLP_ENDPOINT) say.

    Raises:
        WatchError: the library is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise WatchError(f"--otlp needs the libraries of OpenTelemetry; install them: {EXTRA}.") from error
    return OTLPSpanExporter()


def export_spans(watched: Iterable[Watched], exporter: SpanExporter) -> None:
    """Send a span for each run, and wait until they are sent.

    Raises:
        WatchError: nobody took them.
    """
    from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExportResult
    from opentelemetry.trace import Status, StatusCode

    named = {SERVICE_NAME: "chat-conformance", SERVICE_VERSION: conformance.__version__}
    provider = TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)
    tracer = provider.get_tracer("chat-conformance.watch", conformance.__version__)
    spans = []
    for one in watched:
        began = moment(one.entry.started)
        start = 0 if began is None else int(began.timestamp() * _BILLION)
        end = start + int(one.entry.cost.seconds * _BILLION)
        span = tracer.start_span("chat-conformance watch run", start_time=start, attributes=_attributes(one))
        for drift in one.drift:
            span.add_event("drift", _of_drift(drift), timestamp=end)
        if one.drift:
            span.set_status(Status(StatusCode.ERROR, f"{len(one.drift)} changes"))
        span.end(end)
        spans.append(span)
    try:
        sent = exporter.export(spans)
    except Exception as error:  # each exporter has errors of its own
        raise WatchError(f"no span was taken ({one_line(str(error), _LONGEST)}).", UNDECIDED) from error
    finally:
        exporter.shutdown()
        provider.shutdown()
    if sent is not SpanExportResult.SUCCESS:
        raise WatchError("no span was taken; see OTEL_EXPORTER_OTLP_ENDPOINT.", UNDECIDED)


def _attributes(watched: Watched) -> dict[str, str | int | float | bool]:
    entry = watched.entry
    return {
        "conformance.target": _text(watched.target),
        "conformance.profile": _text(watched.profile),
        "conformance.day": entry.day.isoformat(),
        "conformance.choice": entry.choice.name,
        "conformance.verdict": entry.verdict,
        "conformance.requests": entry.cost.requests,
        "conformance.completion_tokens": entry.cost.tokens,
        "conformance.broken": sum(row.outcome in {"failed", "warning"} for row in entry.rows.values()),
        "conformance.drift": len(watched.drift),
        "conformance.suspected": len(watched.suspected),
        **{f"conformance.fact.{_name(name)}": _text(value) for name, value in list(entry.facts.items())[:40]},
    }


def _of_drift(drift: Drift) -> dict[str, str | int | float | bool]:
    return {
        "conformance.drift.kind": drift.kind.value,
        "conformance.drift.subject": _text(drift.subject),
        "conformance.drift.before": _text(drift.before),
        "conformance.drift.after": _text(drift.after),
        "conformance.drift.since": drift.since.isoformat(),
    }


def _name(fact: str) -> str:
    """As the conventions of OpenTelemetry write a name: backends ask for it without quotes."""
    return "_".join(_text(fact).lower().split())


def _text(text: str) -> str:
    return one_line(text, _LONGEST)
