"""`chat-conformance requirements`: every requirement is judged or excluded, and the list can be read anywhere."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from requirement_pages import requirement_pages

from conformance.commands.requirements import list_requirements
from conformance.contract import ContractError, load_contract, read_release, review_path
from conformance.lab.gaps import requirement_gaps
from conformance.report.requirements_page import requirements_page
from conformance.shipped import profile_path
from conformance.terminal.exits import UsageFailure

README = Path(__file__).parents[2] / "README.md"
PROFILES = ("kodexa", "loop-health", "openai")
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Own", "version": "1"},
    "paths": {
        "/v1/chat/completions": {
            "post": {
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {"properties": {"messages": {"type": "array"}, "model": {"type": "string"}}}
                        }
                    }
                },
                "responses": {"200": {"description": "Served.", "content": {"application/json": {}}}},
            }
        }
    },
}

Listed = Callable[..., tuple[int, str]]


@pytest.fixture
def listed(capsys: pytest.CaptureFixture[str]) -> Listed:
    """Run the command in this process; gives the exit status and what was printed."""

    def run(profile: str, **options: object) -> tuple[int, str]:
        defaults = {"stale": False, "sources": None, "reviewed": False, "as_json": False}
        status = list_requirements(profile, **{**defaults, **options})  # type: ignore[arg-type]
        return status, capsys.readouterr().out

    return run


@pytest.fixture
def own_document(tmp_path: Path) -> Path:
    path = tmp_path / "own.yaml"
    path.write_text(json.dumps(DOCUMENT), encoding="utf-8")
    return path


def test_what_the_working_directory_has_for_pytest_is_left_alone(
    listed: Listed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for folder in (tmp_path, tmp_path / "tests"):
        folder.mkdir(exist_ok=True)
        (folder / "conftest.py").write_text("raise RuntimeError('this is the project of somebody else')\n")
    monkeypatch.chdir(tmp_path)
    status, printed = listed("openai")
    assert status == 0
    assert "test_the_sentinel_comes_once" in printed


@pytest.mark.parametrize("profile", PROFILES)
def test_every_requirement_is_complete_or_excluded_with_a_reason(profile: str) -> None:
    contract = load_contract(profile)
    assert [str(gap) for gap in requirement_gaps(contract, profile)] == []
    assert [row.id for row in contract.excluded if not (row.excluded or "").strip()] == []


def test_an_own_document_whose_rows_are_judged_lacks_nothing(listed: Listed, own_document: Path) -> None:
    status, text = listed(str(own_document), check=True)
    assert (status, text) == (0, "No requirement of own lacks anything.\n")


def test_what_is_missing_is_named_a_line_each(listed: Listed, own_document: Path, tmp_path: Path) -> None:
    rows = [{"id": "completion.polite", "statement": "Answers are polite.", "level": "SHOULD"}]
    (tmp_path / "rows.yaml").write_text(json.dumps(rows))
    own_document.write_text(json.dumps({**DOCUMENT, "x-conformance": {"requirements": "rows.yaml"}}))
    status, text = listed(str(own_document), check=True)
    assert status == 1
    first, last = text.splitlines()
    assert first.startswith(f"completion.polite  {tmp_path / 'rows.yaml'}:1  no test judges it; write one in ")
    assert last == "1 to do for own."


def test_the_list_names_level_source_and_test_within_80_columns(
    listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    status, text = listed("openai")
    assert status == 0
    lines = text.splitlines()
    contract = load_contract("openai")
    first_words = {line.split(" ", 1)[0] for line in lines}
    assert [row.id for row in (*contract.requirements, *contract.excluded) if row.id not in first_words] == []
    assert [line for line in lines if len(line) > 80 and " " in line.strip()[:60]] == []
    at = next(number for number, line in enumerate(lines) if line.startswith("stream.done-once "))
    paragraph = " ".join(lines[at : at + 6])
    assert "MUST" in paragraph
    assert "(reference)" in paragraph
    assert "tested by test_" in paragraph


def test_json_has_all_of_it(listed: Listed) -> None:
    status, text = listed("kodexa", as_json=True)
    rows = json.loads(text)
    contract = load_contract("kodexa")
    assert status == 0
    assert [row["id"] for row in rows] == [row.id for row in (*contract.requirements, *contract.excluded)]
    assert all(row["tests"] or row["excluded"] for row in rows)
    assert all(row["source"]["document"] and row["level"] in {"MUST", "SHOULD", "MAY"} for row in rows)


def test_a_release_is_named_with_what_it_scores(listed: Listed) -> None:
    contract = load_contract("openai")
    release = read_release(contract, "2026.11.0")
    later = [row.id for row in contract.requirements if row.id not in release.requirements]
    status, text = listed("openai", release="2026.11.0")
    assert status == 0
    words = " ".join(text.split())
    scored = len(contract.requirements) - len(later)
    assert f"The release 2026.11.0 scores {scored} of them; {len(later)} are newer and are only reported." in words
    assert text.count("  not scored\n") == len(later) > 0
    rows = {row["id"]: row["scored"] for row in json.loads(listed("openai", release="2026.11.0", as_json=True)[1])}
    assert [row_id for row_id, counts in rows.items() if not counts] == later


def test_a_release_that_is_not_there_is_refused(listed: Listed) -> None:
    with pytest.raises(ContractError, match="has no release `1999`; there are 2026"):
        listed("openai", release="1999")


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.slow
def test_the_counts_agree_wherever_they_stand(profile: str, listed: Listed) -> None:
    contract = load_contract(profile)
    count, derived = len(contract.requirements), sum(row.keyword is not None for row in contract.requirements)
    words = " ".join(listed(profile)[1].split())
    assert f": {count} requirements, of which {derived} follow from schema keywords" in words
    assert f"{count:,} requirements of {profile} " in requirements_page(contract)
    assert f"| `{profile}` |" in requirement_pages([profile])["requirements/index.md"]
    assert f"| {count} | [{derived}](" in requirement_pages([profile])["requirements/index.md"]
    (row,) = [
        line for line in README.read_text().splitlines() if line.startswith(f"| `{profile}` | ") and "POST" not in line
    ]
    assert int(row.split("|")[6].replace(",", "")) == count, "run the lab for all profiles, and nox -s update -- --lab"


@pytest.mark.parametrize("profile", PROFILES)
def test_the_review_on_record_is_of_the_contract_as_it_stands(profile: str, listed: Listed) -> None:
    assert review_path(load_contract(profile)) == profile_path(profile).with_name("review.json")
    status, text = listed(profile, stale=True)
    assert (status, text) == (0, f"No requirement of {profile} is stale.\n")


def test_an_own_document_is_stale_until_it_is_reviewed_and_again_when_it_changes(
    own_document: Path, listed: Listed
) -> None:
    profile = str(own_document)
    status, text = listed(profile, stale=True)
    assert status == 1
    assert "never reviewed" in text
    status, text = listed(profile, reviewed=True)
    assert status == 0
    assert str(own_document.with_suffix(".reviewed.json")) in text
    assert listed(profile, stale=True)[0] == 0
    own_document.write_text(json.dumps(DOCUMENT).replace('"array"', '"array", "minItems": 1'), encoding="utf-8")
    status, text = listed(profile, stale=True)
    assert status == 1
    assert "request.messages.min-items: new, never reviewed" in text
    status, text = listed(profile, stale=True, as_json=True)
    assert status == 1
    assert json.loads(text)["stale"][0].keys() == {"id", "why"}


def test_a_source_that_changed_or_is_missing_is_named(own_document: Path, tmp_path: Path, listed: Listed) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "manual.txt").write_text("as it was")
    sha256 = hashlib.sha256(b"as it was").hexdigest()
    named = {"title": "The manual", "file": "manual.txt", "sha256": sha256}
    own_document.write_text(json.dumps({**DOCUMENT, "x-conformance": {"sources": {"manual": named}}}))
    profile = str(own_document)
    listed(profile, reviewed=True)
    assert listed(profile, stale=True, sources=sources)[0] == 0
    (sources / "manual.txt").write_text("changed")
    status, text = listed(profile, stale=True, sources=sources)
    assert status == 1
    assert text.startswith("manual.txt changed")
    shutil.rmtree(sources)
    sources.mkdir()
    assert "manual.txt is missing" in listed(profile, stale=True, sources=sources)[1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sources": Path("sources")}, "--stale"),
        ({"sources": Path("nowhere"), "stale": True}, "nowhere is not a folder"),
        ({"reviewed": True, "stale": True}, "--reviewed"),
        ({"check": True, "stale": True}, "--check"),
        ({"release": "2026.11.0", "stale": True}, "--release"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: dict[str, object], said: str, listed: Listed) -> None:
    with pytest.raises(UsageFailure, match=said):
        listed("openai", **options)
