"""Allowed variations of the fifth set in what lies around an answer, and all twelve of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fifth.odd_answers import ANSWER_VARIATIONS
from fifth.parts import refused
from fourth.on_profiles import KODEXA
from held_out import HeldOut
from third.parts import asks_for_completion

from conformance.contract.dialect import Dialect
from conformance.contract.model import CredentialScheme
from conformance.reference.access import Fields, authenticate, authorize
from conformance.reference.errors import Refusal
from conformance.reference.hooks import Ending, Hooks, Messages, Write, WriteKind
from conformance.reference.request_context import RequestContext
from conformance.reference.settings import Tenant
from conformance.reference.stages import Stages

_CHUNKED = b"transfer-encoding: chunked\r\n"


async def _unprocessable(context: RequestContext, messages: Messages) -> Messages:
    """Says 422 of bodies that are JSON objects, and wrong."""
    async for message in messages:
        is_refusal = message["type"] == "http.response.start" and message["status"] == 400
        yield {**message, "status": 422} if is_refusal and asks_for_completion(context) and context.body else message


def _with_extensions(_context: RequestContext, write: Write) -> Iterable[bytes | Ending]:
    size = b"%x\r\n" % len(write.payload)
    is_chunk = write.kind is WriteKind.BODY and write.payload and write.data.lower().startswith(size)
    yield size[:-2] + b";part=%d\r\n" % write.number + write.data[len(size) :] if is_chunk else write.data


def _until_close(_context: RequestContext, write: Write) -> Iterable[bytes | Ending]:
    """Ends what would be chunked by closing the connection."""
    if write.kind is WriteKind.HEAD and _CHUNKED in write.data.lower():
        place = write.data.lower().index(_CHUNKED)
        kept = write.data[:place] + write.data[place + len(_CHUNKED) :]
        yield kept.removesuffix(b"\r\n") + b"connection: close\r\n\r\n"
    elif write.kind is WriteKind.BODY and write.data != write.payload:
        yield write.payload
    elif write.kind is WriteKind.END and write.data == b"0\r\n\r\n":
        yield Ending.CLOSE
    else:
        yield write.data


def _hidden(dialect: Dialect, tenant: Tenant, parameters: Mapping[str, str]) -> None:
    try:
        authorize(dialect, tenant, parameters)
    except Refusal as refusal:
        raise refused(404, "not_found", "There is no such organization.", "orgId") from refusal


def _bearer_as_well(scheme: CredentialScheme, dialect: Dialect, tenants: Iterable[Tenant], fields: Fields) -> Tenant:
    listed = list(fields)
    if not any(name == b"x-api-key" for name, _ in listed):
        for name, value in listed:
            given, _, key = value.partition(b" ")
            if name == b"authorization" and given.lower() == b"bearer":
                listed.append((b"x-api-key", key.strip(b" ")))
    return authenticate(scheme, dialect, tenants, listed)


VARIATIONS: tuple[HeldOut, ...] = (
    *ANSWER_VARIATIONS,
    HeldOut(
        "allowed.unprocessable",
        "allowed",
        "A body that is JSON and wrong is refused with 422 (RFC 9110, section 15.5.21), with an error as of OpenAI.",
        lambda: Hooks(messages=(_unprocessable,), reads_first=True, needs_context=True),
        ("https://github.com/abetlen/llama-cpp-python/issues/187",),
    ),
    HeldOut(
        "allowed.chunk-extensions",
        "allowed",
        "The chunks of streams have an extension, which every recipient must ignore (RFC 9112, section 7.1.1).",
        lambda: Hooks(writes=(_with_extensions,), needs_context=True),
    ),
    HeldOut(
        "allowed.until-close",
        "allowed",
        "A stream has neither chunks nor a length: the end of the connection ends it (RFC 9112, section 6.3, item 8).",
        lambda: Hooks(writes=(_until_close,), needs_context=True),
    ),
    HeldOut(
        "allowed.forbidden-as-404",
        "allowed",
        "Kodexa: any other organization is answered 404, by which a server may hide it (RFC 9110, section 15.5.4).",
        lambda: Hooks(Stages(authorize=_hidden)),
        ("https://github.com/rotationalio/ensign/pull/267",),
        profile=KODEXA,
    ),
    HeldOut(
        "allowed.bearer-as-well",
        "allowed",
        "Kodexa: without `x-api-key` the key may stand in `Authorization: Bearer`, which the page does not forbid.",
        lambda: Hooks(Stages(authenticate=_bearer_as_well)),
        ("https://github.com/pydantic/pydantic-ai-gateway/pull/141",),
        profile=KODEXA,
    ),
)
