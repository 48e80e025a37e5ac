"""The pages that are made from the data say what the data says."""

from __future__ import annotations

import markdown_text as md
import pytest
from command_page import command_page
from fault_page import fault_page
from requirement_pages import navigation, requirement_pages

from conformance.cli.main import commands
from conformance.contract import load_contract
from conformance.reference.faults import shipped_fault_rows

PROFILE = "loop-health"


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return requirement_pages([PROFILE])


def test_each_row_of_the_catalogue_has_a_page_with_its_statement_source_and_explanation(pages: dict[str, str]) -> None:
    contract = load_contract(PROFILE)
    rows = [row for row in (*contract.requirements, *contract.excluded) if row.keyword is None]
    for row in rows:
        page = pages[f"requirements/{row.id}.md"]
        assert md.prose(row.statement) in page
        assert md.prose(row.source.place) in page
        assert "## Why clients need it" in page
        level = "Not judged" if row.excluded else row.level.value
        assert f"- **{level}** in {PROFILE}" in page


def test_the_page_of_a_requirement_names_its_test_and_what_breaks_it(pages: dict[str, str]) -> None:
    page = pages["requirements/stream.done-once.md"]
    assert "in `conformance/suite/test_stream.py`" in page
    assert "- `stream-end.done-twice`: The sentinel is sent twice." in page
    assert "[BerriAI/litellm#1255](https://github.com/BerriAI/litellm/issues/1255)" in page


def test_each_keyword_is_listed_for_its_profile(pages: dict[str, str]) -> None:
    keywords = [row for row in load_contract(PROFILE).requirements if row.keyword is not None]
    assert [row.id for row in keywords if f"`{row.id}`<br>" not in pages[f"requirements/keywords-{PROFILE}.md"]] == []


def test_every_page_has_a_place_in_the_navigation(pages: dict[str, str]) -> None:
    assert sorted(map(str, _leaves(navigation(pages)))) == sorted(pages)


def test_every_command_and_option_is_on_the_page_of_the_command_line() -> None:
    page = command_page()
    for name, command in commands.commands.items():
        assert f"\n## {name}\n" in page
        assert [
            option for one in command.params for option in one.opts if option[0] == "-" and option not in page
        ] == []


def test_every_fault_of_the_catalogue_is_on_its_page() -> None:
    page = fault_page()
    assert [row.id for row in shipped_fault_rows() if f"`{row.id}`" not in page] == []


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("an `n` of 1", "an `n` of 1"),
        ("a_b <c> *d*", r"a\_b &lt;c&gt; \*d\*"),
        ("`a|b` | c", "`a|b` &#124; c"),
        ("two\n  lines", "two lines"),
    ],
)
def test_texts_of_the_data_are_no_markup_but_for_code(text: str, markdown: str) -> None:
    assert md.prose(text) == markdown


def _leaves(entry: object) -> list[object]:
    if isinstance(entry, dict):
        return [leaf for value in entry.values() for leaf in _leaves(value)]
    return [leaf for one in entry for leaf in _leaves(one)] if isinstance(entry, list) else [entry]
