"""The ways in which nothing can be sent, or nobody is there."""

from __future__ import annotations


class WireError(Exception):
    """Something about sending is wrong; the message is one sentence that says what, where and what to do."""


class RequestError(WireError):
    """A probe cannot be made into a request: a path parameter, the base URL or a header is missing or unusable."""


class CredentialMissingError(RequestError):
    """A probe needs a credential that the target does not have (the second tenant's, for example)."""


class Unreachable(WireError):  # noqa: N818 - reads as what it says where it is caught
    """No connection to the target could be made before the first probe."""
