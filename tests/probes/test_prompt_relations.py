"""Prompts that are others and one thing more."""

from __future__ import annotations

import pytest
from planning_samples import TARGET

from conformance.contract import load_contract
from conformance.probes.conversation_shapes import SEVERAL, SHAPES, shape_probes
from conformance.probes.conversations import described_members, named_roles
from conformance.probes.every_message import MANY_LONGER, MARKED, every_message_probes
from conformance.probes.optional_fields import USUAL_FIELDS, optional_field_probes
from conformance.probes.prompt_relations import words
from conformance.probes.request_body import RequestBody


def test_words_are_distinct_and_a_shorter_text_begins_a_longer_one() -> None:
    short, long = words(8 * 1024), words(64 * 1024)
    assert long.startswith(f"{short} ")
    assert 60_000 < len(long) <= 64 * 1024
    assert len(set(long.split())) == len(long.split())


@pytest.mark.parametrize(
    ("profile", "names", "developer"), [("openai", True, True), ("kodexa", False, True), ("loop-health", False, False)]
)
def test_only_shapes_that_the_contract_describes_are_sent(profile: str, names: bool, developer: bool) -> None:
    contract = load_contract(profile)
    messages = contract.operation.properties["messages"]
    members, roles = described_members(messages), named_roles(messages)
    assert ("name" in members, "developer" in roles) == (names, developer)
    planned = {probe.name: probe for probe in shape_probes(RequestBody(contract, TARGET))}
    assert (f"{SHAPES}names" in planned, f"{SHAPES}developer" in planned) == (names, developer)
    apart = {probe.name for probe in planned[SEVERAL].instead}
    assert f"{SHAPES}two-users" in apart
    assert (f"{SHAPES}named-parts" in apart) is names


def test_each_usual_field_is_a_part_of_the_request_with_all_of_them() -> None:
    probes = {probe.name: probe for probe in optional_field_probes(RequestBody(load_contract("openai"), TARGET))}
    together = probes[USUAL_FIELDS]
    added = together.body.keys() - {"model", "messages", "max_tokens"}
    assert len(together.instead) == len(added) > 10
    assert "service_tier" not in probes[f"{USUAL_FIELDS}-streamed"].body


def test_marks_of_templates_stand_before_text_that_counts() -> None:
    probes = {probe.name: probe for probe in every_message_probes(RequestBody(load_contract("kodexa"), TARGET))}
    marked = probes[MARKED]
    (unmarked,) = marked.instead
    assert unmarked.name == MANY_LONGER
    pairs = zip(marked.body["messages"], unmarked.body["messages"], strict=True)
    differing = [(one["content"], other["content"]) for one, other in pairs if one != other]
    assert len(differing) == 4
    for one, other in differing:
        number, _, rest = one.partition(": ")
        mark, _, question = rest.partition(" ")
        assert f"{number}: {question}" == other
        assert len(question.split()) > 2 * len(mark.split())
