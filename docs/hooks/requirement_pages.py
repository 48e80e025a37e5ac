"""Makes the pages on requirements from the catalogue: an index, one for each row, one of keywords for each profile."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import jinja2
import markdown_text as md

from conformance.contract import Contract, Requirement, load_contract, read_dialect, shipped_profiles
from conformance.contract.model import Section, Source
from conformance.report.explained import FaultView, explained
from conformance.report.html import BASES
from conformance.running.pytest_session import judging_tests

FOLDER = "requirements"
YOUR_OWN = "your own document"
EXAMPLE = Path(__file__).parents[1] / "examples" / "gateway.openapi.yaml"
"""A user's own document: it shows which rows apply to any of them, and how strictly."""
KEYWORDS = "keywords-"
"""How the names of the pages on the keywords of a profile begin."""
_SUITE = Path(__file__).parents[2] / "conformance" / "suite"
_TEMPLATES = Path(__file__).parent / "templates"
_SECTIONS = {
    Section.TRANSPORT: "HTTP itself: heads, lengths, encodings, connections.",
    Section.COMPLETION: "Whole answers, which are not streamed.",
    Section.STREAM: "Streamed answers: framing, chunks, and what must be true of all of them together.",
    Section.REQUEST: "Requests that must be served, and those that must be refused.",
    Section.ERROR: "Errors: their status, their body, and what they must not disclose.",
    Section.TOOLS: "Calls of tools, whole and streamed, the turns after them, and mistakes in asking for them.",
    Section.STRUCTURED: "Answers that must fit a schema.",
    Section.REASONING: "Where a model's reasoning stands, and how much of it is asked for.",
    Section.PARTS: "Messages of several parts: texts, pictures, sounds and files.",
    Section.ACCESS: "Credentials, and what tenants must not see of each other.",
    Section.ROBUSTNESS: "What a deployment survives, and what one caller must not do to another.",
}


@dataclass(frozen=True, slots=True)
class Applied:
    """A requirement as one profile has it."""

    profile: str
    row: Requirement


@dataclass
class Entry:
    """A row of the catalogue with all that its page says."""

    id: str
    statement: str
    section: Section
    tier: str
    applied: list[Applied] = field(default_factory=list)
    why: str = ""
    fix: str = ""
    faults: dict[str, tuple[FaultView, list[str]]] = field(default_factory=dict)
    """By the fault's id: the fault, and the profiles in which it can be shown."""
    tests: dict[str, None] = field(default_factory=dict)

    @property
    def excluded(self) -> str | None:
        """Why it is judged nowhere, if that is so."""
        reasons = [one.row.excluded for one in self.applied]
        return reasons[0] if all(reasons) else None


def requirement_pages(profiles: Iterable[str] | None = None) -> dict[str, str]:
    """The pages on the requirements of profiles (all that are shipped, if None) as Markdown, by their path in the site.

    Raises:
        ContractError: the catalogue, a profile, or the catalogue of faults cannot be used.
    """
    contracts = {name: load_contract(name) for name in profiles or shipped_profiles()}
    entries = _entries(contracts)
    files = _test_files()
    pages = {_path("index"): _index(contracts, entries)}
    for section, some in groupby(entries, key=lambda entry: entry.section):
        rows = list(some)
        pages[_path(f"{section.value}/index")] = _render(
            "section.md.j2",
            section=section.value,
            about=_SECTIONS[section],
            entries=md.entries(map(_section_row, rows)),
        )
        for entry in rows:
            pages[_path(entry.id)] = _page(entry, files)
    for name, contract in contracts.items():
        pages[_path(f"{KEYWORDS}{name}")] = _keywords(contract)
    return pages


def navigation(pages: Iterable[str]) -> list[object]:
    """The place of these pages in the site: the index, each section with its requirements, then the keywords."""
    names = [page.removeprefix(f"{FOLDER}/").removesuffix(".md") for page in pages]
    sections: list[object] = []
    for section in Section:
        own = [name for name in names if name.startswith((f"{section.value}/", f"{section.value}."))]
        sections += [{section.value: [_path(name) for name in own]}] if own else []
    keywords = [{name.removeprefix(KEYWORDS): _path(name)} for name in names if name.startswith(KEYWORDS)]
    return [_path("index"), *sections, {"from schema keywords": keywords}]


def _path(name: str) -> str:
    return f"{FOLDER}/{name}.md"


def _entries(contracts: Mapping[str, Contract]) -> list[Entry]:
    entries: dict[str, Entry] = {}
    for name, contract in contracts.items():
        tests = judging_tests(contract, name)
        for row in _rows_of_the_catalogue(contract):
            entry = entries.setdefault(row.id, Entry(row.id, row.statement, row.section, row.tier.value))
            entry.applied.append(Applied(name, row))
            said = explained(row, contract)
            entry.why, entry.fix = said.why, said.fix
            for fault in said.faults:
                entry.faults.setdefault(fault.id, (fault, []))[1].append(name)
            entry.tests |= dict.fromkeys(tests.get(row.id, ()))
    for row in _rows_of_the_catalogue(_of_a_user()):
        if row.id in entries:
            entries[row.id].applied.append(Applied(YOUR_OWN, row))
    order = list(Section)
    return sorted(entries.values(), key=lambda entry: order.index(entry.section))


