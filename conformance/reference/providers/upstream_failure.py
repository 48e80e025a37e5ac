"""What an upstream's error means for the client: a request to correct, a wait, or a failure behind the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.reference.errors import ProviderError, Refusal
from conformance.reference.providers.upstream_abilities import missing_ability
from conformance.reference.providers.upstream_error import UpstreamError
from conformance.reference.providers.upstream_form import DECISIVE, DEFAULTS

_BUSY = frozenset({429, 503, 529})
_REFUSES_REQUEST = frozenset({400, 413, 422})
"""Statuses with which a server that works refuses one request."""
_MAY_REFUSE_FIELD = _REFUSES_REQUEST | {500, 501}
"""Statuses of an error that names a field of the request: some servers answer 500 to a value that they do not take."""
_LONGEST_WAIT = 3600
FAILED = "The provider failed to answer the request."
BROKE_OFF = "The provider broke off its answer."
NOT_UNDERSTOOD = "The provider gave an answer that cannot be understood."
REFUSES_GATEWAY = "The provider does not let this gateway in; whoever runs the gateway must see to it."


class UpstreamFailureError(ProviderError):
    """An error that the client can do nothing about. `error` has the upstream's own words, for the operator."""

    def __init__(self, message: str, error: UpstreamError, **load: Any) -> None:
        super().__init__(message, **load)
        self.error = error


def failure_of(error: UpstreamError, sent: Mapping[str, Any], *, key: str | None, host: str) -> Exception:
    """A refused request as the exception that says who can do something about it.

    `sent` is what was refused; nobody may see the upstream's `key` and `host`.
    """
    if error.status in _BUSY:
        return UpstreamFailureError(
            "The provider is busy; try again later.", error, busy=True, retry_after=_wait(error)
        )
    if error.status in {401, 403} or error.is_about_gateway:
        return UpstreamFailureError(REFUSES_GATEWAY, error)
    return _refusal(error, sent, error.shown(key=key, host=host)) or UpstreamFailureError(FAILED, error)


def _refusal(error: UpstreamError, sent: Mapping[str, Any], said: str) -> Refusal | None:
    """What the client can put right; None where it can do nothing. `said` are the upstream's words for clients."""
    if error.status in _MAY_REFUSE_FIELD and error.is_about_context:
        message = "The messages are longer than the model's context window."
        return Refusal(400, "context_length_exceeded", message, param="messages")
    fields = sorted(sent.keys() - {"model", "messages", "stream"})
    if error.status in _MAY_REFUSE_FIELD and (named := error.named(fields)):
        names = " and ".join(f"'{name}'" for name in named)
        message = _with_words(f"The provider does not support this {names}", said)
        return Refusal(400, "unsupported_parameter", message, param=named[0])
    if (field := missing_ability(error, sent)) is not None:
        message = _with_words(f"The provider cannot do what '{field}' asks for", said)
        return Refusal(400, "unsupported_parameter", message, param=field)
    if error.status not in _REFUSES_REQUEST:
        return None
    names = ", ".join(f"'{name}'" for name in fields if name in DECISIVE and sent[name] != DEFAULTS.get(name))
    doubt = f", and may not support one of its parameters ({names})" if names else ""
    return Refusal(400, "provider_refused", _with_words(f"The provider refuses this request{doubt}", said))


def _with_words(sentence: str, said: str) -> str:
    """A sentence that ends with what the upstream says, if it says anything."""
    return f"{sentence}: {said}" if said else f"{sentence}."


def _wait(error: UpstreamError) -> int | None:
    wait = error.retry_after
    seconds = int(wait) if wait.isascii() and wait.isdigit() and len(wait) < 6 else None
    return seconds if seconds is not None and seconds <= _LONGEST_WAIT else None
