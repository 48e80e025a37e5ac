"""How callers show who they are, by the security schemes of a document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from own_documents import own_document, stored, the_post

from conformance.contract import Contract, ContractError, load_contract


def loaded(directory: Path, document: Any) -> Contract:
    return load_contract(stored(directory, document))


def refusal(directory: Path, document: Any) -> ContractError:
    with pytest.raises(ContractError) as caught:
        loaded(directory, document)
    return caught.value


@pytest.mark.parametrize(
    ("schemes", "security", "expected"),
    [
        ({"k": {"type": "apiKey", "in": "header", "name": "X-Key"}}, [{"k": []}], ("X-Key", "")),
        ({"b": {"type": "http", "scheme": "Bearer"}}, [{"b": []}], ("Authorization", "Bearer ")),
        ({"o": {"type": "oauth2", "flows": {}}}, [{"o": ["all"]}], ("Authorization", "Bearer ")),
        (
            {"q": {"type": "apiKey", "in": "query", "name": "key"}, "b": {"type": "http", "scheme": "bearer"}},
            [{"q": []}, {"b": []}],
            ("Authorization", "Bearer "),
        ),
        ({}, [], None),
        ({}, [{}], None),
        ({"b": {"type": "http", "scheme": "bearer"}}, None, None),
    ],
)
def test_the_credential_is_read_from_security(
    tmp_path: Path, schemes: Any, security: Any, expected: tuple[str, str] | None
) -> None:
    document = own_document(components={"securitySchemes": schemes})
    if security is not None:
        document["security"] = security
    credential = loaded(tmp_path, document).operation.credential
    assert (None if credential is None else (credential.header, credential.prefix)) == expected


def test_the_operations_own_security_comes_first(tmp_path: Path) -> None:
    document = own_document(components={"securitySchemes": {"b": {"type": "http", "scheme": "bearer"}}})
    document["security"] = [{"b": []}]
    the_post(document)["security"] = []
    assert loaded(tmp_path, document).operation.credential is None


def test_ways_in_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    schemes = {"m": {"type": "mutualTLS"}}
    document = own_document(components={"securitySchemes": schemes}, security=[{"m": []}])
    assert "no way in is supported (m)" in str(refusal(tmp_path, document))
    document["security"] = [{"x": []}]
    assert "not among components.securitySchemes" in str(refusal(tmp_path, document))


def test_a_scheme_that_is_only_named_is_a_bearer_token_where_none_is_described(tmp_path: Path) -> None:
    credential = loaded(tmp_path, own_document(security=[{"x": []}])).operation.credential
    assert credential is not None
    assert (credential.header, credential.prefix) == ("Authorization", "Bearer ")


@pytest.mark.parametrize("place", ["query", "cookie"])
def test_a_key_may_stand_in_the_query_or_in_a_cookie(tmp_path: Path, place: str) -> None:
    schemes = {"k": {"type": "apiKey", "in": place, "name": "key"}}
    document = own_document(components={"securitySchemes": schemes}, security=[{"k": []}])
    credential = loaded(tmp_path, document).operation.credential
    assert credential is not None
    assert (credential.header, credential.place) == ("key", place)


def test_several_keys_may_be_wanted_together(tmp_path: Path) -> None:
    schemes = {
        "k": {"type": "apiKey", "in": "header", "name": "X-Tenant-Key"},
        "b": {"type": "http", "scheme": "bearer"},
    }
    document = own_document(components={"securitySchemes": schemes}, security=[{"k": [], "b": []}])
    operation = loaded(tmp_path, document).operation
    assert operation.credential is not None
    assert operation.credential.header == "Authorization"
    assert [one.header for one in operation.further_credentials] == ["X-Tenant-Key"]
