"""Refusals for load: which there were, whether their format is right, and whether load was the reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from conformance.probes import Intent
from conformance.probes.model import REFUSED_FOR_LOAD
from conformance.probes.script import StepKind
from conformance.suite.expect import DoesNotApply
from conformance.suite.observations import Observations
from conformance.wire import Exchange

_UNAVAILABLE = 503
_RETRY_AFTER = re.compile(
    r"\d{1,9}|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d "
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT"
)


def refused_for_load(observations: Observations) -> list[Exchange]:
    """Every exchange that the target refused for load, including those that were retried.

    A proxy that answers 503 to a client that hung up in the middle of its request is not refusing for load.

    Raises:
        DoesNotApply: there was none.
    """
    busy = [one for one in observations.in_plan_order if one.answer and one.answer.status in REFUSED_FOR_LOAD]
    found = [one for one in busy if not _broke_off(one)]
    if not found:
        raise DoesNotApply("no request was refused for load")
    return found


def unavailable_for_refused_only(observations: Observations) -> Iterator[Exchange]:
    """Final attempts of requests that must be refused, answered with 503 although none that must be served was."""
    planned = observations.probes
    busy = [one for one in observations.in_plan_order if one.answer and one.answer.status in REFUSED_FOR_LOAD]
    if not any(one.answer and one.answer.status == 200 for one in observations.exchanges):
        return
    if any(planned[one.probe].intent is Intent.SERVED for one in busy if one.probe in planned):
        return
    for exchange in busy:
        refused = exchange.probe in planned and planned[exchange.probe].intent is Intent.REFUSED
        unavailable = exchange.answer is not None and exchange.answer.status == _UNAVAILABLE
        if exchange.last and refused and unavailable and not _broke_off(exchange):
            yield exchange


def _broke_off(exchange: Exchange) -> bool:
    """Whether the client closed its side before the request was whole."""
    return any(step.kind is StepKind.HALF_CLOSE for step in exchange.request.steps)


def header(exchange: Exchange, name: str) -> str | None:
    """A header field of the answer."""
    return None if exchange.answer is None else exchange.answer.header(name)


def is_retry_after(value: str) -> bool:
    """Whether a value has the form of RFC 9110 section 10.2.3: seconds, or a date as senders write it."""
    return _RETRY_AFTER.fullmatch(value.strip()) is not None


def is_error(body: Any) -> bool:
    """Whether a JSON value is an error and nothing else, in any of the common formats."""
    if not isinstance(body, dict) or body.get("choices"):
        return False
    error = body.get("error") or body.get("detail") or body.get("errors")
    return bool(error) or body.get("object") == "error"
