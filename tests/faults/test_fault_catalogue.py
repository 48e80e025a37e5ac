"""The catalogue of faults: what its rows may say, which mistakes it refuses, and that it covers every requirement."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from shipped_contracts import PROFILES, shipped_contract

from conformance.contract import Contract, ContractError, Level
from conformance.reference.errors import DeploymentError
from conformance.reference.faults import (
    composed,
    every_fault,
    keywords_without_fault,
    read_fault_rows,
    shipped_fault_rows,
)
from conformance.reference.faults.catalogue import faults_in, unknown_requirements
from conformance.reference.faults.registry import implementations
from conformance.reference.faults.selection import generated_entries, generated_faults, unseen_faults

ROW = """
- id: stream-end.no-done
  about: The stream ends without the sentinel.
  family: 1
  does: {events.drop: {of: done}}
  breaks: [stream.done-once]
"""


@pytest.fixture(params=PROFILES)
def contract(request: pytest.FixtureRequest) -> Contract:
    return shipped_contract(request.param)


@pytest.fixture
def contracts() -> list[Contract]:
    return [shipped_contract(profile) for profile in PROFILES]


def rows_of(text: str, tmp_path: Path, name: str = "rows.yaml") -> Path:
    path = tmp_path / name
    path.write_text(textwrap.dedent(text))
    return path


def refused(text: str, tmp_path: Path, name: str = "rows.yaml") -> str:
    path = rows_of(text, tmp_path, name)
    with pytest.raises(ContractError) as caught:
        read_fault_rows(path)
    message = str(caught.value)
    assert message.startswith(f"{path}:"), message
    return message.removeprefix(f"{path}:")


# --- what is shipped ---


def test_there_are_hundreds_of_faults_and_dozens_of_allowed_variations() -> None:
    rows = shipped_fault_rows()
    assert sum(not row.is_variation for row in rows) >= 250
    assert sum(row.is_variation for row in rows) >= 40


def test_every_requirement_is_broken_by_a_fault(contract: Contract) -> None:
    broken = {name for fault in every_fault(contract) for name in fault.breaks}
    broken |= {name for name, _ in keywords_without_fault(contract)}  # what no request could break, with its reason
    assert [row.id for row in contract.requirements if row.level is not Level.MAY and row.id not in broken] == []


def test_no_two_faults_have_one_id(contract: Contract) -> None:
    ids = [fault.id for fault in every_fault(contract)]
    assert len(ids) == len(set(ids))


def test_every_id_in_a_row_is_the_id_of_a_requirement(contracts: list[Contract]) -> None:
    assert {row.id: unknown for row in shipped_fault_rows() if (unknown := unknown_requirements(row, contracts))} == {}


def test_every_row_can_be_shown_by_a_profile(contracts: list[Contract]) -> None:
    shown = {fault.id for contract in contracts for fault in faults_in(contract, shipped_fault_rows())}
    assert [row.id for row in shipped_fault_rows() if row.id not in shown] == []


def test_few_rows_leave_open_what_they_change() -> None:
    wide = [row.id for row in shipped_fault_rows() if "*" in "".join(row.data.get("may", ()))]
    assert len(wide) <= len(shipped_fault_rows()) // 20


def test_each_entry_on_generated_faults_is_about_a_fault_that_exists(contracts: list[Contract]) -> None:
    made = {fault.id for contract in contracts for fault in generated_faults(contract)}
    unseen = {name for contract in contracts for name in unseen_faults(contract)}
    assert [entry["id"] for entry in generated_entries() if entry["id"] not in made | unseen] == []


# --- what a row may say ---


def test_a_row_becomes_a_fault_of_each_profile_that_has_what_it_breaks(
    tmp_path: Path, contracts: list[Contract]
) -> None:
    rows = read_fault_rows(rows_of(ROW, tmp_path))
    for contract in contracts:
        (fault,) = faults_in(contract, rows)
        assert fault.breaks == ("stream.done-once",)
    logprobs = read_fault_rows(rows_of(ROW.replace("stream.done-once", "completion.logprobs"), tmp_path))
    assert [len(list(faults_in(contract, logprobs))) for contract in contracts] == [1, 0, 0]


def test_effects_are_globs_or_name_their_outcome_and_may_differ_between_profiles(
    tmp_path: Path, contracts: list[Contract]
) -> None:
    text = ROW + "  effects: ['stream.usage-*', {stream.done-last: skipped}]\n"
    text += "  profiles: {openai: {also: [stream.ends], not: [stream.usage-sum]}, kodexa: }\n"
    rows = read_fault_rows(rows_of(text, tmp_path))
    (openai,), (kodexa,), none = (list(faults_in(contract, rows)) for contract in contracts)
    assert openai.effects["stream.done-last"] == kodexa.effects["stream.done-last"] == "skipped"
    assert openai.effects["stream.ends"] == kodexa.effects["stream.usage-sum"] == "broken"
    assert "stream.usage-sum" not in openai.effects
    assert "stream.ends" not in kodexa.effects
    assert none == []


def test_a_row_may_do_several_things_under_one_condition(tmp_path: Path) -> None:
    text = ROW.replace("does: {events.drop: {of: done}}", "does: [{events.drop: {of: done}}, events.azure]")
    rows = read_fault_rows(rows_of(text + "  when: stream and n > 1\n", tmp_path))
    (fault,) = faults_in(shipped_contract("openai"), rows)
    assert [(action.name, action.when) for action in fault.actions] == [
        ("events.drop", "stream and n > 1"),
        ("events.azure", "stream and n > 1"),
    ]


# --- what is refused ---


def test_an_action_that_does_not_exist_is_refused_with_those_that_do(tmp_path: Path) -> None:
    message = refused(ROW.replace("events.drop", "events.lose"), tmp_path)
    assert message.startswith("5: row `stream-end.no-done`: there is no action `events.lose`; there are ")
    assert "events.drop" in message


def test_a_parameter_that_an_action_does_not_take_is_refused(tmp_path: Path) -> None:
    message = refused(ROW.replace("{of: done}", "{what: done}"), tmp_path)
    assert message.startswith("5: row `stream-end.no-done`: `events.drop` does not take these parameters")


def test_a_kind_of_event_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    assert "`sentinel` is not a kind of event" in refused(ROW.replace("of: done", "of: sentinel"), tmp_path)


@pytest.mark.parametrize("text", ["streamed", "n >> 1", "n > many", "stream or plain", "one-in = 0", ""])
def test_a_condition_that_cannot_be_read_is_refused(tmp_path: Path, text: str) -> None:
    message = refused(f"{ROW}  when: '{text}'\n", tmp_path)
    assert message.startswith("7: ")


def test_a_fault_that_breaks_nothing_is_refused(tmp_path: Path) -> None:
    assert "the requirements that it must be caught through" in refused(
        ROW.replace("[stream.done-once]", "[]"), tmp_path
    )


@pytest.mark.parametrize("name", ["variations-of-mine.yaml", "traps-of-mine.yaml"])
def test_an_allowed_variation_that_breaks_something_is_refused(tmp_path: Path, name: str) -> None:
    assert "an allowed variation breaks nothing" in refused(ROW, tmp_path, name)
    text = ROW.replace("breaks: [stream.done-once]", "effects: [stream.done-once]")
    assert "an allowed variation changes an outcome only to" in refused(text, tmp_path, name)
    read_fault_rows(rows_of(ROW.replace("  breaks: [stream.done-once]\n", ""), tmp_path, name))


def test_a_member_that_no_row_has_is_refused(tmp_path: Path) -> None:
    assert "severity" in refused(f"{ROW}  severity: high\n", tmp_path)


def test_two_rows_with_one_id_are_refused_with_both_lines(tmp_path: Path) -> None:
    message = refused(ROW + ROW, tmp_path)
    assert message == "8: row `stream-end.no-done`: two rows have this id (the other is in rows.yaml:2); keep one"


def test_a_profile_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    assert "there is no profile `mistral`" in refused(f"{ROW}  profiles: [mistral]\n", tmp_path)


def test_a_profile_with_none_of_the_broken_requirements_is_refused(tmp_path: Path) -> None:
    text = ROW.replace("stream.done-once", "completion.logprobs") + "  profiles: [loop-health]\n"
    rows = read_fault_rows(rows_of(text, tmp_path))
    with pytest.raises(ContractError, match="loop-health has none of the requirements that the row breaks"):
        list(faults_in(shipped_contract("loop-health"), rows))


# --- combined by name ---


def test_faults_are_combined_by_name_with_further_conditions() -> None:
    hooks = composed(shipped_contract("openai"), ["stream-end.done-missing@n > 1", "message.two-lengths"])
    assert hooks.needs_context
    assert len(hooks.writes) == 1


def test_a_name_that_is_not_known_is_refused_with_the_nearest() -> None:
    with pytest.raises(DeploymentError, match=r"did you mean stream-end\.done-missing"):
        composed(shipped_contract("openai"), ["stream-end.done-mising"])
    with pytest.raises(DeploymentError, match="`streamy` is not a condition"):
        composed(shipped_contract("openai"), ["stream-end.done-missing@streamy"])


def test_every_action_is_described_and_used(contracts: list[Contract]) -> None:
    used = {action.name for contract in contracts for fault in every_fault(contract) for action in fault.actions}
    assert [name for name, function in implementations().items() if not function.__doc__] == []
    assert sorted(set(implementations()) - used) == []
