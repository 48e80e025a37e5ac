"""What can go wrong in the reference deployment, and how a platform reports it to the client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.contract.dialect import Dialect


class DeploymentError(Exception):
    """The deployment cannot be set up. The message is one sentence that says what to do."""


class Refusal(Exception):  # noqa: N818 - the answer to a client, not a failure of this program
    """A request that is answered with an error.

    `reason` is a short stable slug (`invalid_api_key`), `param` the part of the request that is at fault.
    The message never repeats what the client sent, because that may be a key in the wrong place. Only where a provider
    refuses the request, it quotes the provider, with everything hidden that looks like a secret.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.param = param
        self.headers = dict(headers or {})


class ProviderError(Exception):
    """The provider gave no usable answer.

    The message is for the client: it names no host, URL or key, and repeats nothing that the provider said.
    `busy` says that the provider refused because of load; `retry_after` are the seconds to wait, if it named them.
    """

    def __init__(self, message: str, *, busy: bool = False, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.busy = busy
        self.retry_after = retry_after


def envelope(dialect: Dialect, refusal: Refusal) -> dict[str, Any]:
    """The body of an error."""
    return dialect.error_body(refusal.status, refusal.reason, refusal.message, refusal.param)


def refusal_of(dialect: Dialect, error: ProviderError) -> Refusal:
    """A provider's failure as this platform reports it."""
    if error.busy and dialect.passes_load_on:
        wait = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
        return Refusal(429, "rate_limit_exceeded", error.message, headers=wait)
    return Refusal(dialect.provider_status, "provider_error", error.message)
