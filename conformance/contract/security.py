"""Reads how an operation wants its callers to show who they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from conformance.contract.documents import Document
from conformance.contract.model import BESIDE_THE_BODY, CredentialScheme, Place
from conformance.contract.pointers import join, look_up
from conformance.contract.provenance import X_SOURCE, Provenance
from conformance.contract.references import dereferenced

_SCHEMES = "/components/securitySchemes"
_BEARER = CredentialScheme("Authorization", "Bearer ")
_PLACES = tuple(place.value for place in BESIDE_THE_BODY)


def read_credentials(document: Document, operation: str, provenance: Provenance) -> tuple[CredentialScheme, ...]:
    """The credential schemes that the operation at a pointer wants together; none where it asks for none.

    Of several alternatives, the one with the fewest schemes is taken, and of these the first, headers before the rest:
    API keys in a header field, in the query or in a cookie, HTTP bearer tokens, and tokens of OAuth 2 or OpenID
    Connect, which are bearer tokens too (RFC 6750). A bearer token stands before the others. So it is taken for a
    scheme that is only named, where the document describes none at all.

    Raises:
        ContractError: a scheme is asked for that is not described, or only schemes that are not supported.
    """
    at = operation if "security" in look_up(document.data, operation) else ""
    alternatives = look_up(document.data, at).get("security", [])
    where = join(at, "security")
    if not isinstance(alternatives, list) or not all(isinstance(one, Mapping) for one in alternatives):
        raise document.error("`security` is a list of objects", where)
    refused: list[str] = []
    supported: list[tuple[CredentialScheme, ...]] = []
    for alternative in alternatives:
        schemes = {name: _scheme(document, name, provenance, where) for name in alternative}
        known = tuple(one for one in schemes.values() if one is not None)
        if schemes and len(known) == len(schemes):
            supported.append(known)
        elif schemes:
            refused.append(" with ".join(schemes))
    if refused and len(refused) == len(alternatives):
        shown = ", ".join(refused)[:200]
        raise document.error(
            f"no way in is supported ({shown}); describe an apiKey in a header, the query or a cookie, or http bearer",
            where,
        )
    least = min(supported, key=lambda some: (len(some), any(one.place is not Place.HEADER for one in some)), default=())
    return tuple(sorted(least, key=lambda one: not one.prefix))


def _scheme(document: Document, name: str, provenance: Provenance, where: str) -> CredentialScheme | None:
    try:
        scheme, at = dereferenced(document, join(_SCHEMES, name))
    except KeyError as error:
        if not provenance.complete and not _describes_any(document):
            return _BEARER
        message = f"the security scheme `{name[:80]}` is not among components.securitySchemes; describe it there"
        raise document.error(message, where) from error
    source = None
    if X_SOURCE in scheme:
        source = provenance.source(provenance.check(scheme[X_SOURCE], document, join(at, X_SOURCE)))
    kind: Any = scheme.get("type")
    if kind == "apiKey" and scheme.get("in") in _PLACES and isinstance(scheme.get("name"), str):
        return CredentialScheme(scheme["name"], "", source, Place(scheme["in"]))
    if (kind == "http" and str(scheme.get("scheme")).lower() == "bearer") or kind in ("oauth2", "openIdConnect"):
        return replace(_BEARER, source=source)
    return None


def _describes_any(document: Document) -> bool:
    try:
        return bool(look_up(document.data, _SCHEMES))
    except KeyError:
        return False
