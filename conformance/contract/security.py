"""Reads how an operation wants its callers to show who they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.contract.documents import Document
from conformance.contract.model import CredentialScheme
from conformance.contract.pointers import join, look_up
from conformance.contract.provenance import X_SOURCE, Provenance
from conformance.contract.references import dereferenced

_SCHEMES = "/components/securitySchemes"


def read_credential(document: Document, operation: str, provenance: Provenance) -> CredentialScheme | None:
    """The credential scheme of the operation at a pointer, or None where it asks for none.

    Of several alternatives, the first is taken that needs one header only: an API key in a header, an HTTP bearer
    token, or a token of OAuth 2 or OpenID Connect, which is a bearer token too (RFC 6750).

    Raises:
        ContractError: a scheme is asked for that is not described, or only schemes that are not supported.
    """
    at = operation if "security" in look_up(document.data, operation) else ""
    alternatives = look_up(document.data, at).get("security", [])
    where = join(at, "security")
    if not isinstance(alternatives, list) or not all(isinstance(one, Mapping) for one in alternatives):
        raise document.error("`security` is a list of objects", where)
    refused: list[str] = []
    for alternative in alternatives:
        schemes = {name: _scheme(document, name, provenance, where) for name in alternative}
        if len(schemes) == 1 and (only := next(iter(schemes.values()))) is not None:
            return only
        if schemes:
            refused.append(" with ".join(schemes))
    if refused and len(refused) == len(alternatives):
        shown = ", ".join(refused)[:200]
        raise document.error(
            f"no way in is supported ({shown}); describe an apiKey in one header, or http bearer", where
        )
    return None


def _scheme(document: Document, name: str, provenance: Provenance, where: str) -> CredentialScheme | None:
    try:
        scheme, at = dereferenced(document, join(_SCHEMES, name))
    except KeyError as error:
        message = f"the security scheme `{name[:80]}` is not among components.securitySchemes; describe it there"
        raise document.error(message, where) from error
    source = None
    if X_SOURCE in scheme:
        source = provenance.source(provenance.check(scheme[X_SOURCE], document, join(at, X_SOURCE)))
    kind: Any = scheme.get("type")
    if kind == "apiKey" and scheme.get("in") == "header" and isinstance(scheme.get("name"), str):
        return CredentialScheme(scheme["name"], "", source)
    if (kind == "http" and str(scheme.get("scheme")).lower() == "bearer") or kind in ("oauth2", "openIdConnect"):
        return CredentialScheme("Authorization", "Bearer ", source)
    return None
