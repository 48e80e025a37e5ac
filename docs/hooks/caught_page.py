"""Makes the page that says of each public report whether the suite would have caught the fault, and through what."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path

import jinja2
import markdown_text as md
from requirement_pages import FOLDER, KEYWORDS
from unseen_reports import UnseenReport, unseen_reports

from conformance.contract import Contract, Requirement, load_contract, shipped_profiles
from conformance.contract.model import Level, Tier
from conformance.lab.page import FAMILIES
from conformance.reference.faults import Fault, every_fault

PATH = "would-have-caught.md"
_TEMPLATES = Path(__file__).parent / "templates"
_THREAD = re.compile(r"(?P<project>[\w.-]+(/[\w.-]+)?)(?P<number>#\d+)")
_MOST = 3
"""Requirements that are named for one fault."""
_TIERS = list(Tier)


@dataclass(frozen=True, slots=True)
class Shown:
    """A fault, or an allowed variation, in one profile, with the requirements that it breaks there."""

    profile: str
    fault: Fault
    breaks: tuple[Requirement, ...]


@dataclass(frozen=True)
class Caught:
    """A fault with public reports as all profiles together have it."""

    shown: tuple[Shown, ...]

    @property
    def fault(self) -> Fault:
        """The fault as its first profile has it."""
        return self.shown[0].fault

    @property
    def reports(self) -> tuple[str, ...]:
        """The public threads; a standard is none."""
        return threads(self.fault.seen)

    @cached_property
    def tier(self) -> Tier:
        """The first tier that catches it: its own, where its row has one, or the first of what it breaks."""
        return self.fault.tier or min((row.tier for one in self.shown for row in one.breaks), key=_TIERS.index)

    @cached_property
    def requirements(self) -> tuple[tuple[str, Requirement], ...]:
        """What it breaks, each with the first profile that has it; what is judged in the earliest tier comes first."""
        found: dict[str, tuple[str, Requirement]] = {}
        for one in self.shown:
            for row in one.breaks:
                found.setdefault(row.id, (one.profile, row))
        return tuple(sorted(found.values(), key=lambda pair: _TIERS.index(pair[1].tier)))

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels that the first requirement has in the profiles."""
        first = self.requirements[0][1].id
        levels = {row.level for one in self.shown for row in one.breaks if row.id == first}
        return tuple(level for level in Level if level in levels)


@dataclass(frozen=True)
class Museum:
    """All public reports: caught, rightly not accused, and those that the lab does not show."""

    caught: tuple[Caught, ...]
    allowed: tuple[Fault, ...]
    unseen: tuple[UnseenReport, ...]

    @cached_property
    def tiers(self) -> dict[str, Tier]:
        """The first tier that catches what each report describes."""
        found: dict[str, Tier] = {}
        for one in self.caught:
            for report in one.reports:
                found[report] = min(one.tier, found.get(report, one.tier), key=_TIERS.index)
        return found

    @cached_property
    def not_accused(self) -> frozenset[str]:
        """The reports of what is allowed, except those that describe a fault as well."""
        return frozenset(report for fault in self.allowed for report in threads(fault.seen)) - self.tiers.keys()

    def not_shown(self, *, visible: bool) -> tuple[str, ...]:
        """The reports that no caller can see, or that the lab does not show yet."""
        return tuple(report for one in self.unseen if one.visible is visible for report in one.seen)

    @property
    def reports(self) -> frozenset[str]:
        """Every report, once."""
        unseen = (report for one in self.unseen for report in one.seen)
        return frozenset((*self.tiers, *self.not_accused, *unseen))


def threads(seen: Iterable[str]) -> tuple[str, ...]:
    """The public threads among what a row names; the others are standards."""
    return tuple(one for one in seen if _THREAD.fullmatch(one))


def project(report: str) -> str:
    """The project that a thread belongs to."""
    return report.partition("#")[0]


def museum() -> Museum:
    """All public reports that the lab's rows, and specs/unseen-reports.yaml, name.

    Raises:
        ContractError: the catalogue of faults, or the list of unseen reports, is unusable.
    """
    shown: dict[str, list[Shown]] = {}
    for name in sorted(shipped_profiles(), key=lambda profile: profile != "openai"):
        contract = load_contract(name)
        for fault in every_fault(contract):
            if threads(fault.seen):
                shown.setdefault(fault.id, []).append(Shown(name, fault, _breaks(fault, contract)))
    all_shown = sorted(shown.values(), key=lambda some: some[0].fault.family)
    return Museum(
        caught=tuple(Caught(tuple(some)) for some in all_shown if not some[0].fault.is_variation),
        allowed=tuple(some[0].fault for some in all_shown if some[0].fault.is_variation),
        unseen=unseen_reports(),
    )


