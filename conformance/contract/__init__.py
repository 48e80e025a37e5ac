"""What is promised: an OpenAPI document and the requirement catalogue become a `Contract`."""

from conformance.contract.documents import ContractError, Document, enforce, read_document
from conformance.contract.locations import shipped_profiles
from conformance.contract.model import (
    Basis,
    Contract,
    CredentialScheme,
    Keyword,
    Level,
    Operation,
    Profile,
    Requirement,
    Response,
    Schema,
    Section,
    Source,
    SourceDocument,
    Tier,
)
from conformance.contract.places import WrittenAt, declared_rows, document_path, written_places
from conformance.contract.profile import load_contract
from conformance.contract.release import (
    Release,
    freeze,
    read_release,
    release_path,
    requirement_set,
    set_digest,
    with_release,
)
from conformance.contract.review import SourceChange, Stale, review_path, source_changes, stale, write_review

__all__ = [
    "Basis",
    "Contract",
    "ContractError",
    "CredentialScheme",
    "Document",
    "Keyword",
    "Level",
    "Operation",
    "Profile",
    "Release",
    "Requirement",
    "Response",
    "Schema",
    "Section",
    "Source",
    "SourceChange",
    "SourceDocument",
    "Stale",
    "Tier",
    "WrittenAt",
    "declared_rows",
    "document_path",
    "enforce",
    "freeze",
    "load_contract",
    "read_document",
    "read_release",
    "release_path",
    "requirement_set",
    "review_path",
    "set_digest",
    "shipped_profiles",
    "source_changes",
    "stale",
    "with_release",
    "write_review",
    "written_places",
]
