"""How a profile's platform speaks: the bodies of its errors, and how it reports a provider's failure."""

from __future__ import annotations

from typing import Any

from conformance.contract import shipped_profiles
from conformance.contract.dialect import Dialect, read_dialect
from conformance.reference.errors import DeploymentError, ProviderError, Refusal


def dialect_of(profile: str) -> Dialect:
    """The dialect of a shipped profile.

    Raises:
        DeploymentError: there is no such profile.
        ContractError: its dialect cannot be used.
    """
    if profile not in shipped_profiles():
        known = ", ".join(shipped_profiles())
        raise DeploymentError(f"There is no reference deployment for {profile!r}; the profiles with one are {known}.")
    return read_dialect(profile)


def envelope(dialect: Dialect, refusal: Refusal) -> dict[str, Any]:
    """The body of an error."""
    return dialect.error_body(refusal.status, refusal.reason, refusal.message, refusal.param)


def refusal_of(dialect: Dialect, error: ProviderError) -> Refusal:
    """A provider's failure as this platform reports it."""
    if error.busy and dialect.passes_load_on:
        wait = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
        return Refusal(429, "rate_limit_exceeded", error.message, headers=wait)
    return Refusal(dialect.provider_status, "provider_error", error.message)
