"""Faults of access: who is let in, how others are turned away, and whose organizations are served."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from conformance.contract.model import CredentialScheme
from conformance.reference.access import Fields
from conformance.reference.dialect import Dialect
from conformance.reference.errors import Refusal
from conformance.reference.faults.actions import Crash, DeedError, deed
from conformance.reference.hooks import Seams
from conformance.reference.request_context import current
from conformance.reference.settings import Tenant
from conformance.reference.validation import RequestRules


@deed("access.open")
def let_in(seams: Seams, whom: str = "keyless") -> Seams:
    """Lets in callers `keyless`, with a `wrong` key, with an `empty` one, under `any-scheme`, or `all` of them."""
    if whom not in {"keyless", "wrong", "empty", "any-scheme", "all"}:
        raise DeedError(f"`whom: {whom}` is unknown; there are keyless, wrong, empty, any-scheme, all")
    usual = seams.stages.authenticate

    def authenticate(scheme: CredentialScheme, dialect: Dialect, tenants: Iterable[Tenant], fields: Fields) -> Tenant:
        known, given = list(tenants), list(fields)
        try:
            return usual(scheme, dialect, known, given)
        except Refusal:
            if whom in {"all", _kind_of(scheme, known, given)}:
                return known[0]
            raise

    return replace(seams, stages=replace(seams.stages, authenticate=authenticate))


def _kind_of(scheme: CredentialScheme, tenants: list[Tenant], fields: list[tuple[bytes, bytes]]) -> str:
    values = [value.strip() for name, value in fields if name == scheme.header.lower().encode()]
    if not values:
        return "keyless"
    name, _, key = values[0].rpartition(b" ")
    if not key or values[0].lower() == scheme.prefix.strip().lower().encode():
        return "empty"
    if name.lower() != scheme.prefix.strip().lower().encode():
        return "any-scheme"
    return "wrong"


@deed("access.exact-scheme")
def exact_scheme(seams: Seams) -> Seams:
    """Knows the scheme's name in one letter case only."""
    usual = seams.stages.authenticate

    def authenticate(scheme: CredentialScheme, dialect: Dialect, tenants: Iterable[Tenant], fields: Fields) -> Tenant:
        given = list(fields)
        wanted = scheme.prefix.strip().encode()
        exact = [
            (name, value)
            for name, value in given
            if name != scheme.header.lower().encode() or value.partition(b" ")[0] == wanted
        ]
        return usual(scheme, dialect, tenants, exact)

    return replace(seams, stages=replace(seams.stages, authenticate=authenticate))


@deed("access.refuse-all")
def refuse_all(seams: Seams, status: int = 401) -> Seams:
    """Lets nobody in."""

    def authenticate(*_: Any) -> Tenant:
        raise Refusal(status, "invalid_api_key", "The API key is not valid.")

    return replace(seams, stages=replace(seams.stages, authenticate=authenticate))


@deed("access.refusal")
def refusal_of_access(seams: Seams, status: int | None = None, *, challenge: bool = True, crash: bool = False) -> Seams:
    """Turns callers away with another status, without a challenge, or stumbles over them."""
    usual = seams.stages.authenticate

    def authenticate(*arguments: Any) -> Tenant:
        try:
            return usual(*arguments)
        except Refusal as refusal:
            if crash:
                raise Crash from refusal
            refusal.status = status or refusal.status
            if not challenge:
                refusal.headers.pop("WWW-Authenticate", None)
            raise

    return replace(seams, stages=replace(seams.stages, authenticate=authenticate))


@deed("access.after-validation")
def after_validation(seams: Seams) -> Seams:
    """Judges the body before the caller."""
    usual = seams.stages

    def authenticate(scheme: CredentialScheme, dialect: Dialect, tenants: Iterable[Tenant], fields: Fields) -> Tenant:
        known, given = list(tenants), list(fields)
        try:
            return usual.authenticate(scheme, dialect, known, given)
        except Refusal as refusal:
            current.get().memory.kept[f"refusal {current.get().number}"] = refusal
            return known[0]

    def check_body(rules: RequestRules, body: Any) -> None:
        usual.check_body(rules, body)
        refusal = current.get().memory.kept.pop(f"refusal {current.get().number}", None)
        if refusal is not None:
            raise refusal

    stages = replace(usual, authenticate=authenticate, check_body=check_body)
    return replace(seams, stages=stages, knows_requests=True)


@deed("access.organization")
def any_organization(seams: Seams, which: str = "any") -> Seams:
    """Serves `any` organization, those that are `unknown`, or those that are somebody else's (`foreign`)."""
    usual = seams.stages.authorize

    def authorize(dialect: Dialect, tenant: Tenant, parameters: Mapping[str, str]) -> None:
        try:
            usual(dialect, tenant, parameters)
        except Refusal:
            unknown = parameters.get("orgId", "").startswith("00000000-")
            if which != "any" and (which == "unknown") is not unknown:
                raise

    return replace(seams, stages=replace(seams.stages, authorize=authorize))
