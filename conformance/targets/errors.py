"""The ways in which a target can be unusable before anything was sent."""

from __future__ import annotations


class TargetError(Exception):
    """The target, its credentials, its limits or its waivers are not usable as configured.

    The message is one sentence that says what is wrong, where, and what to do.
    """
