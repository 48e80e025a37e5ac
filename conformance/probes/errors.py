"""The way in which probes can be unusable."""

from __future__ import annotations


class ProbeError(Exception):
    """No probes can be made for this contract; the message is one sentence that says why and what to do."""
