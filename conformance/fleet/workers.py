"""The workers of a fleet: what the engine asks of any, where each piece of work is a run."""

from __future__ import annotations

from conformance.fleet.engine import Crew, End, FleetError
from conformance.fleet.task import Outcome, Task

__all__ = ["Ended", "FleetError", "Workers"]

Ended = End[Task, Outcome]
"""A task that a worker has ended, or can end no more."""
Workers = Crew[Task, Outcome]
"""Some workers, each of which judges one task at a time."""
