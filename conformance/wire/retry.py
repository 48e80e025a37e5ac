"""Decides whether a request is sent again, and after how many seconds."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from conformance.probes.model import REFUSED_FOR_LOAD
from conformance.targets.model import Limits
from conformance.wire.exchange import EndKind, Exchange

if TYPE_CHECKING:
    from conformance.wire.client import Sent

TOO_MANY_REQUESTS = 429
UNAVAILABLE = 503
FEW_RETRIES = 50
"""How often a short run asks again an unavailable target, at least."""
FIRST_BACKOFF = 0.25
"""Seconds before the second attempt, where the target does not say; doubled for each further one."""

_CONNECTION_FAILURES = frozenset(
    {EndKind.UNREACHABLE, EndKind.CONNECT_TIMEOUT, EndKind.RESET, EndKind.CLOSED, EndKind.MALFORMED}
)


def retry_after(value: str, now: datetime) -> float | None:
    """The seconds of a Retry-After field (RFC 9110 section 10.2.3), or None where it cannot be read."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:12])
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, IndexError, OverflowError):
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max((date - now).total_seconds(), 0.0)


def failed_to_connect(sent: Sent) -> bool:
    """Whether the connection failed before any byte of an answer to this request."""
    return not sent.answered and sent.exchange.ending.kind in _CONNECTION_FAILURES


def refused_or_unseen(sent: Sent) -> bool:
    """Whether the target did no work: it refused for load, or the connection failed before an answer."""
    answer = sent.exchange.answer
    return failed_to_connect(sent) if answer is None else answer.status in REFUSED_FOR_LOAD


def may_be_sent_again(exchange: Exchange) -> bool:
    """Whether an exchange alone can be the reason to send a request again: it decides nothing."""
    if exchange.answer is not None:
        return exchange.answer.status in REFUSED_FOR_LOAD
    return exchange.ending.kind in _CONNECTION_FAILURES


def retry_delay(sent: Sent, limits: Limits, *, tries: int, now: datetime, jitter: float) -> float | None:
    """Seconds to wait before the next attempt, or None where this one was the last.

    `tries` counts the attempts of this run, from 1; `now` is the wall-clock time (for a Retry-After that is a date),
    `jitter` a factor for the backoff.
    """
    if tries > limits.retries:
        return None
    backoff = FIRST_BACKOFF * 2.0 ** (tries - 1) * jitter
    if failed_to_connect(sent):
        return backoff
    answer = sent.exchange.answer
    if answer is None or answer.status not in REFUSED_FOR_LOAD:
        return None
    wanted = next((retry_after(value, now) for name, value in answer.headers if name.lower() == "retry-after"), None)
    if wanted is None:
        return backoff
    return wanted if wanted <= limits.retry_after_limit else None


class Persistence:
    """How often a run asks again where a target is unavailable (503), and does not say for how long.

    What closes itself to everybody for a while, or for ever, would otherwise get each request several times.
    """

    def __init__(self) -> None:
        self._spent = 0

    def asks_again(self, sent: Sent, planned: int) -> bool:
        """Whether one more attempt is due after this one, in a run of so many probes."""
        answer = sent.exchange.answer
        if answer is None or answer.status != UNAVAILABLE or answer.header("retry-after") is not None:
            return True
        self._spent += 1
        return self._spent <= max(planned // 2, FEW_RETRIES)