def _rows_of_the_catalogue(contract: Contract) -> Iterator[Requirement]:
    return (row for row in (*contract.requirements, *contract.excluded) if row.keyword is None)


def _of_a_user() -> Contract:
    """The contract that the example makes without its own rows: what the catalogue demands of any document."""
    text = "".join(
        line for line in EXAMPLE.read_text(encoding="utf-8").splitlines(keepends=True) if "requirements:" not in line
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / EXAMPLE.name
        path.write_text(text, encoding="utf-8")
        return load_contract(str(path))


def _test_files() -> dict[str, str]:
    """The file of each test function of the suite."""
    files = {}
    for path in sorted(_SUITE.glob("test_*.py")):
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            files[name] = f"conformance/suite/{path.name}"
    return files


def _page(entry: Entry, files: Mapping[str, str]) -> str:
    example = next(((names[0], fault.id) for fault, names in entry.faults.values()), None)
    return _render(
        "requirement.md.j2",
        entry=entry,
        levels=_levels_with_sources(entry.applied),
        tests=[f"{md.code(name)} in {md.code(files.get(name, 'conformance/suite'))}" for name in entry.tests],
        faults=[_fault_line(fault, names, entry) for fault, names in entry.faults.values()],
        example=example,
        base_url=f"http://127.0.0.1:8080{read_dialect(example[0]).mount}" if example else None,
    )


def _levels_with_sources(applied: Iterable[Applied]) -> list[str]:
    """A line for each level and source, with the profiles that have the requirement so."""
    profiles: dict[tuple[str, Source], list[str]] = {}
    for one in applied:
        profiles.setdefault((_level(one.row), one.row.source), []).append(one.profile)
    lines = []
    for (level, source), names in profiles.items():
        where = f"{md.link(source.title or source.document, source.url)}, {md.prose(source.place)}"
        lines.append(f"**{level}** in {', '.join(names)}: {where} ({BASES[source.basis]}).")
    return lines


def _level(row: Requirement) -> str:
    return "Not judged" if row.excluded else row.level.value


def _fault_line(fault: FaultView, profiles: list[str], entry: Entry) -> str:
    everywhere = len(profiles) == len([one for one in entry.applied if one.profile != YOUR_OWN])
    where = "" if everywhere else f" In {', '.join(map(md.code, profiles))}."
    seen = f" Seen in {md.threads(fault.seen)}." if fault.seen else ""
    return f"{md.code(fault.id)}: {md.prose(fault.about)}{where}{seen}"


def _section_row(entry: Entry) -> tuple[str, str, str]:
    name = f"[{md.code(entry.id)}](../{entry.id}.md)"
    return name, md.prose(entry.statement), f"{_levels(entry)} · {entry.tier} tier"


def _levels(entry: Entry) -> str:
    """Its levels on one line, such as `MUST: kodexa, openai; SHOULD: loop-health`."""
    profiles: dict[str, list[str]] = {}
    for one in entry.applied:
        profiles.setdefault(_level(one.row), []).append(one.profile)
    if len(profiles) == 1 and len(entry.applied) > len(shipped_profiles()):
        return f"{next(iter(profiles))} in every profile"
    return "; ".join(f"{level}: {', '.join(names)}" for level, names in profiles.items())


def _index(contracts: Mapping[str, Contract], entries: list[Entry]) -> str:
    sections = [
        (f"[{section.value}]({section.value}/index.md)", _SECTIONS[section], str(len(list(some))))
        for section, some in groupby(entries, key=lambda entry: entry.section)
    ]
    profiles = [
        (
            md.code(name),
            md.prose(contract.profile.title or name),
            str(len(contract.requirements)),
            f"[{sum(row.keyword is not None for row in contract.requirements)}]({KEYWORDS}{name}.md)",
        )
        for name, contract in contracts.items()
    ]
    sources = {
        source.name: source
        for contract in contracts.values()
        for source in contract.sources.values()
        if any(row.source.document == source.name for row in (*contract.requirements, *contract.excluded))
    }
    return _render(
        "requirements.md.j2",
        count=len(entries),
        profiles=md.table(("profile", "contract", "requirements", "of these from schema keywords"), profiles),
        sections=md.table(("section", "what it is about", "rows"), sections),
        sources=[f"{md.code(name)}: {md.link(source.title, source.url)}" for name, source in sorted(sources.items())],
    )


def _keywords(contract: Contract) -> str:
    derived = [row for row in contract.requirements if row.keyword is not None]
    places = []
    for location, some in groupby(
        sorted(derived, key=lambda row: row.keyword.location if row.keyword else ""),
        key=lambda row: row.keyword.location if row.keyword else "",
    ):
        rows = [(_anchored(row.id), md.prose(row.statement), f"{row.level} · {row.tier} tier") for row in some]
        places.append((location, md.entries(rows)))
    return _render("keywords.md.j2", profile=contract.profile.name, count=len(derived), places=places)


def _anchored(row_id: str) -> str:
    """An id with an anchor of its own, which results.sarif leads to."""
    return f'<span id="{row_id}"></span>{md.code(row_id)}'


def _render(template: str, **values: object) -> str:
    environment = jinja2.Environment(  # noqa: S701 - these pages are Markdown; what goes in is escaped as such
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"prose": md.prose, "code": md.code}
    return environment.get_template(template).render(**values)
