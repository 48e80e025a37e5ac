"""The contracts of the shipped profiles, each read once in a process, and not before a test needs it.

Test modules name profiles and faults when they are imported, and look them up here when a test runs: collecting the
tests reads no contract.
"""

from __future__ import annotations

from functools import cache

from conformance.contract import Contract, load_contract

PROFILES = ("openai", "kodexa", "loop-health")


@cache
def shipped_contract(profile: str) -> Contract:
    """The contract of a shipped profile."""
    return load_contract(profile)
