"""The page of public reports has each of them, claims no more than the lab shows, and leads where it says."""

from __future__ import annotations

import re
from pathlib import Path

import markdown_text as md
import pytest
from caught_page import PATH, Caught, Museum, Shown, caught_page, museum, project, threads
from requirement_pages import requirement_pages
from unseen_reports import unseen_reports

from conformance.contract import ContractError
from conformance.contract.model import Tier
from conformance.lab.judging import judge_targets
from conformance.lab.targets import LabTarget
from conformance.reference.faults import shipped_fault_rows
from conformance.suite.outcome import BROKEN

ROOT = Path(__file__).parents[2]
AT_LEAST = 150
THREAD = re.compile(r"https://github\.com/[\w.-]+/[\w.-]+/issues/[1-9]\d*")
ENTRY = """\
- id: key-in-log
  seen: [a/b#1]
  happened: Keys were written to the log.
  cannot_be_seen: The log is on the server's side.
"""


@pytest.fixture(scope="module")
def shown() -> Museum:
    return museum()


@pytest.fixture(scope="module")
def page() -> str:
    return caught_page()


def test_the_page_has_many_reports_and_counts_each_once(shown: Museum, page: str) -> None:
    unseen = [report for one in shown.unseen for report in one.seen]
    assert len(shown.tiers) >= AT_LEAST
    assert len(shown.tiers) + len(shown.not_accused) + len(unseen) == len(shown.reports)
    assert f"| **caught** | **{len(shown.tiers)}** |" in page
    assert f"| **all** | **{len(shown.reports)}** |" in page
    assert [report for report in shown.reports if not re.search(_shown(report), page)] == []


def test_the_counts_of_each_project_add_up(shown: Museum, page: str) -> None:
    head = "| project | reports | smoke | standard | exhaustive | load | caught | allowed | not caught |"
    _, _, *lines = page[page.index(head) :].partition("\n\n")[0].splitlines()
    counted = []
    for line in lines:
        reports, *of_tiers, caught, allowed, not_caught = (int(cell.strip() or 0) for cell in line.split("|")[2:-1])
        assert (sum(of_tiers), caught + allowed + not_caught) == (caught, reports)
        counted.append(reports)
    assert counted == sorted(counted, reverse=True)
    assert min(counted) > 1
    assert sum(counted) + len(_single_projects(page)) == len(shown.reports)


def test_every_row_with_a_public_thread_stands_on_the_page(shown: Museum, page: str) -> None:
    seen = {row.id: row.data.get("seen", "own") for row in shipped_fault_rows()}
    reported = {name: threads(of) for name, of in seen.items() if of != "own" and threads(of)}
    assert {one.fault.id for one in shown.caught} | {fault.id for fault in shown.allowed} == reported.keys()
    assert {report for of in reported.values() for report in of} <= shown.reports
    assert [one.fault.id for one in shown.caught if f">{md.prose(one.fault.about)}</td>" not in page] == []


def test_every_link_has_the_form_of_a_thread_or_leads_to_a_page_of_the_site(page: str) -> None:
    links = set(re.findall(r"\]\(([^)\s]+)\)", page))
    away = {link for link in links if ":" in link}
    assert [
        link for link in away if not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+/issues/[1-9]\d*", link)
    ] == []
    made = requirement_pages()
    inside = [link.partition("#")[0] for link in links - away if not link.startswith("#")]
    assert [link for link in inside if link not in made and not (ROOT / "docs" / link).exists()] == []


def test_no_report_is_listed_as_unseen_that_a_row_stands_for(shown: Museum) -> None:
    assert {report for one in shown.unseen for report in one.seen} & (shown.tiers.keys() | shown.not_accused) == set()


@pytest.mark.lab
def test_what_is_said_to_be_caught_in_the_smoke_tier_is_caught_there(shown: Museum) -> None:
    chosen = [_in_smoke(one) for one in shown.caught if one.tier is Tier.SMOKE]
    profiles = dict.fromkeys(one.profile for one in chosen)
    missed = []
    for profile in profiles:
        some = {one.fault.id: one for one in chosen if one.profile == profile}
        judged = judge_targets([LabTarget(name, profile, Tier.SMOKE, one.fault) for name, one in some.items()])
        for result in judged:
            found = {name for name, outcome in result.outcomes.items() if outcome in BROKEN}
            missed += [] if found & {row.id for row in some[result.target].breaks} else [result.target]
    assert missed == []


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("[a/b#1]", "[a/b/1]", 2, "a/b/1"),
        ("[a/b#1]", "[]", 2, "has less than 1 item"),
        ("  happened: Keys", "  hapened: Keys", 1, "row `key-in-log`"),
        ("happened: Keys were", "happened: were", 3, "does not match"),
        (
            "  cannot_be_seen: The log",
            "  not_yet_seen: No fault of the lab does it.\n  cannot_be_seen: The log",
            1,
            "valid under more",
        ),
        ("  cannot_be_seen: The log is on the server's side.\n", "", 1, "row `key-in-log`"),
        (ENTRY, ENTRY + ENTRY, 5, "`key-in-log` stands here twice"),
        (ENTRY, ENTRY + ENTRY.replace("key-in-log", "other"), 6, "`a/b#1` stands here twice"),
    ],
)
def test_a_broken_entry_is_refused_with_file_and_line(
    tmp_path: Path, old: str, new: str, line: int, words: str
) -> None:
    path = tmp_path / "unseen-reports.yaml"
    path.write_text(ENTRY.replace(old, new), encoding="utf-8")
    with pytest.raises(ContractError) as refused:
        unseen_reports(path)
    assert str(refused.value).startswith(f"{path}:{line}: ")
    assert words in str(refused.value)


def test_the_page_has_a_place_in_the_navigation() -> None:
    assert f"Would have caught: {PATH}\n" in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")


def _single_projects(page: str) -> list[str]:
    return page.partition("</summary>")[2].partition("</details>")[0].split(", ")


def _in_smoke(one: Caught) -> Shown:
    """The fault as the first profile has it that judges something of it in the smoke tier."""
    return next(shown for shown in one.shown if any(row.tier is Tier.SMOKE for row in shown.breaks))


def _shown(report: str) -> str:
    """A pattern of a report on the page: its whole name, or its number behind the cell of its project."""
    name, number = re.escape(md.prose(project(report))), report.partition("#")[2]
    return rf"{name.replace('/', '/<wbr>')}</td><td markdown=\"span\">\[?#{number}\b|\[?{name}#{number}\b"
