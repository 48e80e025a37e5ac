"""Who is calling, and whether they may: credentials, and the tenants that a path names."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping

from conformance.contract.dialect import Dialect
from conformance.contract.model import CredentialScheme
from conformance.reference.errors import Refusal
from conformance.reference.settings import Tenant

Fields = Iterable[tuple[bytes, bytes]]
"""Raw header fields, names in lower case."""


def authenticate(scheme: CredentialScheme, dialect: Dialect, tenants: Iterable[Tenant], fields: Fields) -> Tenant:
    """The tenant whose key the request carries.

    Raises:
        Refusal: 401; there is no credential, or more than one, or it is malformed, or not a tenant's.
    """
    name = scheme.header.lower().encode()
    values = [value for field, value in fields if field == name]
    if not values:
        raise _unauthorized(scheme, dialect, "No API key was given", known=False)
    if len(values) > 1:
        # Two layers of a gateway could each take another one (RFC 9110 section 5.3: this field is not a list).
        raise _unauthorized(scheme, dialect, "More than one API key was given")
    key = _key_of(values[0].strip(b" \t"), scheme.prefix.strip().encode())
    # Every key is compared, each in constant time, so that the time reveals nothing about any of them.
    known = [tenant for tenant in tenants if hmac.compare_digest(tenant.api_key.encode(), key)]
    if not key or not known:
        raise _unauthorized(scheme, dialect, "The API key is not valid")
    return known[0]


def authorize(dialect: Dialect, tenant: Tenant, path_parameters: Mapping[str, str]) -> None:
    """Lets a tenant into what its own path names only: its organization.

    Raises:
        Refusal: 403, the same for an organization that is somebody else's and for one that does not exist, so that
            nobody learns which organizations there are.
    """
    for parameter in dialect.tenancy:
        requested, own = path_parameters.get(parameter.name, ""), tenant.parameters.get(parameter.name)
        if parameter.format == "uuid":  # whose letters mean the same in either case (RFC 9562 section 4)
            requested, own = requested.lower(), own and own.lower()
        if requested != own:
            message = f"The authenticated user is not a member of this {parameter.noun}."
            raise Refusal(403, "not_a_member", message, param=parameter.name)


def _key_of(value: bytes, scheme: bytes) -> bytes:
    """The key in a credential; empty where the credential has another form.

    The scheme's case does not matter and any number of spaces may follow it (RFC 9110 section 11.4).
    """
    if not scheme:
        return value
    given, _, key = value.partition(b" ")
    return key.strip(b" ") if given.lower() == scheme.lower() else b""


def _unauthorized(scheme: CredentialScheme, dialect: Dialect, what: str, *, known: bool = True) -> Refusal:
    form = f"{scheme.header}: {scheme.prefix}<key>"
    challenge = f'{dialect.challenge} realm="{dialect.profile}"'
    if known and dialect.challenge == "Bearer":
        challenge += ', error="invalid_token"'  # RFC 6750 section 3.1: only when a credential came with the request
    return Refusal(
        401,
        "invalid_api_key",
        f"{what}; send one key as '{form}'.",
        headers={"WWW-Authenticate": challenge},
    )
