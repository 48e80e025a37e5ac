"""Requests that combine what is also asked for alone, where the combined one is not served."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.probes import Probe
from conformance.suite.observations import Answered, Observations


def decisive(probes: Iterable[Probe], observations: Observations) -> list[Probe]:
    """The probes but those combined ones that were taken apart: what they combine has answers of its own."""
    every = list(probes)
    kept = [probe for probe in every if not was_taken_apart(probe, observations)]
    return kept or every


def broken_together(probe: Probe, observations: Observations) -> bool:
    """Whether a combined request is not served although each of its parts is."""
    parts = [observations.outcome_of(part) for part in probe.instead]
    return bool(parts) and all(isinstance(one, Answered) and observations.served(one) for one in parts)


def was_taken_apart(probe: Probe, observations: Observations) -> bool:
    """Whether what a combined request combines was asked for alone."""
    return any(observations.exchange_of(part.name) is not None for part in probe.instead)
