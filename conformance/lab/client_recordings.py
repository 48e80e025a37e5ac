"""Records, for each fault of the lab, the answers that clients would get, where they differ from the reference's."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from conformance.clients.scenarios import Chosen, Scenario, kind_of, scenarios_of
from conformance.contract.model import Tier
from conformance.lab.observing import LIMITS, WAITING_LIMITS
from conformance.lab.targets import LabTarget, contract_of
from conformance.probes import plan
from conformance.reference import EmbeddedReference
from conformance.reference.own_contract import reference_dialect
from conformance.reference.server import new_tenants
from conformance.wire import Unreachable, observe
from conformance.wire.exchange import EndKind, Exchange

PROBES: Final = (
    "completion/plain",
    "completion/conversation",
    "completion/two-choices",
    "stream/plain",
    "stream/usage",
    "stream/two-choices",
    "tools/required",
    "tools/required-streamed",
    "tools/second-turn",
    "structured/strict",
    "structured/strict-streamed",
    "access/no-key",
    "access/no-key-streamed",
    "error/json-cut",
    "error/streamed",
    "error/unknown-model",
)
"""One request of each kind that clients send."""
_AT_ONCE: Final = 6
_CHANGING: Final = (
    (re.compile(rb"(?i)\b(?:chatcmpl|call|req|resp|msg|fp)[-_][0-9A-Za-z_-]{6,}"), b"ID"),
    (re.compile(rb"\b1[0-9]{9}\b"), b"TIME"),
    (re.compile(rb"(?i)\r\n(?:date|x-request-id|openai-processing-ms|content-length):[^\r\n]*"), b""),
    (re.compile(rb"\b[0-9a-f]{24,64}\b"), b"HEX"),
    (re.compile(rb'"obfuscation":"[^"]*"'), b""),
)
"""What differs between two answers of one deployment: ids and times."""
_SILENT: Final = frozenset({EndKind.IDLE_TIMEOUT, EndKind.DEADLINE})
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class FaultRecording:
    """A fault or allowed variation, and its answers that differ from those without it."""

    target: LabTarget
    scenarios: tuple[Scenario, ...]


def fault_recordings(
    control: LabTarget, targets: Sequence[LabTarget], progress: Progress | None = None
) -> tuple[Chosen, tuple[FaultRecording, ...]]:
    """The answers of the reference, and of each target those that differ from them.

    Each scenario has the fault's id before its name. Of a target that falls silent, one answer has to do: each costs
    every client the whole time that it may take.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="lab") as thread:
        seen = thread.submit(asyncio.run, _observe_all([control, *targets], progress)).result()
    reference = scenarios_of(seen[control.id], {}, most=1)
    known = {signature(one) for one in seen[control.id]}
    return reference, tuple(
        FaultRecording(one, different) for one in targets if (different := _different(one, seen[one.id], known))
    )


def _different(target: LabTarget, exchanges: Sequence[Exchange], known: set[bytes]) -> tuple[Scenario, ...]:
    unlike = [one for one in exchanges if signature(one) not in known]
    scenarios = scenarios_of(unlike, {}, most=1).scenarios
    silent = [one for one in scenarios if one.exchange.ending.kind in _SILENT]
    silent.sort(key=lambda one: one.kind not in ("completion", "stream"))  # the kinds that every client has
    return tuple(replace(one, id=f"{target.id}/{one.kind}") for one in scenarios if one not in silent[1:])


def signature(exchange: Exchange) -> bytes:
    """What tells an answer from those to the same kind of request: its bytes but for ids and times, and its end.

    The request stands in it as its kind, since a fault may change which status it gets.
    """
    answer = exchange.answer
    body = b"" if answer is None else answer.body
    kind = kind_of(exchange, urlsplit(exchange.request.url).path) or exchange.probe
    data = b"\n".join((kind.encode(), exchange.ending.kind.value.encode(), exchange.head, body))
    for pattern, mark in _CHANGING:
        data = pattern.sub(mark, data)
    return data


async def _observe_all(targets: Sequence[LabTarget], progress: Progress | None) -> Mapping[str, Sequence[Exchange]]:
    """The answers of each target. All are sent the same requests, which are planned once, and nothing is written."""
    slots = asyncio.Semaphore(_AT_ONCE)
    contract = contract_of(targets[0].profile)
    tenants = new_tenants(reference_dialect(contract))
    first = EmbeddedReference(contract.profile.name, contract=contract, tenants=tenants)
    probes = plan(contract, first.target, PROBES, Tier.STANDARD, generated=0).probes
    seen: dict[str, Sequence[Exchange]] = {}

    async def one(target: LabTarget) -> None:
        limits = WAITING_LIMITS if target.waits else LIMITS
        async with (
            slots,
            EmbeddedReference(target.profile, hooks=target.hooks, contract=contract, tenants=tenants) as reference,
        ):
            try:
                found = await observe(probes, contract.operation, reference.target, limits, lambda exchange: exchange)
                seen[target.id] = found.exchanges
            except Unreachable:
                seen[target.id] = ()
        if progress is not None:
            progress(len(seen), len(targets))

    await asyncio.gather(*map(one, targets))
    return seen
