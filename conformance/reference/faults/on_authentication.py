"""Faults of the door: keys that are compared or shown badly, and credentials that stand in odd places."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from urllib.parse import parse_qsl

from conformance.contract.model import CredentialScheme
from conformance.reference.access import Fields
from conformance.reference.dialect import Dialect
from conformance.reference.errors import Refusal
from conformance.reference.faults.actions import Crash, DeedError, deed
from conformance.reference.faults.on_messages import with_body
from conformance.reference.hooks import Seams
from conformance.reference.request_context import Asked, current
from conformance.reference.settings import Tenant

Given = list[tuple[bytes, bytes]]
LetsIn = Callable[[CredentialScheme, list[Tenant], Given], bool]
"""Whether a caller that is turned away is let in all the same."""


def _values(scheme: CredentialScheme, fields: Given) -> list[bytes]:
    name = scheme.header.lower().encode()
    return [value for field, value in fields if field == name]


def _letting_in(seams: Seams, lets_in: LetsIn) -> Seams:
    usual = seams.stages.authenticate

    def authenticate(scheme: CredentialScheme, dialect: Dialect, tenants: Iterable[Tenant], fields: Fields) -> Tenant:
        known, given = list(tenants), list(fields)
        try:
            return usual(scheme, dialect, known, given)
        except Refusal:
            if lets_in(scheme, known, given):
                return known[0]
            raise

    return replace(seams, stages=replace(seams.stages, authenticate=authenticate))


_NEARLY: dict[str, Callable[[str, str], bool]] = {
    "changed": lambda key, given: given[:8] == key[:8] and len(given) == len(key),
    "cut": lambda key, given: len(given) > 8 and key.startswith(given),
    "extended": lambda key, given: given.startswith(key),
}


@deed("access.nearly")
def nearly(seams: Seams, how: str) -> Seams:
    """Lets in keys that are nearly right: `changed` behind their beginning, `cut`, or `extended`."""
    if how not in _NEARLY:
        raise DeedError(f"`how: {how}` is unknown; there are {', '.join(_NEARLY)}")

    def lets_in(scheme: CredentialScheme, tenants: list[Tenant], fields: Given) -> bool:
        given = [value.decode("latin-1").split(" ")[-1] for value in _values(scheme, fields)]
        return any(_NEARLY[how](tenant.api_key, key) for tenant in tenants for key in given)

    return _letting_in(seams, lets_in)


@deed("access.two")
def let_two_in(seams: Seams) -> Seams:
    """Lets in whoever shows two credentials, whatever they are."""
    return _letting_in(seams, lambda scheme, _, fields: len(_values(scheme, fields)) > 1)


@deed("access.key-in-query")
def key_in_query(seams: Seams) -> Seams:
    """Takes the key from the URL where no header field has one."""

    def lets_in(_: CredentialScheme, tenants: list[Tenant], __: Given) -> bool:
        given = {value for _, value in parse_qsl(current.get().query)}
        return any(tenant.api_key in given for tenant in tenants)

    return replace(_letting_in(seams, lets_in), knows_requests=True)


@deed("access.stumbles")
def stumbles_over_credentials(seams: Seams, over: str) -> Seams:
    """Stumbles over `two` credentials, or over one in the `other-header`."""
    if over not in {"two", "other-header"}:
        raise DeedError(f"`over: {over}` is unknown; there are two, other-header")
    usual = seams.stages.authenticate

    def authenticate(scheme: CredentialScheme, dialect: Dialect, tenants: Iterable[Tenant], fields: Fields) -> Tenant:
        given = list(fields)
        others = {b"authorization", b"x-api-key"} - {scheme.header.lower().encode()}
        if over == "two" and len(_values(scheme, given)) > 1:
            raise Crash
        if over == "other-header" and any(name in others for name, _ in given):
            raise Crash
        return usual(scheme, dialect, tenants, given)

    return replace(seams, stages=replace(seams.stages, authenticate=authenticate))


@deed("access.one-space")
def one_space(seams: Seams) -> Seams:
    """Takes a second space between scheme and key for a part of the key."""
    usual = seams.stages.authenticate

    def authenticate(scheme: CredentialScheme, dialect: Dialect, tenants: Iterable[Tenant], fields: Fields) -> Tenant:
        given = [(name, value.replace(b"  ", b" _")) for name, value in fields]
        return usual(scheme, dialect, tenants, given)

    return replace(seams, stages=replace(seams.stages, authenticate=authenticate))


@deed("body.mask-key")
def mask_key(seams: Seams, first: int, last: int) -> Seams:
    """Puts the caller's key into the message of an error, but for its middle."""

    def bend(body: bytes, asked: Asked) -> bytes:
        key = (asked.headers.get("authorization") or asked.headers.get("x-api-key") or "").split(" ")[-1]
        shown = f"{key[:first]}****{key[len(key) - last :]}" if len(key) > first + last else "****"
        return body.replace(b'"message":"', f'"message":"The key {shown} is not valid. '.encode(), 1)

    return with_body(seams, bend)
