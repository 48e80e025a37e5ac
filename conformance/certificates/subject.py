"""Reads the subject of a certificate: which deployment of whom, as specs/subject.schema.json describes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.contract import enforce, read_document
from conformance.contract.pointers import join

SCHEMA = "subject.schema.json"


@dataclass(frozen=True, slots=True)
class Subject:
    """Which deployment of whom. Vendor, target and model are held against the evidence; the rest is the vendor's word.

    `configuration` is what else tells it from others of the vendor.
    """

    vendor: str
    target: str
    product: str | None = None
    version: str | None = None
    model: str | None = None
    contact: str | None = None
    website: str | None = None
    configuration: Mapping[str, str] = field(default_factory=dict, hash=False)

    def data(self) -> dict[str, Any]:
        """The same as plain data, without what is not said."""
        said = {
            "vendor": self.vendor,
            "product": self.product,
            "version": self.version,
            "target": self.target,
            "model": self.model,
            "contact": self.contact,
            "website": self.website,
            "configuration": dict(self.configuration),
        }
        return {name: value for name, value in said.items() if value}

    @property
    def title(self) -> str:
        """Vendor and product."""
        return " ".join(filter(None, (self.vendor, self.product, self.version)))

    def lacks(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Those of its members that are not said."""
        return tuple(name for name in names if name not in self.data())


def load_subject(path: Path) -> Subject:
    """The subject in a file.

    Raises:
        ContractError: it cannot be read, or breaks its schema; the message has the file and the line.
    """
    document = read_document(path)
    enforce(document, SCHEMA)
    for pointer, text in _texts(document.data, ""):
        if not text.isprintable():
            raise document.error("this is not one line that can be printed", pointer)
    return Subject(**document.data)


def _texts(value: Mapping[str, Any], pointer: str) -> Iterator[tuple[str, str]]:
    for name, member in value.items():
        if isinstance(member, Mapping):
            yield from _texts(member, join(pointer, name))
        else:
            yield join(pointer, name), member
