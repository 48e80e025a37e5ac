"""Answers that are not streamed: a completion or an error as one JSON document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from conformance.contract.media_types import JSON
from conformance.quoting import quoted
from conformance.reading.applicability import body_requirements
from conformance.reading.content import ContentDecoder
from conformance.reading.deviation import Deviation, DeviationLog
from conformance.reading.transfer import TransferReading, content_reads, read_transfer
from conformance.strict_json import JsonRule, parse
from conformance.wire.exchange import EndKind, Exchange

_INTEROPERABLE: Final = frozenset({JsonRule.UNIQUE_NAMES, JsonRule.SURROGATES, JsonRule.NUMBERS, JsonRule.DEPTH})
"""Rules that RFC 8259 recommends without demanding them: parsers differ there."""
_KEPT: Final = 64 * 1024
"""Bytes that are kept of a body whose coding is broken or decodes to too much."""
_OPEN: Final = (EndKind.IDLE_TIMEOUT, EndKind.DEADLINE, EndKind.TOO_LARGE)


@dataclass(frozen=True, slots=True)
class BodyReading:
    """What an answer with a JSON body says, and all its deviations.

    `value` is the JSON value, None where `is_readable` is False; `problem` then says why. `body` is the content after
    content decoding. `applicable` has the requirements on HTTP messages that it was able to break, and all that it
    broke.
    """

    exchange: str
    status: int | None
    transfer: TransferReading | None
    body: bytes
    value: Any
    is_readable: bool
    problem: str | None
    deviations: tuple[Deviation, ...]
    applicable: frozenset[str]

    @property
    def object(self) -> dict[str, Any]:
        """The value where it is a JSON object, else an empty object."""
        return self.value if isinstance(self.value, dict) else {}

    def broke(self, requirement: str) -> tuple[Deviation, ...]:
        """The deviations from one requirement."""
        return tuple(one for one in self.deviations if one.requirement == requirement)


def read_completion(exchange: Exchange) -> BodyReading:
    """Reads a completion that is not streamed; deviations are from `completion.*` and `transport.*`."""
    return _read(exchange, "completion")


def read_error(exchange: Exchange) -> BodyReading:
    """Reads the body of an error response; deviations are from `error.*` and `transport.*`."""
    return _read(exchange, "error")


def _read(exchange: Exchange, section: str) -> BodyReading:
    log = DeviationLog()
    answer = exchange.answer
    if answer is None:
        silence = f"no answer: {exchange.ending.kind.value}"
        return BodyReading(exchange.id, None, None, b"", None, False, silence, (), frozenset())
    transfer = read_transfer(answer, log, exchange)
    if transfer.media_type != JSON:
        header = answer.header("Content-Type")
        actual = "no Content-Type" if header is None else f"Content-Type: {quoted(header)}"
        log.note(f"{section}.media-type", f"Content-Type: {JSON}", actual)
    decoder = ContentDecoder(transfer.codings, log)
    body = b"".join(read.data for read in content_reads(answer, exchange, decoder, log))
    size = len(body)
    problem: str | None = decoder.problem
    if exchange.ending.kind in _OPEN:
        problem = f"the body did not end: {exchange.ending.kind.value}"
        if exchange.ending.kind is EndKind.IDLE_TIMEOUT:
            log.note("transport.body-complete", "a body that ends as its framing says", problem)
    value, is_readable = None, False
    if problem is None:
        value, is_readable, faults = parse(body)
        for fault in faults:
            if fault.rule in _INTEROPERABLE:
                log.note("completion.json-interoperable", "JSON that every parser reads alike", fault.actual)
            else:
                log.note(f"{section}.json", "one strict JSON document in UTF-8", fault.actual)
        if not is_readable:
            problem = "the body is not a JSON document"
    if decoder.problem is not None:
        body = body[:_KEPT]  # nobody reads what could not be decoded to its end
    applicable = {one.requirement for one in log.kept}.union(body_requirements(transfer, exchange.ending, size))
    return BodyReading(
        exchange.id,
        answer.status,
        transfer,
        body,
        value,
        is_readable,
        problem,
        tuple(log.kept),
        frozenset(applicable),
    )
