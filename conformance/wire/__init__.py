"""Sends probes to the target and records, uninterpreted, what came back."""

from conformance.wire.budget import Timing
from conformance.wire.errors import CredentialMissingError, RequestError, Unreachable
from conformance.wire.exchange import (
    Answer,
    EndKind,
    Exchange,
    Redaction,
)
from conformance.wire.observe import BY_PROXY, Observation, observe, observe_sync
from conformance.wire.run_time import OUT_OF_TIME, RunTime

__all__ = [
    "BY_PROXY",
    "OUT_OF_TIME",
    "Answer",
    "CredentialMissingError",
    "EndKind",
    "Exchange",
    "Observation",
    "Redaction",
    "RunTime",
    "RequestError",
    "Timing",
    "Unreachable",
    "observe",
    "observe_sync",
]
