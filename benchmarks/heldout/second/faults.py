"""The forty faults of the second held-out set, written by somebody who had seen no check."""

from __future__ import annotations

from held_out import HeldOut
from second.on_answers import ANSWER_FAULTS
from second.on_requests import REQUEST_FAULTS
from second.on_the_way import WAY_FAULTS

FAULTS: tuple[HeldOut, ...] = tuple(sorted((*REQUEST_FAULTS, *ANSWER_FAULTS, *WAY_FAULTS), key=lambda one: one.kind))
