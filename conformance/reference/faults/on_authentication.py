"""Faults of authentication: keys that are compared or shown carelessly, and credentials in unusual places."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from urllib.parse import parse_qsl

from conformance.contract.dialect import Dialect
from conformance.contract.model import CredentialScheme
from conformance.reference.access import Fields
from conformance.reference.errors import Refusal
from conformance.reference.faults.actions import ActionError, Crash, fault_action
from conformance.reference.faults.on_messages import HeaderFields, key_of_caller, with_body, with_start
from conformance.reference.hooks import Hooks
from conformance.reference.request_context import RequestContext, current
from conformance.reference.settings import Tenant

Given = list[tuple[bytes, bytes]]
LetsIn = Callable[[CredentialScheme, list[Tenant], Given], bool]
"""Whether a caller who would be refused is let in."""


def _values(scheme: CredentialScheme, fields: Given) -> list[bytes]:
    name = scheme.header.lower().encode()
    return [value for field, value in fields if field == name]


def _letting_in(hooks: Hooks, lets_in: LetsIn) -> Hooks:
    usual = hooks.stages.authenticate

    def authenticate(scheme: CredentialScheme, dialect: Dialect, tenants: Iterable[Tenant], fields: Fields) -> Tenant:
        known, given = list(tenants), list(fields)
        try:
            return usual(scheme, dialect, known, given)
        except Refusal:
            if lets_in(scheme, known, given):
                return known[0]
            raise

    return replace(hooks, stages=replace(hooks.stages, authenticate=authenticate))


_NEARLY: dict[str, Callable[[str, str], bool]] = {
    "changed": lambda key, given: given[:8] == key[:8] and len(given) == len(key),
    "cut": lambda key, given: len(given) > 8 and key.startswith(given),
    "extended": lambda key, given: given.startswith(key),
    "folded": lambda key, given: given != key and given.casefold() == key.casefold(),
    "before-dash": lambda key, given: given != key and given.rpartition("-")[0] == key,
    "before-colon": lambda key, given: given != key and given.partition(":")[0] == key,
    "before-slash": lambda key, given: given != key and given.partition("/")[0] == key,
}


@fault_action("access.nearly")
def nearly(hooks: Hooks, how: str) -> Hooks:
    """Lets in keys that are nearly right.

    That is `changed` after their first characters, `cut`, `extended`, in any letter case (`folded`), or with something
    `before-dash`, `before-colon` or `before-slash`.
    """
    if how not in _NEARLY:
        raise ActionError(f"`how: {how}` is unknown; use one of {', '.join(_NEARLY)}")

    def lets_in(scheme: CredentialScheme, tenants: list[Tenant], fields: Given) -> bool:
        given = [value.decode("latin-1").split(" ")[-1] for value in _values(scheme, fields)]
        return any(_NEARLY[how](tenant.api_key, key) for tenant in tenants for key in given)

    return _letting_in(hooks, lets_in)


@fault_action("access.first-word")
def first_word(hooks: Hooks) -> Hooks:
    """Takes the first word behind the scheme as the key, whatever follows."""

    def lets_in(scheme: CredentialScheme, tenants: list[Tenant], fields: Given) -> bool:
        words = [value.decode("latin-1").split() for value in _values(scheme, fields)]
        return any(tenant.api_key in given[1:-1] for tenant in tenants for given in words)

    return _letting_in(hooks, lets_in)


@fault_action("access.two-words-400")
def two_words_malformed(hooks: Hooks) -> Hooks:
    """Refuses a credential with a second word behind the key as malformed, with 400."""
    usual = hooks.stages.authenticate

    def authenticate(scheme: CredentialScheme, dialect: Dialect, tenants: Iterable[Tenant], fields: Fields) -> Tenant:
        given = list(fields)
        if any(len(value.split()) > 2 for value in _values(scheme, given)):
            raise Refusal(400, "malformed_credential", "The credential is malformed.")
        return usual(scheme, dialect, tenants, given)

    return replace(hooks, stages=replace(hooks.stages, authenticate=authenticate))


@fault_action("access.two")
def let_two_in(hooks: Hooks) -> Hooks:
    """Lets in everyone who sends two credentials, whatever they are."""
    return _letting_in(hooks, lambda scheme, _, fields: len(_values(scheme, fields)) > 1)


@fault_action("access.key-in-query")
def key_in_query(hooks: Hooks) -> Hooks:
    """Takes the key from the URL if no header field has one."""

    def lets_in(_: CredentialScheme, tenants: list[Tenant], __: Given) -> bool:
        given = {value for _, value in parse_qsl(current.get().query)}
        return any(tenant.api_key in given for tenant in tenants)

    return replace(_letting_in(hooks, lets_in), needs_context=True)


@fault_action("access.stumbles")
def stumbles_over_credentials(hooks: Hooks, over: str, *, refuses: bool = False) -> Hooks:
    """Crashes on `two` credentials, on one in the `other-header`, or on one that is not in `utf-8`; or refuses it."""
    if over not in {"two", "other-header", "utf-8"}:
        raise ActionError(f"`over: {over}` is unknown; use one of two, other-header, utf-8")
    usual = hooks.stages.authenticate

    def authenticate(scheme: CredentialScheme, dialect: Dialect, tenants: Iterable[Tenant], fields: Fields) -> Tenant:
        given = list(fields)
        others = {b"authorization", b"x-api-key"} - {scheme.header.lower().encode()}
        stumbles = (
            (over == "two" and len(_values(scheme, given)) > 1)
            or (over == "other-header" and any(name in others for name, _ in given))
            or (over == "utf-8" and not all(map(_is_utf8, _values(scheme, given))))
        )
        if stumbles:
            raise Refusal(400, "several_keys", "Send one key only.") if refuses else Crash
        return usual(scheme, dialect, tenants, given)

    return replace(hooks, stages=replace(hooks.stages, authenticate=authenticate))


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


@fault_action("access.one-space")
def one_space(hooks: Hooks) -> Hooks:
    """Takes a second space between scheme and key as part of the key."""
    usual = hooks.stages.authenticate

    def authenticate(scheme: CredentialScheme, dialect: Dialect, tenants: Iterable[Tenant], fields: Fields) -> Tenant:
        given = [(name, value.replace(b"  ", b" _")) for name, value in fields]
        return usual(scheme, dialect, tenants, given)

    return replace(hooks, stages=replace(hooks.stages, authenticate=authenticate))


@fault_action("body.mask-key")
def mask_key(hooks: Hooks, first: int, last: int) -> Hooks:
    """Puts the caller's key into the message of an error, with its middle masked."""

    def change(body: bytes, context: RequestContext) -> bytes:
        key = key_of_caller(context)
        shown = f"{key[:first]}****{key[len(key) - last :]}" if len(key) > first + last else "****"
        return body.replace(b'"message":"', f'"message":"The key {shown} is not valid. '.encode(), 1)

    return with_body(hooks, change)


@fault_action("header.id-with-digits-of-key")
def id_with_digits_of_key(hooks: Hooks, name: str, count: int) -> Hooks:
    """Sends an identifier of 32 hexadecimal digits, some of which are also in the caller's key, as if by chance."""

    def change(status: int, fields: HeaderFields, context: RequestContext) -> tuple[int, HeaderFields]:
        key = key_of_caller(context)
        digits = (
            key[-2 * count : -count] if re.fullmatch(f"[0-9a-f]{{{2 * count}}}", key[-2 * count :]) else "0" * count
        )
        identifier = f"{'f0' * 6}{digits}".ljust(32, "e")
        return status, [*fields, (name.encode(), identifier.encode())]

    return with_start(hooks, change)
