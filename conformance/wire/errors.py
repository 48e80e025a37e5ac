"""Why nothing can be sent: the errors of this folder."""

from __future__ import annotations


class WireError(Exception):
    """Nothing can be sent. The message is one sentence that says what is wrong, where, and what to do."""


class RequestError(WireError):
    """A probe has no request: a path parameter, the base URL or a header is missing or unusable."""


class CredentialMissingError(RequestError):
    """A probe needs a credential that the target does not have, such as the second tenant's."""


class Unreachable(WireError):  # noqa: N818 - a state of the target, not a mistake
    """No connection to the target could be made before the first probe."""
