"""`lab --accept` changes the effects of the rows that were judged, and nothing else in their files."""

from __future__ import annotations

from pathlib import Path

import pytest
from shipped_contracts import shipped_contract

from conformance.contract.documents import read_document
from conformance.lab.judging import JudgedTarget
from conformance.lab.kill_matrix import KillMatrix, matrix_of
from conformance.lab.row_editing import edited, rows_text
from conformance.lab.targets import CONTROLS, LabTarget
from conformance.lab.update_effects import accept_effects
from conformance.reference import faults
from conformance.reference.faults import read_fault_rows
from conformance.reference.faults.catalogue import faults_in

CATALOGUE = Path(faults.__file__).parent
FILES = [*sorted((CATALOGUE / "rows").glob("*.yaml")), CATALOGUE / "generated.yaml"]
ROWS = """\
# Rows of mine.

- id: mine.first
  about: "The first, #1." # with a comment
  family: 1
  does: {events.drop: {of: done}}
  when: 'stream'
  # why it breaks this
  breaks: [stream.done-once]
  effects: [{stream.done-last: skipped}]

# The second one
- id: mine.second
  about: The second.
  family: 1
  does:
    - events.drop: {of: done}
    - bytes.replace: {old: "\\r\\n", new: "\\n"}
  breaks: [stream.done-once]
"""
USUAL = dict.fromkeys(("stream.done-once", "stream.done-last", "stream.ends", "completion.json"), "passed")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_shipped_row_is_written_as_it_was_read(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    file = rows_text(text, read_document(path))
    assert str(file) == text
    assert [row.id for row in file.rows if edited(row.text, lambda _: None) != row.text] == []


def judged(rows: Path, **changes: dict[str, dict[str, str]]) -> list[KillMatrix]:
    """The matrices of a run in which faults of these rows changed these outcomes, by profile and fault."""
    matrices = []
    for profile, by_fault in changes.items():
        contract = shipped_contract(profile.replace("_", "-"))
        targets = [LabTarget(name, contract.profile.name, tier) for name, tier in CONTROLS.items()]
        found = [JudgedTarget(target.id, dict(USUAL)) for target in targets]
        for fault in faults_in(contract, read_fault_rows(rows)):
            if fault.id in by_fault:
                targets.append(LabTarget(fault.id, contract.profile.name, fault=fault))
                found.append(JudgedTarget(fault.id, USUAL | by_fault[fault.id]))
        matrices.append(matrix_of(contract, targets, found))
    return matrices


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.yaml"
    path.write_text(ROWS, encoding="utf-8")
    return path


CAUGHT = {"stream.done-once": "failed"}
SKIPPED = {"stream.done-last": "skipped"}


def test_effects_that_did_not_change_change_no_byte(rows: Path) -> None:
    caught = {"mine.first": {"stream.done-once": "warning"} | SKIPPED}
    assert accept_effects(judged(rows, loop_health=caught), rows) == []
    assert rows.read_text(encoding="utf-8") == ROWS


def test_new_effects_are_added_after_the_last_member_and_before_the_next_comment(rows: Path) -> None:
    caught = {"stream.done-once": "warning"}
    changes = {"mine.first": caught | {"stream.ends": "warning"}, "mine.second": caught | SKIPPED}
    assert accept_effects(judged(rows, loop_health=changes), rows) == [rows]
    expected = ROWS.replace("  effects: [{stream.done-last: skipped}]\n", "  effects: [stream.ends]\n")
    assert rows.read_text(encoding="utf-8") == expected + "  effects: [{stream.done-last: skipped}]\n"


OF_TWO_PROFILES = """\
  effects: [{stream.done-last: skipped}]
  profiles:
    openai:
    kodexa:
      also: [completion.json]
"""


def test_what_only_one_profile_shows_is_written_under_its_name(rows: Path) -> None:
    openai, kodexa = (CAUGHT | SKIPPED, CAUGHT | SKIPPED | {"completion.json": "failed"})
    matrices = judged(rows, openai={"mine.second": openai}, kodexa={"mine.second": kodexa})
    accept_effects(matrices, rows)
    assert rows.read_text(encoding="utf-8").removeprefix(ROWS) == OF_TWO_PROFILES


def test_a_long_list_has_an_entry_in_each_line(rows: Path) -> None:
    names = [row.id for row in shipped_contract("openai").requirements if row.id.startswith("completion.")][:9]
    changes = CAUGHT | dict.fromkeys(names, "skipped")
    accept_effects(judged(rows, openai={"mine.second": changes}), rows)
    added = rows.read_text(encoding="utf-8").removeprefix(ROWS).splitlines()
    assert added[0] == "  effects:"
    assert all(line.startswith("    - completion.") for line in added[1:])


def test_what_was_missed_is_not_accepted(rows: Path) -> None:
    assert accept_effects(judged(rows, openai={"mine.second": {"stream.ends": "failed"}}), rows) == []
