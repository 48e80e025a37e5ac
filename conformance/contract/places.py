"""Finds the file and line in which each requirement of a contract was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from conformance.contract.catalogue import read_rows, shipped_rows
from conformance.contract.declaration import read_declaration
from conformance.contract.documents import Document, read_document
from conformance.contract.media_types import is_event_stream, is_json
from conformance.contract.model import Contract, Keyword
from conformance.contract.pointers import join, split
from conformance.shipped import profile_path, specs_directory

_MOST_REFERENCES = 100
_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class WrittenAt:
    """Where a requirement was written: a file, with slashes and from the checkout's root, and a line from 1."""

    file: str
    line: int


def document_path(contract: Contract) -> Path:
    """The OpenAPI document of a contract."""
    return Path(contract.profile.path) if contract.is_own else profile_path(contract.profile.name)


def declared_rows(contract: Contract) -> Path | None:
    """The file of a user's own requirement rows, where the document names one.

    Raises:
        ContractError: the document can no longer be read.
    """
    if not contract.is_own:
        return None
    return read_declaration(read_document(document_path(contract)), shipped=False).rows


def written_places(contract: Contract) -> Mapping[str, WrittenAt]:
    """Where each requirement of a contract was written, by its id.

    A row's place is its first line; a derived requirement's is its keyword in the OpenAPI document, or the nearest
    part around it that has a line.

    Raises:
        ContractError: a file of the contract can no longer be read.
    """
    document = read_document(document_path(contract))
    own = declared_rows(contract)
    rows = (*shipped_rows(), *(() if own is None else read_rows(own)))
    written = {row.id: written_at(row.document, row.pointer) for row in rows}
    walker = _Walker(document, contract)
    return {
        row.id: written[row.id] if row.keyword is None else walker.place(row.keyword)
        for row in (*contract.requirements, *contract.excluded)
        if row.keyword is not None or row.id in written
    }


def own_places(contract: Contract) -> Mapping[str, WrittenAt]:
    """Those of `written_places` that are in files of the user; none for a shipped profile.

    Raises:
        ContractError: a file of the contract can no longer be read.
    """
    if not contract.is_own:
        return {}
    files = {path.as_posix() for path in (document_path(contract), declared_rows(contract)) if path is not None}
    return {row_id: place for row_id, place in written_places(contract).items() if place.file in files}


def written_at(document: Document, pointer: str = "") -> WrittenAt:
    """Where the part of a document at a JSON pointer was written: a shipped file as it stands in a checkout."""
    return WrittenAt(_named(document.path), document.line(pointer) or 1)


def _named(path: Path) -> str:
    for folder, name in ((specs_directory(), "specs"), (_PACKAGE, _PACKAGE.name)):
        if path.is_relative_to(folder):
            return f"{name}/{path.relative_to(folder).as_posix()}"
    return path.as_posix()


@dataclass(frozen=True, slots=True)
class _Walker:
    """Goes the way to a keyword through the document as it was written, along its references."""

    document: Document
    contract: Contract

    def place(self, keyword: Keyword) -> WrittenAt:
        pointer = self._walk(self._start(keyword.location), split(keyword.pointer))
        return written_at(self.document, pointer)

    def _start(self, location: str) -> str:
        kind, _, name = location.partition(".")
        operation = self._walk("", ("paths", self.contract.operation.path, "post"))
        if kind == "request":
            return self._content(self._walk(operation, ("requestBody",)), stream=False)
        if kind == "path":
            return self._parameter(operation, name)
        status = name if kind == "error" else "200"
        return self._content(self._response(operation, status), stream=kind == "stream")

    def _response(self, operation: str, status: str) -> str:
        responses = self._walk(operation, ("responses",))
        written = self._value(responses)
        wanted = (status, "2XX", "default") if status == "200" else (status,)
        names = {str(name).upper(): str(name) for name in written} if isinstance(written, Mapping) else {}
        found = next((names[one.upper()] for one in wanted if one.upper() in names), None)
        return responses if found is None else self._walk(responses, (found,))

    def _content(self, pointer: str, *, stream: bool) -> str:
        content = self._walk(pointer, ("content",))
        written = self._value(content)
        for media_type in written if isinstance(written, Mapping) else ():
            if is_event_stream(str(media_type)) if stream else is_json(str(media_type)):
                inside = self._walk(content, (str(media_type),))
                members = self._value(inside)
                named = isinstance(members, Mapping) and "itemSchema" in members
                schema = self._walk(inside, ("itemSchema" if stream and named else "schema",))
                return self._data(schema) if stream and named else schema
        return content

    def _data(self, event: str) -> str:
        """The schema of an event's data, where the whole event is described (see `OpenApiOperation._item_schema`)."""
        data = self._walk(event, ("properties", "data"))
        value = self._value(data)
        for choice in ("anyOf", "oneOf"):
            for number in range(len(value.get(choice, ())) if isinstance(value, Mapping) else 0):
                inside = self._followed(join(data, choice, number))
                if _has(self._value(inside), "contentSchema"):
                    return self._walk(inside, ("contentSchema",))
        return self._walk(data, ("contentSchema",)) if _has(value, "contentSchema") else event

    def _parameter(self, operation: str, name: str) -> str:
        for at in (operation, operation.rpartition("/")[0]):
            listed = self._walk(at, ("parameters",))
            written = self._value(listed)
            for number in range(len(written) if isinstance(written, list) else 0):
                one = self._walk(listed, (str(number),))
                value = self._value(one)
                if isinstance(value, Mapping) and value.get("name") == name:
                    return self._walk(one, ("schema",))
        return operation

    def _walk(self, pointer: str, tokens: tuple[str, ...]) -> str:
        """As far along the tokens as the document goes; what the document composes differently ends the way."""
        for token in tokens:
            pointer = self._followed(pointer)
            value = self._value(pointer)
            if not _has(value, token):
                composed = self._composed(pointer, token)
                if composed is None:
                    return pointer
                pointer = composed
            pointer = join(pointer, token)
        return self._followed(pointer)

    def _composed(self, pointer: str, token: str) -> str | None:
        """The member of an `allOf` that has what was looked for: the contract's schemas have it merged."""
        value = self._value(pointer)
        parts = value.get("allOf") if isinstance(value, Mapping) else None
        for number in range(len(parts) if isinstance(parts, list) else 0):
            inside = self._followed(join(pointer, "allOf", number))
            if _has(self._value(inside), token):
                return inside
        return None

    def _followed(self, pointer: str) -> str:
        for _ in range(_MOST_REFERENCES):
            value = self._value(pointer)
            reference = value.get("$ref") if isinstance(value, Mapping) else None
            if not isinstance(reference, str) or not reference.startswith("#/"):
                return pointer
            pointer = unquote(reference[1:])
        return pointer

    def _value(self, pointer: str) -> Any:
        value = self.document.data
        for token in split(pointer):
            if not _has(value, token):
                return None
            value = value[int(token)] if isinstance(value, list) else value[token]
        return value


def _has(value: Any, token: str) -> bool:
    if isinstance(value, list):
        return token.isdecimal() and int(token) < len(value)
    return isinstance(value, Mapping) and token in value
