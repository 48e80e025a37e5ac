"""Errors: what they show of secrets that are not the caller's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from conformance.contract.media_types import essence, is_event_stream
from conformance.reading import shown_secret
from conformance.suite.expect import Expect, NotTestable
from conformance.suite.marks import requirement
from conformance.suite.observations import Observations
from conformance.wire import Exchange

ANY_ERROR = ("error/*", "request.*/enforced/*", "access/*", "completion/*", "stream/*")
_WRONG_KEYS: Final = "access/"
_WITHOUT_KEY: Final = "access/no-key"
_PAGE: Final = "text/html"
_OPAQUE: Final = (
    "set-cookie",
    "etag",
    "content-security-policy",
    "report-to",
    "nel",
    "cf-",
    "x-amz-",
    "alt-svc",
    "via",
)
"""How the names of header fields begin whose values are opaque, and mean something to their own program only."""


@requirement("error.no-secrets", *ANY_ERROR)
def test_no_error_shows_a_secret(observations: Observations, expect: Expect) -> None:
    for exchange in observations.in_plan_order:
        for where, text, keys in _texts_of_errors(exchange, observations):
            found = shown_secret(text, sent=_sent(exchange), keys=keys)
            expect(
                found is None,
                exchange.id,
                expected="no key of somebody else, no URL with credentials and nothing of a database",
                actual=f"{found.what}, in {where}" if found else "",
                offset=found.start if found and where == "the body" else None,
            )
    if not expect.judged:
        raise NotTestable("no request was answered with an error")


def _texts_of_errors(exchange: Exchange, observations: Observations) -> Iterator[tuple[str, bytes, bool]]:
    """Where an answer speaks of an error, the text there, and whether keys in it can only be those of others."""
    answer = exchange.answer
    if answer is None:
        return
    declared = answer.header("content-type")
    # Where a wrong key was sent, the answer may show it: evidence does not keep what was sent.
    foreign = not exchange.probe.startswith(_WRONG_KEYS) or exchange.probe.startswith(_WITHOUT_KEY)
    if answer.status >= 400:
        body = observations.error_reading(exchange).body
        yield "the body", body, foreign and essence(declared) != _PAGE
        for name, value in answer.headers:
            if not name.lower().startswith(_OPAQUE) and not name.lower().endswith(("-id", "-trace", "traceparent")):
                yield f"the header field {name}", value.encode("latin-1", "replace"), foreign
    elif is_event_stream(declared):
        for error in observations.stream_reading(exchange).errors:
            yield "an event", json.dumps(error, ensure_ascii=False).encode("utf-8", "surrogatepass"), foreign


def _sent(exchange: Exchange) -> bytes:
    """All that the caller sent, in one text."""
    request = exchange.request
    fields = "\n".join(value for _, value in request.headers)
    return f"{request.url}\n{fields}\n".encode("utf-8", "replace") + request.body
