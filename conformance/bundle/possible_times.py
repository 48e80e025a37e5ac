"""Checks that the times of a bundle can be: of a run that is over, with exchanges within it, each in its own order."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from conformance.bundle.errors import BundleError
from conformance.moments import moment
from conformance.quoting import as_json, one_line
from conformance.report import Results
from conformance.wire.exchange import Exchange

LEEWAY = timedelta(seconds=5)
"""By how much the wall clock may be set while a run goes on."""
AHEAD = timedelta(minutes=10)
"""By how much the clock of a run may be ahead of the one that it is verified by."""
_ROUNDING = 0.001
"""Seconds by which times may differ that were rounded apart."""
_EARLIEST = datetime(2024, 1, 1, tzinfo=UTC)


def check_times(results: Results, exchanges: Iterable[Exchange], now: datetime | None = None) -> None:
    """Check the times of a run and of its exchanges; `now` is the time at which they are checked.

    Raises:
        BundleError: one cannot be.
    """
    started = moment(results.started)
    if started is None or started < _EARLIEST:
        raise BundleError(f"the run cannot have started at {as_json(results.started)}.")
    now = now or datetime.now(UTC)
    if started > now + AHEAD:
        raise BundleError(f"the run started at {as_json(results.started)}, which is still to come.")
    if results.duration_s > (now + AHEAD - started).total_seconds():
        raise BundleError(f"the run took {results.duration_s:g} s, longer than since it started.")
    over = started + timedelta(seconds=results.duration_s)
    for exchange in exchanges:
        _check_exchange(exchange, started, over)


def _check_exchange(exchange: Exchange, started: datetime, over: datetime) -> None:
    shown, began, ended = one_line(exchange.id, 120), moment(exchange.started), exchange.ending.at
    if not 0 <= ended < timedelta.max.total_seconds() / 1000:
        raise BundleError(f"the exchange {shown} cannot have ended {ended:g} s after it began.")
    if began is None or began < started - LEEWAY:
        raise BundleError(f"the exchange {shown} began before the run.")
    if began + timedelta(seconds=ended) > over + LEEWAY:
        raise BundleError(f"the exchange {shown} ended after the run.")
    answer = exchange.answer
    if answer is None:
        return
    last = 0.0
    for at in (answer.headers_at, *(read.at for read in answer.reads)):
        if at < last - _ROUNDING:
            raise BundleError(f"the answer of the exchange {shown} has a time before that of what came before it.")
        last = max(last, at)
    if ended < last - _ROUNDING:
        raise BundleError(f"the exchange {shown} ended before its answer did.")
