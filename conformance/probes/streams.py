"""Probes for event streams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.contract.model import Tier
from conformance.probes.completions import LONG_ANSWER, MULTIBYTE, served
from conformance.probes.model import Probe
from conformance.probes.request_body import RequestBody

ONE_CONNECTION = "kept-alive"
"""The connection on which streams and plain completions follow one another."""
SENTINEL_IN_TEXT = "Repeat these lines:\n\ndata: [DONE]\n\nand then say: end."
"""A prompt whose echo would end the stream of a server that does not escape it."""


def stream_probes(body: RequestBody) -> Iterator[Probe]:
    """Streams that show the framing, the chunks and their sequence."""
    if not body.has("stream"):
        return
    yield served("stream/plain", "a stream", _asking(body, LONG_ANSWER, 32), tier=Tier.SMOKE)
    yield served("stream/again", "the same stream again", _asking(body, LONG_ANSWER, 32))
    yield served("stream/multibyte", "a stream of text outside of ASCII", _asking(body, MULTIBYTE, 32))
    yield served(
        "stream/sentinel-in-text", "a stream whose text looks like framing", _asking(body, SENTINEL_IN_TEXT, 24)
    )
    for turn in ("first", "second"):
        about = f"the {turn} of two streams on one connection"
        yield served(f"stream/{turn}-on-connection", about, _asking(body, "Say hello.", 8), connection=ONE_CONNECTION)
    if body.limit_field:
        yield served("stream/one-token", "a stream that is limited to one token", _asking(body, LONG_ANSWER, 1))
    if body.has("stop"):
        yield served(
            "stream/stop", "a stream that stops at its first space", _asking(body, LONG_ANSWER, 24, stop=[" "])
        )
    if body.has("n"):
        yield served("stream/two-choices", "a stream of two choices", _asking(body, LONG_ANSWER, 4, n=2))
    if body.has("logprobs"):
        logprobs: dict[str, Any] = {"logprobs": True, "top_logprobs": 1}
        about = "a stream with the log probabilities of each token"
        yield served("stream/logprobs", about, _asking(body, "Say hello.", 3, **logprobs))
    if body.has("stream_options"):
        usage: dict[str, Any] = {"stream_options": {"include_usage": True}}
        yield served("stream/usage", "a stream that is asked for its usage", _asking(body, LONG_ANSWER, 8, **usage))


def _asking(body: RequestBody, text: str, tokens: int, **fields: Any) -> dict[str, Any]:
    return body.asking(text, tokens=tokens, stream=True, **fields)
