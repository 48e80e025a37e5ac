"""The kill matrix as JSON that matches its schema, as a page without external resources, and as a score."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from lab_samples import NO_DONE, matrix, whole_matrix

from conformance.lab.console import lab_text
from conformance.lab.page import kill_matrix_page
from conformance.lab.record import KillMatrixError, core, matrix_document, read_matrix, write_matrix
from conformance.lab.rules import rule_violations
from conformance.lab.scores import BEGIN, END, main, scores_table


class Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.raw: dict[str, str] = {}
        self.policy = ""
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.tags.append(tag)
        self.ids += [named["id"] or ""] if "id" in named else []
        self.links += [named["href"] or ""] if "href" in named else []
        if named.get("http-equiv") == "Content-Security-Policy":
            self.policy = named["content"] or ""

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] in (["script"], ["style"]) and self.tags[-1] not in self.raw:
            self.raw[self.tags[-1]] = data
        else:
            self.text += data


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(kill_matrix_page(matrix()))


def test_the_record_matches_its_schema_and_can_be_read_back(tmp_path: Path) -> None:
    written = write_matrix(matrix(), tmp_path)
    document = read_matrix(written["Kill matrix"])
    assert document["score"]["faults"] == document["score"]["caught"] == 1
    assert document["targets"][3]["changed"] == {"stream.done-last": "skipped", "stream.done-once": "warning"}
    killed = {row["id"]: row["killed_by"] for row in document["requirements"]}
    assert killed["stream.done-once"] == ["stream-end.no-done"]


def test_a_record_that_does_not_match_its_schema_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "kill-matrix.json"
    path.write_text(json.dumps(matrix_document(matrix()) | {"format": 99}))
    with pytest.raises(KillMatrixError, match=re.escape(f"{path}: ")):
        read_matrix(path)
    path.write_text("{")
    with pytest.raises(KillMatrixError, match="is not JSON"):
        read_matrix(path)


def test_two_records_of_one_matrix_agree_in_their_core_whatever_their_times() -> None:
    slower = replace(matrix(), seconds=77.0)
    assert matrix_document(slower) != matrix_document(matrix())
    assert core(matrix_document(slower)) == core(matrix_document(matrix()))
    assert core(matrix_document(matrix(fault={}))) != core(matrix_document(matrix()))


def test_every_fault_and_requirement_has_its_own_anchor_on_the_page(page: Page) -> None:
    assert "stream-end.no-done" in page.ids
    assert "trap.variation" in page.ids
    assert "stream.done-once" in page.ids
    assert len(page.ids) == len(set(page.ids))
    assert {link for link in page.links if link.startswith("#")} <= {f"#{name}" for name in page.ids}


def test_the_page_needs_nothing_from_outside_and_runs_nothing_but_its_own_script(page: Page) -> None:
    assert not [link for link in page.links if not link.startswith("#")]
    assert "default-src 'none'" in page.policy
    for kind in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(page.raw[kind].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in page.policy


def test_what_a_target_sent_is_shown_as_text(page: Page) -> None:
    assert "b" not in page.tags
    assert "<b>none</b>" in page.text


def test_hostile_text_of_a_row_adds_no_element() -> None:
    hostile = replace(NO_DONE, about="</script><script>alert(1)</script>", seen=('"><img src=x>',))
    shown = Page(kill_matrix_page(matrix(fault_row=hostile)))
    assert shown.tags.count("script") == 1
    assert "img" not in shown.tags


def test_the_summary_says_what_was_caught_and_which_rule_does_not_hold() -> None:
    missed = matrix(fault={})
    text = lab_text(missed, rule_violations(missed), {})
    assert "caught 0 (0.0 %), through the wrong requirement 0, missed 1" in text
    assert "Does not hold: every fault is caught through what it breaks." in text
    assert "All rules hold." in lab_text(matrix(), rule_violations(matrix()), {})


@pytest.mark.parametrize("profile", ["kodexa", "loop-health", "openai"])
def test_page_console_and_record_agree_on_every_count(profile: str) -> None:
    lab = whole_matrix(profile)
    score, page, text = matrix_document(lab)["score"], kill_matrix_page(lab), lab_text(lab, (), {})
    assert score["requirements"] == score["killed"] + len(lab.unkilled) + len(lab.unbreakable)
    assert f"requirements  {score['requirements']:>5}   killed by a fault {score['killed']}" in text
    assert f"{score['killed']} of {score['requirements']} requirements killed by at least one fault" in page
    assert f"faults        {score['faults']:>5}   caught {score['caught']} " in text
    assert f"{score['caught']} of {score['faults']} faults caught" in page
    assert f"variations    {score['traps']:>5}   allowed; accused falsely {score['false_alarms']}" in text
    shown = Counter(re.findall(r'<details class="requirement row"[^>]* data-result="([^"]+)"', page))
    filters = dict(re.findall(r'name="result" value="([^"]+)">.*?<span class="n">(\d+)</span>', page))
    assert {name: str(count) for name, count in shown.items()} == filters
    assert shown["killed"] == score["killed"]


def test_the_table_of_scores_is_made_from_the_records_alone(tmp_path: Path) -> None:
    write_matrix(replace(matrix(), partial=False), tmp_path / "loop-health")
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    assert main([str(tmp_path), "--readme", str(readme)]) == 0
    text = readme.read_text()
    assert "| `loop-health` | 1 | 1 | 1 | 0 |" in text
    assert "| each counted once | 1 | 1 | 1 | 0 |" in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text


def test_the_score_of_a_partial_matrix_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_matrix(matrix(), tmp_path)
    assert main([str(tmp_path)]) == 2
    assert "has only some of its faults" in capsys.readouterr().err
    assert main([str(tmp_path / "nowhere")]) == 2
    assert "there is no kill-matrix.json" in capsys.readouterr().err


def test_other_tools_have_a_column_with_what_they_caught_of_the_same_faults() -> None:
    peers = {"profile": "loop-health", "faults": 1, "judges": {"another": {"caught": 0}}}
    table = scores_table([matrix_document(replace(matrix(), partial=False))], [peers])
    assert "| another |" in table.splitlines()[0]
    assert table.splitlines()[2].endswith("| 0 of 1 |")


def test_the_record_may_hold_every_family_that_a_fault_may_have() -> None:
    catalogue, record = (
        json.loads((Path(__file__).parents[2] / "specs" / f"{name}.schema.json").read_text(encoding="utf-8"))
        for name in ("faults", "kill-matrix")
    )
    assert _maxima(record, "family") == _maxima(catalogue, "family") != set()


def _maxima(schema: object, name: str) -> set[int]:
    """The maximum of each property of this name, anywhere in a schema."""
    found: set[int] = set()
    if isinstance(schema, dict):
        own = schema.get("properties", {}).get(name) if isinstance(schema.get("properties"), dict) else None
        found |= {own["maximum"]} if isinstance(own, dict) and "maximum" in own else set()
    inner = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    return found.union(*(_maxima(one, name) for one in inner))
