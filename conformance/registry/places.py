"""The places of a registry's pages and files in its site, relative to its first page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from conformance.registry.certified import Certified
from conformance.registry.layout import slug, slugs
from conformance.registry.registry import Registry
from conformance.registry.run import Run
from conformance.registry.subjects import Subject

FIRST, CHANGES, REQUIREMENTS = "index.html", "changes.html", "requirements.html"
CERTIFICATES, REFUSED = "certificates.html", "refused.html"
RECORD, FEED = "registry.json", "changes.atom"


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything stands. Nothing in an address comes from a name as it is."""

    vendors: Mapping[str, str]
    broken: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, registry: Registry) -> Places:
        """The places of a registry."""
        broken = frozenset((one.profile, one.requirement.id) for one in registry.broken)
        return cls(slugs(one.vendor for one in registry.subjects), broken)

    def vendor(self, vendor: str) -> str:
        """The page of a vendor."""
        return f"vendors/{self.vendors[vendor]}.html"

    def anchor(self, subject: Subject) -> str:
        """Where a subject stands on a page that has those of all vendors."""
        return f"{self.vendors[subject.vendor]}-{subject_slug(subject)}"

    def requirement(self, profile: str, row_id: str) -> str:
        """The page of a requirement, or its row in the list where nobody broke it, so that it has no page."""
        if (profile, row_id) in self.broken:
            return f"requirements/{profile}/{row_id}.html"
        return f"{REQUIREMENTS}#{profile}.{row_id}"

    def badge(self, subject: Subject) -> str:
        """The badge of a subject, without its ending."""
        return f"badges/{self.vendors[subject.vendor]}/{subject_slug(subject)}"

    def run(self, run: Run) -> str:
        """The page of a run."""
        return f"runs/{run.id}.html"

    def certificate(self, one: Certified) -> str:
        """The folder of a certificate, whose id is a digest."""
        return f"certificates/{one.certificate.id}"


def subject_slug(subject: Subject) -> str:
    """What a subject is among those of its vendor, in an address."""
    return f"{slug(subject.product)}-{subject.profile}" if subject.product else subject.profile
