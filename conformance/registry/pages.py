"""Makes the pages of a registry: they need no network, and read without scripts."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

import conformance
from conformance.contract.explanations import explanation
from conformance.contract.model import Requirement
from conformance.registry import places as named
from conformance.registry.breaking import BrokenRequirement, clients_broken
from conformance.registry.changes import MEANINGS as CAUSES
from conformance.registry.changes import VerdictChange, judged_anew
from conformance.registry.places import Places, subject_slug
from conformance.registry.registry import Registry
from conformance.registry.run import Run
from conformance.registry.subjects import Subject
from conformance.report.html import BASES, GLYPHS, MEANINGS, VERDICTS, assembled, html_environment, scripts, styles
from conformance.shipped import program_digest
from conformance.suite.outcome import Outcome, Verdict

_OWN = Path(__file__).parent / "templates"
_PLAIN = re.compile(r"[A-Za-z0-9 ._/-]+")
_MOST_LISTED = 12
_LATEST = 6
_SORTS = (
    ("verdict", "Verdict: conformant first"),
    ("failing", "Verdict: failing first"),
    ("vendor", "Vendor"),
    ("since", "Since: latest first"),
    ("judged", "Last judged: latest first"),
    ("broken", "Broken: most first"),
)


class Pages:
    """Makes each page of one registry; it holds what all have in common, and the compiled templates."""

    def __init__(self, registry: Registry, cost: str) -> None:
        """`cost` says in words how much of it was judged anew."""
        self._registry = registry
        self._places = Places.of(registry)
        self._environment = html_environment(_OWN)
        self._environment.filters["is_plain_path"] = lambda text: _PLAIN.fullmatch(text) is not None
        self._style = styles("registry.css", own=_OWN)
        self._script = scripts("registry.js", own=_OWN)
        self._cost = cost
        self._broken_on = {(one.profile, one.requirement.id): one for one in registry.broken}

    def all(self) -> Iterator[tuple[str, str]]:
        """Each page by its place."""
        registry = self._registry
        yield named.FIRST, self._first()
        yield named.CHANGES, self._page("changes.html.j2", "", "What changed", changes=registry.changes)
        yield named.REQUIREMENTS, self._requirements()
        yield named.CERTIFICATES, self._page("certificates.html.j2", "", "Certificates")
        yield named.REFUSED, self._page("refused.html.j2", "", "Not taken")
        for vendor in self._places.vendors:
            yield self._places.vendor(vendor), self._vendor(vendor)
        for one in registry.broken:
            yield self._places.requirement(one.profile, one.requirement.id), self._requirement(one)
        for subject in registry.subjects:
            for version in subject.versions:
                for run in version.runs:
                    yield self._places.run(run), self._run(subject, run)

    def _first(self) -> str:
        registry = self._registry
        newest = [one.newest.deciding for one in registry.subjects]
        breaking = [one for one in registry.broken if one.now][:_MOST_LISTED]
        return self._page(
            "index.html.j2",
            "",
            registry.settings.title,
            conformant=sum(run.verdict is Verdict.CONFORMANT for run in newest),
            earlier=[
                (subject, version) for subject in registry.subjects for version in reversed(subject.versions[:-1])
            ],
            sorts=_SORTS,
            profiles=sorted({one.profile for one in registry.subjects}),
            verdicts_there=[one for one in Verdict if any(run.verdict is one for run in newest)],
            clients_seen=any(clients_broken(run).names or clients_broken(run).is_seen for run in newest),
            breaking=breaking,
            more_breaking=sum(bool(one.now) for one in registry.broken) - len(breaking),
            latest=_latest(registry.changes),
        )

    def _vendor(self, vendor: str) -> str:
        registry = self._registry
        subjects = registry.of_vendor(vendor)
        return self._page(
            "vendor.html.j2",
            "../",
            vendor,
            vendor=vendor,
            subjects=subjects,
            changes=[one for one in registry.changes if one.subject.vendor == vendor],
        )

    def _requirements(self) -> str:
        rows = {
            profile: [row for row in contract.requirements if row.excluded is None]
            for profile, contract in self._registry.contracts.items()
        }
        return self._page("requirements.html.j2", "", "Requirements", rows=rows, broken_on=self._broken_on)

    def _requirement(self, one: BrokenRequirement) -> str:
        row = one.requirement
        title = f"{row.id}, {one.profile}"
        tested = [
            subject
            for subject in self._registry.subjects
            if row.id in subject.newest.deciding.newest.rows and subject.profile == one.profile
        ]
        return self._page("requirement.html.j2", "../../", title, broken=one, row=row, why=_said(row), tested=tested)

    def _run(self, subject: Subject, run: Run) -> str:
        newest = run.newest
        contract = self._registry.contracts[subject.profile]
        known = {name: contract.requirement(name) for name in newest.rows}
        counts = {one: sum(row.outcome is one for row in newest.rows.values()) for one in Outcome}
        broken = sorted(
            (name for name, row in newest.rows.items() if row.is_broken),
            key=lambda name: (not newest.rows[name].scored, list(Outcome).index(newest.rows[name].outcome)),
        )
        return self._page(
            "run.html.j2",
            "../",
            f"{subject.title} {run.file.version}, {run.day}",
            subject=subject,
            run=run,
            shown=run.shown,
            broken=[(name, newest.rows[name], known[name]) for name in broken],
            counts={one: number for one, number in counts.items() if number},
            anew=judged_anew(subject, run),
            before=next((one for one in self._registry.changes if one.run is run and one.earlier is not None), None),
            certificates=[one for one in self._registry.certificates if run in one.runs],
        )

    def _page(self, template: str, root: str, title: str, **values: Any) -> str:
        """One page; `root` leads from it to the first page."""
        boundary = uuid.uuid4().hex
        html = self._environment.get_template(template).render(
            **self._shared(), **values, root=root, title=title, boundary=boundary
        )
        return assembled(html.split(boundary), self._style, self._script)

    def _shared(self) -> Mapping[str, Any]:
        return {
            "registry": self._registry,
            "settings": self._registry.settings,
            "places": self._places,
            "named": named,
            "made": self._registry.made.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "program": f"{conformance.__version__} ({program_digest()[:12]})",
            "cost": self._cost,
            "verdicts": VERDICTS,
            "glyphs": GLYPHS,
            "meanings": MEANINGS,
            "bases": BASES,
            "causes": CAUSES,
            "clients_broken": clients_broken,
            "subject_slug": subject_slug,
            "said": _said,
        }


def _latest(changes: Sequence[VerdictChange]) -> list[VerdictChange]:
    """The latest changes, of each subject one of each kind."""
    found: dict[tuple[int, bool], VerdictChange] = {}
    for one in changes:
        found.setdefault((id(one.subject), one.earlier is None), one)
    return [*found.values()][:_LATEST]


def _said(row: Requirement) -> str:
    """Why clients need a requirement; empty where nothing is known."""
    pointer = f"{row.keyword.location}#{row.keyword.pointer}" if row.keyword else None
    found = explanation(row.id, pointer)
    return "" if found is None else found.why
