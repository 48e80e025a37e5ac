"""The credential of a request: the right key, one that is nearly right, a wrong one or none, and where it stands."""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from conformance.contract.model import CredentialScheme, Place
from conformance.probes.model import Credential
from conformance.targets.keys import (
    SHORTEST_VARIED,
    SUFFIXES,
    changed_key,
    cut_key,
    extended_key,
    other_case_key,
    vendor_prefix,
)
from conformance.targets.model import Target
from conformance.wire.errors import CredentialMissingError

USUAL_SCHEME = CredentialScheme(header="Authorization", prefix="Bearer ")
"""The scheme of a key where the contract declares none."""

WRONG_KEY_LENGTH = 48
"""How long the wrong key is where no right one is known."""
QUERY_NAMES = ("access_token", "api_key", "key")
"""The names of a key in a query: that of RFC 6750 section 2.3, and those that vendors use."""
COOKIE = "Cookie"
BEYOND_ASCII = "\xe9"
"""An octet that a field's value may have and ASCII does not (RFC 9110 section 5.5, obs-text)."""
NOT_VARIED = "The target's key cannot be varied so"
"""How the reason begins for which a variation of the right key was not sent."""
_BASIC = "Basic "
_OTHER_HEADERS = (CredentialScheme(header="X-API-Key"), USUAL_SCHEME)


@dataclass(frozen=True, slots=True)
class CredentialFields:
    """Where a request carries its credential: header fields (a name may stand twice), and its URL from `?` on."""

    fields: tuple[tuple[str, str], ...] = ()
    query: str = ""


def credential_fields(credential: Credential, scheme: CredentialScheme, target: Target) -> CredentialFields:
    """The fields that carry a probe's credential under the contract's scheme.

    Raises:
        CredentialMissingError: the probe needs a key that the target does not have.
    """
    if scheme.place is not Place.HEADER:
        return _elsewhere(credential_fields(credential, replace(scheme, place=Place.HEADER), target), scheme)
    if credential in _ONE_FIELD:
        return _fields(scheme.header, _ONE_FIELD[credential](scheme, _own(target)))
    match credential:
        case Credential.NONE:
            return CredentialFields()
        case Credential.OWN:
            return (
                CredentialFields() if target.api_key is None else _fields(scheme.header, scheme.prefix + target.api_key)
            )
        case Credential.OTHER:
            other = _required(target.other_api_key, "CONFORMANCE_OTHER_API_KEY")
            return _fields(scheme.header, scheme.prefix + other)
    return _unusual_fields(credential, scheme, target)


_ONE_FIELD: Mapping[Credential, Callable[[CredentialScheme, str], str]] = {
    Credential.OWN_LOWER_CASE: lambda scheme, key: scheme.prefix.lower() + key,
    Credential.SPACED: lambda scheme, key: scheme.prefix + " " + key,
    Credential.CHANGED: lambda scheme, key: scheme.prefix + changed_key(key),
    Credential.CUT: lambda scheme, key: scheme.prefix + cut_key(key),
    Credential.EXTENDED: lambda scheme, key: scheme.prefix + extended_key(key),
    Credential.OTHER_CASE: lambda scheme, key: scheme.prefix + _other_case(_long(key)),
    Credential.DASH: lambda scheme, key: scheme.prefix + _long(key) + SUFFIXES["dash"],
    Credential.COLON: lambda scheme, key: scheme.prefix + _long(key) + SUFFIXES["colon"],
    Credential.SLASH: lambda scheme, key: scheme.prefix + _long(key) + SUFFIXES["slash"],
    Credential.WORD: lambda scheme, key: scheme.prefix + _long(key) + SUFFIXES["word"],
    Credential.WRONG_SCHEME: lambda scheme, key: (_BASIC if _is_bearer(scheme) else USUAL_SCHEME.prefix) + key,
}
"""The value of the contract's header field, made of the target's own key."""


