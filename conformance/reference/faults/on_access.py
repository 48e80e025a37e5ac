"""Faults of access: who is let in, how others are refused, and whose organizations are served."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from conformance.contract.dialect import Dialect
from conformance.contract.model import CredentialScheme
from conformance.reference.access import Fields
from conformance.reference.errors import Refusal
from conformance.reference.faults.actions import ActionError, Crash, fault_action
from conformance.reference.hooks import Hooks
from conformance.reference.request_context import current
from conformance.reference.settings import Tenant
from conformance.reference.validation import RequestRules


@fault_action("access.open")
def let_in(hooks: Hooks, whom: str = "keyless") -> Hooks:
    """Lets in callers `keyless`, with a `wrong` key, with an `empty` one, under `any-scheme`, or `all` of them."""
    if whom not in {"keyless", "wrong", "empty", "any-scheme", "all"}:
        raise ActionError(f"`whom: {whom}` is unknown; use one of keyless, wrong, empty, any-scheme, all")
    usual = hooks.stages.authenticate

    def authenticate(scheme: CredentialScheme, dialect: Dialect, tenants: Iterable[Tenant], fields: Fields) -> Tenant:
        known, given = list(tenants), list(fields)
        try:
            return usual(scheme, dialect, known, given)
        except Refusal:
            if whom in {"all", _kind_of(scheme, known, given)}:
                return known[0]
            raise

    return replace(hooks, stages=replace(hooks.stages, authenticate=authenticate))


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


@fault_action("access.exact-scheme")
def exact_scheme(hooks: Hooks) -> Hooks:
    """Recognises the scheme's name in one letter case only."""
    usual = hooks.stages.authenticate

    def authenticate(scheme: CredentialScheme, dialect: Dialect, tenants: Iterable[Tenant], fields: Fields) -> Tenant:
        given = list(fields)
        wanted = scheme.prefix.strip().encode()
        exact = [
            (name, value)
            for name, value in given
            if name != scheme.header.lower().encode() or value.partition(b" ")[0] == wanted
        ]
        return usual(scheme, dialect, tenants, exact)

    return replace(hooks, stages=replace(hooks.stages, authenticate=authenticate))


@fault_action("access.refuse-all")
def refuse_all(hooks: Hooks, status: int = 401) -> Hooks:
    """Lets nobody in."""

    def authenticate(*_: Any) -> Tenant:
        raise Refusal(status, "invalid_api_key", "The API key is not valid.")

    return replace(hooks, stages=replace(hooks.stages, authenticate=authenticate))


@fault_action("access.refusal")
def refusal_of_access(hooks: Hooks, status: int | None = None, *, challenge: bool = True, crash: bool = False) -> Hooks:
    """Refuses callers with another status or without a challenge, or crashes on them."""
    usual = hooks.stages.authenticate

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

    return replace(hooks, stages=replace(hooks.stages, authenticate=authenticate))


@fault_action("access.after-validation")
def after_validation(hooks: Hooks) -> Hooks:
    """Checks the body before it checks the caller."""
    usual = hooks.stages

    def authenticate(scheme: CredentialScheme, dialect: Dialect, tenants: Iterable[Tenant], fields: Fields) -> Tenant:
        known, given = list(tenants), list(fields)
        try:
            return usual.authenticate(scheme, dialect, known, given)
        except Refusal as refusal:
            current.get().state.kept[f"refusal {current.get().number}"] = refusal
            return known[0]

    def check_body(rules: RequestRules, body: Any) -> None:
        usual.check_body(rules, body)
        refusal = current.get().state.kept.pop(f"refusal {current.get().number}", None)
        if refusal is not None:
            raise refusal

    stages = replace(usual, authenticate=authenticate, check_body=check_body)
    return replace(hooks, stages=stages, needs_context=True)


@fault_action("access.organization")
def any_organization(hooks: Hooks, which: str = "any") -> Hooks:
    """Serves `any` organization, only `unknown` ones, or only those of another tenant (`foreign`)."""
    usual = hooks.stages.authorize

    def authorize(dialect: Dialect, tenant: Tenant, parameters: Mapping[str, str]) -> None:
        try:
            usual(dialect, tenant, parameters)
        except Refusal:
            unknown = any(parameters.get(one.name) == one.second.unknown for one in dialect.tenancy if one.second)
            if which != "any" and (which == "unknown") is not unknown:
                raise

    return replace(hooks, stages=replace(hooks.stages, authorize=authorize))
