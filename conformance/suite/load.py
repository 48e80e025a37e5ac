"""Refusals for load: which there were, whether they look as they should, and whether they are what they say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from conformance.probes import Intent
from conformance.probes.model import REFUSED_FOR_LOAD
from conformance.suite.expect import DoesNotApply
from conformance.suite.observations import Observations
from conformance.wire import Exchange

_UNAVAILABLE = 503
_RETRY_AFTER = re.compile(
    r"\d{1,9}|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d "
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT"
)


def refused_for_load(observations: Observations) -> list[Exchange]:
    """Every exchange that the target refused for load, also those that were sent again.

    Raises:
        DoesNotApply: there was none.
    """
    found = [one for one in observations.exchanges if one.answer and one.answer.status in REFUSED_FOR_LOAD]
    if not found:
        raise DoesNotApply("no request was refused for load")
    return found


def unavailable_for_refused_only(observations: Observations) -> Iterator[Exchange]:
    """Last attempts at requests that must be refused, answered with 503 while none that must be served was."""
    planned = observations.probes
    busy = [one for one in observations.exchanges if one.answer and one.answer.status in REFUSED_FOR_LOAD]
    if not any(one.answer and one.answer.status == 200 for one in observations.exchanges):
        return
    if any(planned[one.probe].intent is Intent.SERVED for one in busy if one.probe in planned):
        return
    for exchange in busy:
        refused = exchange.probe in planned and planned[exchange.probe].intent is Intent.REFUSED
        if exchange.last and refused and exchange.answer and exchange.answer.status == _UNAVAILABLE:
            yield exchange


def header(exchange: Exchange, name: str) -> str | None:
    """A header field of the answer."""
    return None if exchange.answer is None else exchange.answer.header(name)


def is_retry_after(value: str) -> bool:
    """Whether a value is what RFC 9110 section 10.2.3 has: seconds, or a date in the form that senders use."""
    return _RETRY_AFTER.fullmatch(value.strip()) is not None


def is_error(body: Any) -> bool:
    """Whether a JSON value is an error and nothing else, in one of the forms in which servers write one."""
    if not isinstance(body, dict) or body.get("choices"):
        return False
    told = body.get("error") or body.get("detail") or body.get("errors")
    return bool(told) or body.get("object") == "error"
