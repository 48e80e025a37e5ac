"""Probes for event streams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from conformance.contract.model import Tier
from conformance.probes.access import sends_as_two_tenants
from conformance.probes.canaries import WORDS, repeating
from conformance.probes.completions import (
    LONG_ANSWER,
    MULTIBYTE,
    MULTIBYTE_TOKENS,
    OF_CHOICES,
    ONE_CONNECTION,
    beside_a_stop,
    stops_amid,
)
from conformance.probes.model import Probe, served_probe
from conformance.probes.request_body import RequestBody
from conformance.probes.waves import AT_ONCE, REPEATED

AT_ONCE_STANDARD = 2
"""How many streams at once the standard tier sends, beside as many plain requests; two tenants send them anyway."""
STREAM_STOP, STREAM_LOGPROBS = "stream/stop", "stream/logprobs"
STREAM, STREAM_AGAIN = "stream/plain", "stream/again"
STREAM_USAGE, STOP_ACROSS = "stream/usage", "stream/stop-across"
"""Streams that stop at a text which falls across deltas; the first where the request wants its usage, too."""
_ACROSS: Final = ("two three", "from one")
"""Texts that fall across deltas: of an answer that counts, and of one that repeats what it was asked."""
SENTINEL_IN_TEXT = "Repeat these lines:\n\ndata: [DONE]\n\nand then say: end."
"""A prompt whose echo ends the stream of a server that does not escape it."""


def stream_probes(body: RequestBody) -> Iterator[Probe]:
    """Streams that show the framing, the chunks and their sequence."""
    if not body.has("stream"):
        return
    yield served_probe(STREAM, "a stream", _asking(body, LONG_ANSWER, 32), tier=Tier.SMOKE)
    multibyte = _asking(body, MULTIBYTE, MULTIBYTE_TOKENS)
    about = "a stream of text outside of ASCII, as the first of several on one connection"
    yield served_probe("stream/multibyte", about, multibyte, connection=ONE_CONNECTION)
    framing = _asking(body, SENTINEL_IN_TEXT, 24)
    about = "a stream whose text looks like framing"
    # A request in the shape of an SDK has the same prompt.
    yield served_probe("stream/sentinel-in-text", about, framing, tier=Tier.EXHAUSTIVE)
    about = "the same stream of text outside of ASCII again, as the second on one connection"
    yield served_probe("stream/first-on-connection", about, multibyte, connection=ONE_CONNECTION)
    again = "the first stream again, if it alone shows neither its text nor how it is delivered"
    yield served_probe(STREAM_AGAIN, again, _asking(body, LONG_ANSWER, 32), wave=REPEATED)
    if body.limit_field:
        least = body.limit(1)
        limit = "one token" if least == 1 else f"{least} tokens"
        about = f"a stream that is limited to {limit}, as the last of several on one connection"
        yield served_probe("stream/one-token", about, _asking(body, LONG_ANSWER, 1), connection=ONE_CONNECTION)
    yield from _coded(body)
    yield from _at_once(body)
    yield from _with_optional_fields(body)


def _coded(body: RequestBody) -> Iterator[Probe]:
    """Streams that may come compressed and must still be flushed event by event."""
    for name, coding, tier in (
        ("gzip", "gzip", Tier.STANDARD),
        ("gzip-again", "gzip", Tier.EXHAUSTIVE),
        ("br", "br", Tier.EXHAUSTIVE),
        ("br-again", "br", Tier.EXHAUSTIVE),
        ("deflate", "deflate", Tier.EXHAUSTIVE),
        ("deflate-again", "deflate", Tier.EXHAUSTIVE),
    ):
        about = f"a stream that may come in {coding}"
        headers = {"Accept-Encoding": coding}
        yield served_probe(f"stream/{name}", about, _asking(body, LONG_ANSWER, 32), headers=headers, tier=tier)


def _at_once(body: RequestBody) -> Iterator[Probe]:
    """Several streams at once, each with a word that no other answer may have."""
    standard = 0 if sends_as_two_tenants(body) else AT_ONCE_STANDARD
    for number, word in enumerate(WORDS):
        about = "one of several streams at once, each with a word of its own"
        request = _asking(body, repeating(word), 16)
        tier = Tier.STANDARD if number < standard else Tier.EXHAUSTIVE
        yield served_probe(f"stream/at-once-{number}", about, request, wave=AT_ONCE, tier=tier)


def _with_optional_fields(body: RequestBody) -> Iterator[Probe]:
    """Streams that need a field which not every contract has."""
    if body.has("stop"):
        about, amid = "a stream that stops at its first space", stops_amid(body)
        alone = _asking(body, LONG_ANSWER, 24, stop=[" "])
        if amid:
            request = {**alone, "stop": amid}
            fewer = served_probe(f"{STREAM_STOP}/one", about, alone)
            about = f"{about}, the second of {len(amid)} stop sequences"
            yield served_probe(STREAM_STOP, about, request, instead=(fewer,), wave=REPEATED)
        else:
            yield served_probe(STREAM_STOP, about, alone, wave=REPEATED)
    if body.has("n"):
        for n, word, tier in ((2, "two", Tier.STANDARD), (3, "three", Tier.EXHAUSTIVE)):
            request = _asking(body, LONG_ANSWER, OF_CHOICES, n=n)
            if body.has("stream_options"):
                request["stream_options"] = {"include_usage": True}
            yield served_probe(f"stream/{word}-choices", f"a stream of {word} choices", request, tier=tier)
    yield from _stopped_across_deltas(body)
    if body.has("stream_options"):
        for name, options in (("off", {"include_usage": False}), ("null", None)):
            request = _asking(body, LONG_ANSWER, 8, stream_options=options)
            about = f"a stream whose request wants no usage ({name})"
            yield served_probe(f"stream/usage-{name}", about, request, tier=Tier.EXHAUSTIVE)
    if body.has("logprobs"):
        fields: dict[str, Any] = {"logprobs": True, "top_logprobs": 1}
        if body.has("stream_options"):
            fields["stream_options"] = {"include_usage": True}
        about = "a stream with the log probabilities of each token"
        yield beside_a_stop(served_probe(STREAM_LOGPROBS, about, _asking(body, LONG_ANSWER, 16, **fields)), body)


def _stopped_across_deltas(body: RequestBody) -> Iterator[Probe]:
    """A stream whose request wants its usage, and to stop at a text that falls across deltas; as far as it can."""
    request = _asking(body, LONG_ANSWER, 11)
    apart = stops_amid(body)
    stop: dict[str, Any] = {"stop": [apart[0], *_ACROSS, *apart[2:-1]] if apart else [_ACROSS[0]]}
    usage: dict[str, Any] = {"stream_options": {"include_usage": True}}
    stops, counts = (all(map(body.has, one)) and body.is_spoken({**request, **one}) for one in (stop, usage))
    if body.has("stream_options"):
        about = f"a stream whose request wants its usage{', and stops across deltas' if stops else ''}"
        yield served_probe(STREAM_USAGE, about, {**request, **usage, **(stop if stops else {})})
    if body.has("stop") and not (stops and counts):
        about = "a stream that stops at a text that falls across deltas"
        yield served_probe(STOP_ACROSS, about, {**request, **stop})


def _asking(body: RequestBody, text: str, tokens: int, **fields: Any) -> dict[str, Any]:
    return body.asking(text, tokens=tokens, stream=True, **fields)
