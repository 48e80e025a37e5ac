"""Reads what an OpenAPI document declares of itself as a contract: its `x-conformance` object, or defaults for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.contract.branches import kebab
from conformance.contract.documents import Document, enforce, read_document
from conformance.contract.media_types import is_event_stream
from conformance.contract.model import SourceDocument
from conformance.contract.provenance import OWN_DOCUMENT, Provenance
from conformance.shipped import catalogue_directory, shipped_profiles

SECTION = "/x-conformance"
SCHEMA = "x-conformance.schema.json"

_STANDARDS = ("rfc9110", "rfc9112", "rfc8259")
_STREAM_STANDARD = "whatwg-sse"


@dataclass(frozen=True, slots=True)
class Declaration:
    """The name of a contract, what its sources are, and what its author adds to it."""

    profile: str
    version: str
    title: str
    provenance: Provenance
    request: Mapping[str, Any] | None = field(hash=False)
    """The smallest valid request, where the author wrote one."""
    rows: Path | None
    """The author's own requirement rows."""
    operation: str | None = None
    """The operation to judge (`POST /v1/chat`), where the author names one."""


def read_declaration(document: Document, *, shipped: bool) -> Declaration:
    """What a document says of itself; whatever a user's own document leaves out has a default.

    Raises:
        ContractError: the object departs from its schema, or a user's profile has the name of a shipped one.
    """
    data = document.data if isinstance(document.data, Mapping) else {}
    written: Mapping[str, Any] = {}
    if "x-conformance" in data:
        enforce(document, SCHEMA, SECTION)
        written = data["x-conformance"]
    information = data.get("info") if isinstance(data.get("info"), Mapping) else {}
    assert isinstance(information, Mapping)
    profile = _profile(document, written, shipped=shipped)
    title = str(information.get("title") or profile)[:200]
    rows = written.get("requirements")
    return Declaration(
        profile=profile,
        version=str(information.get("version") or "0")[:80],
        title=title,
        provenance=Provenance(
            profile=profile,
            documents=_documents(document, written, profile, title, shipped=shipped),
            standards=tuple(written["standards"]) if "standards" in written else tuple(_default_standards(data)),
            complete=shipped,
        ),
        request=written.get("request"),
        rows=None if rows is None else document.path.parent / rows,
        operation=written.get("operation"),
    )


def _profile(document: Document, written: Mapping[str, Any], *, shipped: bool) -> str:
    from_file = kebab(document.path.name.split(".", 1)[0]).replace("_", "-").strip("-")[:80] or "contract"
    if not shipped and "profile" not in written and from_file in shipped_profiles():
        from_file = f"own-{from_file}"
    profile = str(written.get("profile", from_file))
    if not shipped and profile in shipped_profiles():
        message = f"the profile `{profile}` has the name of a shipped one; set x-conformance.profile to another name"
        raise document.error(message, f"{SECTION}/profile")
    return profile


def _documents(
    document: Document, written: Mapping[str, Any], profile: str, title: str, *, shipped: bool
) -> dict[str, SourceDocument]:
    """The documents that sources may name: the published ones, the contract itself, and those that it declares."""
    known = dict(shared_sources())
    own = SourceDocument(profile, title)
    if not shipped:
        known |= {OWN_DOCUMENT: own, profile: own}
    known |= _source_documents(written.get("sources", {}))
    known.setdefault(profile, own)
    return known


def shared_sources() -> Mapping[str, SourceDocument]:
    """The documents and standards that the shipped catalogue names."""
    document = read_document(catalogue_directory() / "sources.yaml")
    enforce(document, SCHEMA, definition="sources")
    return _source_documents(document.data)


def _source_documents(written: Mapping[str, Mapping[str, Any]]) -> dict[str, SourceDocument]:
    return {
        name: SourceDocument(name, one["title"], one.get("url"), one.get("file"), one.get("sha256"))
        for name, one in written.items()
    }


def _default_standards(data: Mapping[str, Any]) -> Iterator[str]:
    if _mentions_event_stream(data):
        yield _STREAM_STANDARD
    yield from _STANDARDS


def _mentions_event_stream(data: Any) -> bool:
    ahead = [data]
    while ahead:
        value = ahead.pop()
        if isinstance(value, Mapping):
            if any(map(is_event_stream, value)):
                return True
            ahead.extend(value.values())
        elif isinstance(value, list):
            ahead.extend(value)
    return False
