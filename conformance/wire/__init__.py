"""Sends probes to the target and records, uninterpreted, what came back."""

from __future__ import annotations

from conformance.wire.budget import Timing
from conformance.wire.errors import CredentialMissingError, RequestError, Unreachable, WireError
from conformance.wire.exchange import (
    Answer,
    Ending,
    EndKind,
    Exchange,
    Headers,
    Read,
    Redaction,
    SentRequest,
)
from conformance.wire.observe import BY_PROXY, Observation, observe, observe_sync

__all__ = [
    "BY_PROXY",
    "Answer",
    "CredentialMissingError",
    "EndKind",
    "Ending",
    "Exchange",
    "Headers",
    "Observation",
    "Read",
    "Redaction",
    "RequestError",
    "SentRequest",
    "Timing",
    "Unreachable",
    "WireError",
    "observe",
    "observe_sync",
]
