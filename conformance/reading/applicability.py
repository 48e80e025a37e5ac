"""Which requirements an answer was able to break: no other can count as kept by it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from conformance.reading.choices import ChoiceState
from conformance.reading.sequence import Phase
from conformance.reading.stream_reading import StreamReading
from conformance.reading.tool_calls import STREAM_INDEX, STREAM_LATER, STREAM_OPENING, STREAM_SEVERAL
from conformance.reading.transfer import TARGET_ENDED, Framing, TransferReading
from conformance.wire.exchange import Ending, EndKind

_EVERY_HEAD: Final = (
    "transport.status-line",
    "transport.line-ends",
    "transport.field-lines",
    "transport.no-folding",
    "transport.singleton-fields",
    "transport.hop-by-hop",
)
_BY_TARGET: Final = TARGET_ENDED | {EndKind.DEADLINE, EndKind.TOO_LARGE}


def head_requirements(*, has_transfer_coding: bool, is_bodiless: bool) -> Iterator[str]:
    """What the head of any message can break; `is_bodiless` says whether its status allows no body."""
    yield from _EVERY_HEAD
    if has_transfer_coding:
        yield "transport.transfer-coding"
    if is_bodiless:
        yield "transport.bodiless"


def body_requirements(transfer: TransferReading | None, ending: Ending | None, size: int) -> Iterator[str]:
    """What the body of any message can break.

    `size` counts its bytes after content decoding. Without `ending`, the body counts as complete.
    """
    if transfer is None:
        return
    yield from ("transport.single-framing", "transport.content-encoding-accepted")
    if ending is None or ending.kind in TARGET_ENDED:
        yield "transport.body-complete"
    if transfer.framing is Framing.LENGTH and (ending is None or ending.kind is EndKind.COMPLETE):
        yield "transport.length-truthful"
    if size > 0:
        yield from ("transport.content-encoding", "transport.single-message")
        if transfer.codings:
            yield "transport.content-bounded"
        if "deflate" in transfer.codings:
            yield "transport.deflate-wrapped"


def stream_requirements(reading: StreamReading) -> Iterator[str]:
    """What a streamed answer can break, as an HTTP message and as a stream; what it broke is always among them."""
    yield from body_requirements(reading.transfer, reading.ending, reading.size)
    yield from (one.requirement for one in reading.deviations)
    if reading.transfer is not None:
        yield "stream.status"
        if reading.transfer.status == 200:
            yield "stream.media-type"
    yield from _events(reading)
    yield from _chunks(reading)
    yield from _end(reading)


def _events(reading: StreamReading) -> Iterator[str]:
    if reading.size > 0:
        yield from ("stream.utf8", "stream.field-names", "stream.line-length")
    if reading.events > 0:
        yield "stream.no-empty-event"
    if reading.events > 0 and (reading.ending is None or reading.ending.kind is EndKind.COMPLETE):
        yield "stream.terminated"
    if reading.events > reading.sentinels:
        yield from ("stream.json", "stream.json-duplicate-keys", "stream.json-interoperable", "stream.event-kind")
    if reading.sentinels:
        yield "stream.done-last"
    if reading.errors:
        yield from ("stream.error-recognisable", "stream.error-terminal", "stream.done-absent-after-error")


def _chunks(reading: StreamReading) -> Iterator[str]:
    if reading.chunks == 0:
        return
    yield "stream.object"
    if reading.chunks > 1:
        yield from ("stream.id-constant", "stream.created-constant", "stream.model-constant")
    yield from _choices(reading)
    if any(choice.tokens for choice in reading.choices.values()):
        yield "stream.logprobs-consistent"
    if reading.usage is None:
        return
    yield "stream.usage-sum"
    if reading.expectations.max_tokens is not None:
        yield "stream.max-tokens"
    if reading.expectations.usage:
        yield from ("stream.usage-choices-empty", "stream.usage-nowhere-else")


def _choices(reading: StreamReading) -> Iterator[str]:
    choices = reading.choices.values()
    if any(choice.state is not ChoiceState.WAITING for choice in choices):
        yield from ("stream.role", "stream.role-first", "stream.index-range", "stream.finish-reason")
    if any(choice.state is ChoiceState.FINISHED for choice in choices):
        yield "stream.nothing-after-finish"
    if any(choice.calls for choice in choices):
        yield from (STREAM_INDEX, STREAM_OPENING)
    if any(choice.call_deltas > len(choice.calls) for choice in choices):
        yield STREAM_LATER
    if any(len(choice.calls) > 1 for choice in choices):
        yield STREAM_SEVERAL
    if any(choice.content_deltas > 2 for choice in choices):
        yield "stream.content-increments"
    if any(choice.length for choice in choices):
        if not reading.expectations.replacement_characters:
            yield "stream.content-intact"
        if reading.expectations.stop:
            yield "stream.stop"


def _end(reading: StreamReading) -> Iterator[str]:
    """What only a stream decides that the target brought to an end, or left open."""
    if reading.problem is not None:
        return
    kind = EndKind.COMPLETE if reading.ending is None else reading.ending.kind
    phase = reading.sequence.phase
    if kind in TARGET_ENDED or (phase is not Phase.RUNNING and kind in _BY_TARGET):
        yield "stream.ends"
    if kind not in TARGET_ENDED:
        return
    yield "stream.not-empty"
    if phase is Phase.FAILED:
        return
    yield "stream.done-once"
    if reading.chunks == 0:
        return
    yield "stream.finish-once"
    if reading.expectations.logprobs and any(choice.length for choice in reading.choices.values()):
        yield "stream.logprobs"
    if reading.expectations.usage is True:
        yield "stream.usage-when-asked"
        if reading.usage is not None:
            yield "stream.usage-after-finish"
    if reading.expectations.usage is False:
        yield "stream.usage-absent-unasked"
