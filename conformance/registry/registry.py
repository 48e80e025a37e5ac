"""A registry as a value: everything that its pages, its record and its feed are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from conformance.contract import Contract, Requirement
from conformance.registry.breaking import BrokenRequirement
from conformance.registry.certified import Certified, certificate_of
from conformance.registry.changes import VerdictChange
from conformance.registry.layout import Refused
from conformance.registry.run import Run
from conformance.registry.settings import RegistrySettings
from conformance.registry.subjects import Subject


@dataclass(frozen=True, slots=True)
class Registry:
    """What was found in a folder, judged by the newest releases at a moment."""

    settings: RegistrySettings
    made: datetime
    subjects: tuple[Subject, ...]
    changes: tuple[VerdictChange, ...]
    broken: tuple[BrokenRequirement, ...]
    certificates: tuple[Certified, ...]
    refused: tuple[Refused, ...]
    contracts: Mapping[str, Contract]
    releases: Mapping[str, str]
    """The newest release by profile."""

    @property
    def runs(self) -> tuple[Run, ...]:
        """All runs in the order in which they started."""
        return tuple(sorted((run for one in self.subjects for run in one.runs), key=lambda run: run.order))

    def of_vendor(self, vendor: str) -> tuple[Subject, ...]:
        """The subjects of a vendor."""
        return tuple(one for one in self.subjects if one.vendor == vendor)

    def requirement(self, profile: str, row_id: str) -> Requirement | None:
        """A requirement of a contract, None where it has none of this id any more."""
        return self.contracts[profile].requirement(row_id)

    def certificate_of(self, subject: Subject) -> Certified | None:
        """The certificate that tells of a subject."""
        return certificate_of(subject, self.certificates)
