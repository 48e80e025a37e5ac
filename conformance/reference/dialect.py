"""How each profile's platform speaks: where it is mounted, how it refuses, and what it honours beyond the schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.reference.errors import DeploymentError, ProviderError, Refusal


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between the platforms."""

    profile: str
    mount: str
    """What stands before the operation's path on this server: a base URL ends with it."""
    envelope: Callable[[Refusal], dict[str, Any]] = field(hash=False)
    """The body of an error."""
    challenge: str
    """The authentication scheme that a 401 names (RFC 9110 section 11.6.1)."""
    honours: frozenset[str]
    """Optional request fields that change the answer; others are accepted and ignored."""
    provider_status: int
    """The status for a provider's failure."""
    passes_load_on: bool
    """Whether a busy provider is reported to the client as 429."""
    has_organizations: bool = False
    has_logprobs: bool = False
    lists_models: bool = False

    def refusal_of(self, error: ProviderError) -> Refusal:
        """A provider's failure as this platform reports it."""
        if error.busy and self.passes_load_on:
            wait = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
            return Refusal(429, "rate_limit_exceeded", error.message, headers=wait)
        return Refusal(self.provider_status, "provider_error", error.message)


def openai_envelope(refusal: Refusal) -> dict[str, Any]:
    """The error object of the OpenAI API."""
    error = {
        "message": refusal.message,
        "type": _error_type(refusal.status),
        "param": refusal.param,
        "code": refusal.reason,
    }
    return {"error": error}


def flat_envelope(refusal: Refusal) -> dict[str, Any]:
    """Loop Health's error: a slug and a sentence."""
    return {"error": refusal.reason, "message": refusal.message}


def _error_type(status: int) -> str:
    if status >= 500:
        return "server_error"
    return {403: "permission_error", 429: "rate_limit_error"}.get(status, "invalid_request_error")


_COMMON = frozenset({"max_tokens", "stream_options"})

DIALECTS: Mapping[str, Dialect] = {
    "openai": Dialect(
        profile="openai",
        mount="/v1",
        envelope=openai_envelope,
        challenge="Bearer",
        honours=_COMMON | {"n", "stop", "max_completion_tokens", "logprobs", "top_logprobs"},
        provider_status=500,
        passes_load_on=True,
        has_logprobs=True,
        lists_models=True,
    ),
    "kodexa": Dialect(
        profile="kodexa",
        mount="",
        envelope=openai_envelope,
        challenge="ApiKey",
        honours=_COMMON | {"n", "stop", "max_completion_tokens"},
        provider_status=502,
        passes_load_on=True,
        has_organizations=True,
    ),
    "loop-health": Dialect(
        profile="loop-health",
        mount="",
        envelope=flat_envelope,
        challenge="Bearer",
        honours=_COMMON,
        provider_status=500,
        passes_load_on=False,
    ),
}


def dialect_of(profile: str) -> Dialect:
    """The dialect of a shipped profile.

    Raises:
        DeploymentError: no platform is known for this profile.
    """
    if profile not in DIALECTS:
        known = ", ".join(sorted(DIALECTS))
        raise DeploymentError(f"There is no reference deployment for {profile!r}; the profiles with one are {known}.")
    return DIALECTS[profile]
