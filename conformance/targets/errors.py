"""Why a target cannot be used."""

from __future__ import annotations


class TargetError(Exception):
    """The target, its credentials, its limits or its waivers cannot be used as they are configured.

    The message is one sentence that says what is wrong, where, and what to do.
    """
