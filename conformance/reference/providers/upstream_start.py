"""Asks an upstream one small question before anything is served, and says what an operator should know."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass

import httpx

from conformance.reference.errors import DeploymentError, ProviderError, Refusal
from conformance.reference.provider import CompletionRequest, Message
from conformance.reference.providers.connections import UnreachableError
from conformance.reference.providers.upstream import Known, Upstream, UpstreamProvider
from conformance.reference.providers.upstream_failure import NOT_UNDERSTOOD, UpstreamFailureError
from conformance.reference.providers.upstream_form import LIMIT_FIELDS, Form

_LIMIT = 16
"""Tokens that the question may cost."""
_NO_ROUTE = frozenset({301, 302, 303, 307, 308, 404, 405, 410, 501})


@dataclass(frozen=True, slots=True)
class Start:
    """What the first question taught, and the sentences for the operator."""

    known: Known
    notices: tuple[str, ...]


async def ask_first(upstream: Upstream, model: str, key_variable: str, patience: float = 20.0) -> Start:
    """Ask the upstream a small question. `model` is what clients will ask for, `patience` the longest wait in seconds.

    An upstream that is merely slow, busy or failing is served all the same, because that may pass.

    Raises:
        DeploymentError: nobody could be served: there is no connection, the key is refused, there is no such route or
            model, or what answers is not a model server.
    """
    provider = UpstreamProvider(upstream)
    where = str(httpx.URL(upstream.url).copy_with(username=None, password=None))
    question = CompletionRequest(model, (Message("user", "Say hello."),), token_limit=_LIMIT)
    try:
        async with asyncio.timeout(patience), aclosing(provider.generate(question, 0)) as pieces:
            async for _ in pieces:
                pass
    except UnreachableError as error:
        message = f"Nothing answers at {where} ({error.reason}); start the upstream first, or correct --upstream."
        raise DeploymentError(message) from error
    except UpstreamFailureError as error:
        _give_up(error, where, key_variable, upstream.api_key)
        return _served_all_the_same(provider, f"answers {_quoted(error, upstream.api_key)} to a small question")
    except (ProviderError, Refusal) as error:
        if error.message == NOT_UNDERSTOOD:
            message = (
                f"What answers at {where}/chat/completions is not an OpenAI-compatible server; correct --upstream."
            )
            raise DeploymentError(message) from error
        return _served_all_the_same(provider, f"does not answer a small question: {error.message.rstrip('.')}")
    except TimeoutError:
        return _served_all_the_same(provider, f"does not answer a small question within {patience:g} s")
    finally:
        await provider.close()
    return Start(provider.known, tuple(_notices(upstream, provider.known, model)))


def _give_up(error: UpstreamFailureError, where: str, key_variable: str, key: str | None) -> None:
    """Raises `DeploymentError` for an answer that no waiting will change."""
    status, said = error.error.status, _quoted(error, key)
    if status in {401, 403}:
        what = "refuses the key in" if key else "wants a key; there is none in"
        raise DeploymentError(f"The upstream at {where} {what} {key_variable} (it answers {said}); set the right one.")
    if status in _NO_ROUTE or error.error.is_about_gateway:
        raise DeploymentError(
            f"The upstream answers {said} at {where}/chat/completions; --upstream is its URL before /chat/completions "
            "and often ends with /v1, and --upstream-model names one of its models."
        )


def _quoted(error: UpstreamFailureError, key: str | None) -> str:
    said = error.error.shown(key=key, host="")
    return f"{error.error.status}, {said!r}" if said else str(error.error.status)


def _served_all_the_same(provider: UpstreamProvider, what: str) -> Start:
    """The sentence on an upstream that may be well later."""
    return Start(
        provider.known, (f"The upstream {what}. The gateway serves; until this passes, its clients get errors.",)
    )


def _notices(upstream: Upstream, known: Known, model: str) -> list[str]:
    """What differs from an upstream that takes everything and lists its models."""
    notices = []
    if upstream.model is None and known.model is None:
        notices.append(f"The upstream lists no models and is asked for {model!r}; --upstream-model names another.")
    form, usual = known.form, Form()
    if form.limit_field is None:
        notices.append(f"The upstream takes neither {' nor '.join(LIMIT_FIELDS)}; the gateway cuts its answers.")
    elif form.limit_field != usual.limit_field:
        notices.append(f"The upstream takes {form.limit_field} instead of {usual.limit_field}.")
    if form.least_limit > usual.least_limit:
        notices.append(f"The upstream takes no limit below {form.least_limit} tokens; the gateway cuts its answers.")
    return notices
