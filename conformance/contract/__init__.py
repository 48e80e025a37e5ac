"""What is promised: an OpenAPI document and the requirement catalogue become a `Contract`."""

from conformance.contract.dialect import Dialect, known_parameters, read_dialect
from conformance.contract.documents import ContractError, Document, enforce, read_document
from conformance.contract.model import (
    Basis,
    Contract,
    CredentialScheme,
    Keyword,
    Level,
    Operation,
    Parameter,
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
from conformance.shipped import shipped_profiles

__all__ = [
    "Basis",
    "Contract",
    "ContractError",
    "CredentialScheme",
    "Dialect",
    "Document",
    "Keyword",
    "Level",
    "Operation",
    "Parameter",
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
    "known_parameters",
    "load_contract",
    "read_dialect",
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
