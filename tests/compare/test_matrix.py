"""Runs side by side: differences first, nothing lost, and nothing that a target said acts on the page."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from comparable_runs import requirement, run_of

from conformance.commands.matrix import show_matrix
from conformance.compare import NamedRun, matrix, matrix_json, matrix_page, read_runs
from conformance.contract.model import Level
from conformance.report import ResultsError, TargetView, write_results
from conformance.shipped import specs_directory
from conformance.suite.outcome import Finding, Outcome

FIELD = Path(__file__).parents[2] / "benchmarks" / "field" / "recorded"
ONE = ("stream/plain#1", "one [DONE]")
HOSTILE = "</td></table><script>alert(1)</script><img src=x onerror=alert(2)> {{ 7*7 }} \x1b[31m \u202e \" onclick='x'"


def two_runs() -> tuple[NamedRun, NamedRun]:
    first = run_of(
        requirement("stream.media-type"),
        requirement("stream.done-once", Outcome.FAILED, ONE),
        requirement("stream.object", Outcome.SKIPPED),
        requirement("error.envelope"),
    )
    second = run_of(
        requirement("stream.media-type"),
        requirement("stream.done-once", level=Level.SHOULD),
        requirement("stream.object", Outcome.WARNING, ONE),
        requirement("access.status"),
    )
    return NamedRun("first", first), NamedRun("second", second)


def test_differences_come_first_and_the_worst_of_them_before_all() -> None:
    shown = matrix(two_runs())
    sections = {section.value: rows for section, rows in shown.sections}
    assert list(sections) == ["stream", "error", "access"]
    assert [row.id for row in sections["stream"]] == ["stream.done-once", "stream.object", "stream.media-type"]
    assert (shown.differing, shown.size) == (2, 5)


def test_a_requirement_that_one_run_has_is_no_difference() -> None:
    (row,) = next(rows for section, rows in matrix(two_runs()).sections if section == "error")
    assert row.outcomes == (Outcome.PASSED, None)
    assert not row.differs


def test_a_requirement_is_in_the_section_that_its_run_says() -> None:
    own = NamedRun("own", run_of(requirement("stream.x", id="gateway.x")))
    ((section, (row,)),) = matrix([own]).sections
    assert (section.value, row.id) == ("stream", "gateway.x")


def test_a_row_has_the_highest_level_of_its_runs() -> None:
    rows = {row.id: row for _, found in matrix(two_runs()).sections for row in found}
    assert rows["stream.done-once"].level is Level.MUST


def test_the_json_is_as_its_schema_says() -> None:
    document = json.loads(matrix_json(matrix(two_runs())))
    jsonschema.validate(document, json.loads((specs_directory() / "matrix.schema.json").read_text(encoding="utf-8")))
    first = document["requirements"][0]
    assert first["outcomes"] == ["failed", "passed"]
    assert first["said"] == ["expected one [DONE]; got something else", ""]


def test_no_two_runs_have_one_name(tmp_path: Path) -> None:
    named = run_of(requirement("error.envelope"), target=TargetView("http://a", name="staging"))
    plain = run_of(requirement("error.envelope"))
    paths = [write_results(run, tmp_path / name) for name, run in (("a", named), ("b", named), ("c", plain))]
    assert [run.name for run in read_runs([paths[0], paths[1].parent, paths[2]])] == [
        "staging (1)",
        "staging (2)",
        "c",
    ]


class Page(HTMLParser):
    """The page's elements with their attributes, the text of script and style, and all visible text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, str] = {}
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        tag = self.elements[-1][0] if self.elements else ""
        if tag in {"script", "style"} and tag not in self.raw:
            self.raw[tag] = data
        else:
            self.text += data

    @property
    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(tag, tuple(attributes)) for tag, attributes in self.elements]


def page_of(said: str) -> Page:
    finding = Finding("stream.done-once", said, said, said)
    row = requirement("stream.done-once", Outcome.FAILED, statement=said, findings=(finding,))
    target = TargetView(f"http://{said}", name=said, model=said, server=said)
    return Page(matrix_page(matrix([NamedRun(said, run_of(row, target=target)), two_runs()[1]])))


def test_a_hostile_target_adds_no_element_and_no_attribute() -> None:
    page = page_of(HOSTILE)
    assert page.shape == page_of("words").shape
    assert "</script><script>alert(1)" in page.text or "<script>alert(1)</script>" in page.text
    assert "\\x1b[31m" in page.text
    assert "\\u202e" in page.text
    assert "{{ 7*7 }}" in page.text


def test_the_page_loads_nothing_and_allows_only_its_own_parts() -> None:
    page = page_of("words")
    (policy,) = [element["content"] for tag, element in page.elements if element.get("http-equiv")]
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    for name in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(page.raw[name].encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy
    loading = {"src", "srcset", "data", "action", "background", "poster"}
    assert not [element for _, element in page.elements if loading & element.keys()]
    assert not [element for tag, element in page.elements if tag == "a" and not (element["href"] or "").startswith("#")]
    assert not re.search(r"url\(|@import|https?:", page.raw["style"] + page.raw["script"])


def test_every_requirement_has_a_row_that_can_be_linked_to() -> None:
    shown = matrix(read_runs(sorted(FIELD.iterdir())))
    page = Page(matrix_page(shown))
    ids = [element["id"] for tag, element in page.elements if tag == "tr" and "id" in element]
    assert len(ids) == shown.size > 200
    assert set(ids) == {row.id for _, rows in shown.sections for row in rows}


def test_the_run_with_the_fewest_failures_is_the_first_column() -> None:
    page = Page(matrix_page(matrix(two_runs())))
    runs = [
        (element["title"] or "").split(":")[0]
        for tag, element in page.elements
        if tag == "span" and element.get("class") == "who"
    ]
    assert runs[:2] == ["second", "first"]


def test_leniency_stands_apart_from_what_breaks_clients() -> None:
    lenient = run_of(
        requirement("request.temperature.maximum", Outcome.FAILED, ONE, leniency=True),
        requirement("stream.done-once", Outcome.FAILED, ONE),
    )
    html = matrix_page(matrix([NamedRun("lenient", lenient)]))
    places = [html.index(words) for words in ('id="h-failed"', '<tr id="stream.done-once"', 'id="h-leniency"')]
    assert places == sorted(places)
    assert html.index('<tr id="request.temperature.maximum"') > places[2]


def test_what_breaks_clients_comes_before_recommendations_and_what_is_kept_is_folded() -> None:
    html = matrix_page(matrix(two_runs()))
    places = [html.index(f'<tr id="{row}"') for row in ("stream.done-once", "stream.object", "stream.media-type")]
    assert places == sorted(places)
    assert html.index('<details class="fold">') < places[2]
    assert html.index('<details class="fold">') > places[1]


def test_the_command_writes_the_page_and_the_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert show_matrix(sorted(FIELD.iterdir()), tmp_path) == 0
    printed = capsys.readouterr().out
    assert "nonconformant  litellm (openai, standard tier, without allowed tools): " in printed
    document: dict[str, Any] = json.loads((tmp_path / "matrix.json").read_text(encoding="utf-8"))
    assert [run["name"] for run in document["runs"]] == [path.name for path in sorted(FIELD.iterdir())]
    assert (tmp_path / "matrix.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_record_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"results\.json: cannot be read"):
        show_matrix([tmp_path], tmp_path)