def _breaks(fault: Fault, contract: Contract) -> tuple[Requirement, ...]:
    rows = {row.id: row for row in contract.requirements}
    return tuple(rows[name] for name in fault.breaks)


def caught_page() -> str:
    """The page as Markdown.

    Raises:
        ContractError: as `museum`.
    """
    shown = museum()
    tiers = Counter(shown.tiers.values())
    environment = jinja2.Environment(  # noqa: S701 - this page is Markdown; what goes in is escaped as such
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("would-have-caught.md.j2").render(
        reports=len(shown.reports),
        projects=len({project(report) for report in shown.reports}),
        caught=len(shown.tiers),
        faults=len(shown.caught),
        tiers=[(tier.value, tiers[tier]) for tier in Tier],
        not_accused=len(shown.not_accused),
        hidden=len(shown.not_shown(visible=False)),
        missing=len(shown.not_shown(visible=True)),
        by_project=md.table(("project", "reports", *Tier, "caught", "allowed", "not caught"), _projects(shown)),
        single=", ".join(_single_projects(shown)),
        families=[(FAMILIES[family], _faults(some)) for family, some in _by_family(shown.caught)],
        allowed=md.table(("report", "what the deployment does, and may do"), _allowed(shown)),
        cannot=_unseen(one for one in shown.unseen if not one.visible),
        not_yet=_unseen(one for one in shown.unseen if one.visible),
    )


def _projects(shown: Museum) -> Iterator[tuple[str, ...]]:
    """A row for each project with several reports, the one with most first."""
    counts = Counter(project(report) for report in shown.reports)
    for name in sorted(counts, key=lambda name: (-counts[name], name.lower())):
        if counts[name] > 1:
            tiers = Counter(tier for report, tier in shown.tiers.items() if project(report) == name)
            allowed = sum(project(report) == name for report in shown.not_accused)
            of_tiers = (tiers[tier] for tier in Tier)
            numbers = (counts[name], *of_tiers, tiers.total(), allowed, counts[name] - tiers.total() - allowed)
            yield md.prose(name), *(str(number or "") for number in numbers)


def _single_projects(shown: Museum) -> list[str]:
    counts = Counter(project(report) for report in shown.reports)
    return sorted((md.prose(name) for name, count in counts.items() if count == 1), key=str.lower)


def _by_family(caught: Sequence[Caught]) -> Iterator[tuple[int, Iterator[Caught]]]:
    return groupby(caught, key=lambda one: one.fault.family)


def _faults(some: Iterable[Caught]) -> str:
    """A table with a row for each report; those of one fault share what is said about it."""
    head = ("project", "report", "what happened", "the requirement that says so", "level", "tier")
    return md.grouped_table(head, (([_report(name) for name in one.reports], _said(one)) for one in some))


def _report(name: str) -> tuple[str, str]:
    """A report as its project and its number, which leads to the thread where the owner is known."""
    owner, _, number = name.partition("#")
    return md.prose(owner).replace("/", "/<wbr>"), md.threads([name], shown=f"#{number}")


def _said(one: Caught) -> tuple[str, ...]:
    (profile, first), *others = one.requirements
    named = [_requirement(*pair) for pair in others[: _MOST - 1]]
    more = [f"{len(others) - len(named)} more"] if len(others) > len(named) else []
    also = f"<br><small>also through {', '.join([*named, *more])}</small>" if named else ""
    through = f"{_requirement(profile, first)}<br>{md.prose(first.statement)}{also}"
    return md.prose(one.fault.about), through, " or ".join(one.levels), one.tier.value


def _requirement(profile: str, row: Requirement) -> str:
    """A requirement that leads to its page, or to its place among those of the profile's keywords."""
    page = f"{FOLDER}/{row.id}.md" if row.keyword is None else f"{FOLDER}/{KEYWORDS}{profile}.md#{row.id}"
    return f"[{md.code(row.id)}]({page})"


def _allowed(shown: Museum) -> Iterator[tuple[str, str]]:
    """A row for each variation with the reports that describe nothing else."""
    for fault in shown.allowed:
        reports = [report for report in threads(fault.seen) if report in shown.not_accused]
        if reports:
            yield md.threads(reports), md.prose(fault.about)


def _unseen(some: Iterable[UnseenReport]) -> str:
    head = ("report", "what happened", "why")
    return md.table(head, ((md.threads(one.seen), md.prose(one.happened), md.prose(one.why)) for one in some))