def _unusual_fields(credential: Credential, scheme: CredentialScheme, target: Target) -> CredentialFields:
    wrong = scheme.prefix + wrong_key(target)
    match credential:
        case Credential.EMPTY:
            # RFC 9110 section 5.5: white space around a field's value is not part of it, so `Bearer` stands alone.
            return _fields(scheme.header, scheme.prefix.rstrip())
        case Credential.TWICE:
            return _fields(scheme.header, scheme.prefix + _own(target), wrong)
        case Credential.TWICE_WRONG:
            return _fields(scheme.header, wrong, scheme.prefix + wrong_key(target)[::-1])
        case Credential.OTHER_HEADER | Credential.BESIDE_OTHER | Credential.WRONG_BESIDE_OTHER:
            return _of_two_kinds(credential, scheme, target)
        case Credential.IN_QUERY:
            key = quote(_own(target), safe="")
            return CredentialFields(query="?" + "&".join(f"{name}={key}" for name in QUERY_NAMES))
    return _fields(scheme.header, wrong + BEYOND_ASCII if credential is Credential.BEYOND_ASCII else wrong)


def _of_two_kinds(credential: Credential, scheme: CredentialScheme, target: Target) -> CredentialFields:
    """A key in the header field of another API, alone or beside one in the contract's own."""
    other = next(one for one in _OTHER_HEADERS if one.header.lower() != scheme.header.lower())
    right, wrong = _own(target), wrong_key(target)
    own = {Credential.BESIDE_OTHER: right, Credential.WRONG_BESIDE_OTHER: wrong}.get(credential)
    further = _fields(other.header, other.prefix + (wrong if credential is Credential.BESIDE_OTHER else right))
    first = () if own is None else _fields(scheme.header, scheme.prefix + own).fields
    return CredentialFields(first + further.fields)


def _elsewhere(carried: CredentialFields, scheme: CredentialScheme) -> CredentialFields:
    """The same keys in the query or in a cookie, where the contract has them there."""
    keys = [value for name, value in carried.fields if name == scheme.header]
    others = tuple(field for field in carried.fields if field[0] != scheme.header)
    if scheme.place is Place.COOKIE:
        return CredentialFields((*((COOKIE, f"{scheme.header}={key}") for key in keys), *others), carried.query)
    named = [f"{quote(scheme.header, safe='')}={quote(key, safe='')}" for key in keys]
    parts = [part for part in (carried.query.removeprefix("?"), *named) if part]
    return CredentialFields(others, "?" + "&".join(parts) if parts else "")


def _fields(header: str, *values: str) -> CredentialFields:
    return CredentialFields(tuple((header, value) for value in values))


def _is_bearer(scheme: CredentialScheme) -> bool:
    return scheme.prefix.lower().startswith("bearer")


def wrong_key(target: Target) -> str:
    """A key of the form and length of the target's own that was never issued; the same in every run.

    It is made from the length alone, so that it reveals nothing of the real key but a vendor's prefix.
    """
    real = target.api_key or ""
    prefix = vendor_prefix(real)
    length = max((len(real) or WRONG_KEY_LENGTH) - len(prefix), 1)
    generator = random.Random(f"chat-conformance wrong key {length}")  # noqa: S311 - it is meant to be repeatable
    while True:
        key = prefix + "".join(generator.choices(string.ascii_letters + string.digits, k=length))
        if key not in {target.api_key, target.other_api_key}:
            return key


def _long(key: str) -> str:
    """The key, where what is made of it is kept out of all files like itself."""
    if len(key) < SHORTEST_VARIED:
        raise CredentialMissingError(f"{NOT_VARIED}: it has fewer than {SHORTEST_VARIED} characters.")
    return key


def _other_case(key: str) -> str:
    other = other_case_key(key)
    if other is None:
        raise CredentialMissingError(f"{NOT_VARIED}: it has no letters whose case matters.")
    return other


def _own(target: Target) -> str:
    return _required(target.api_key, "CONFORMANCE_API_KEY")


def _required(key: str | None, variable: str) -> str:
    if not key:
        raise CredentialMissingError(f"The target has no key for this probe; set {variable}.")
    return key
