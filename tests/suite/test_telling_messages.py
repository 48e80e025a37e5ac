"""What findings say: which answer is the odd one, how a limit was counted, and what a deployment itself advises."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance.lab.targets import contract_of, targets_of
from conformance.reference import EmbeddedReference
from conformance.running.opening import open_run
from conformance.running.pytest_session import judge
from conformance.running.run import RunSettings

pytestmark = pytest.mark.network


def findings(folder: Path, does: Any, only: str, when: str | None = None) -> list[tuple[str, str, str]]:
    """The probe, the expected and the actual of what is found of one requirement where the reference does this."""
    row = {"id": "ours.fault", "about": "A fault.", "family": 3, "does": does, "breaks": [only]}
    rows = folder / "rows.yaml"
    rows.write_text(yaml.safe_dump([row if when is None else {**row, "when": when}]), encoding="utf-8")
    fault = next(one for one in targets_of("openai", rows) if one.id == "ours.fault")
    contract = contract_of("openai")
    with EmbeddedReference("openai", hooks=fault.hooks, contract=contract) as reference:
        settings = RunSettings("openai", base_url=reference.base_url, only=(only,), out=folder / "out")
        with open_run(settings, {}, asdict(reference.target)) as opened:
            run, _ = judge(opened)
    names: dict[str | None, str] = {exchange.id: exchange.probe for exchange in run.exchanges}
    return [(names[one.exchange], one.expected, one.actual) for one in run.judgements[only].findings]


ODD = {
    "stream/usage": ({"chunks.set": {"at": "/usage/prompt_tokens", "to": 999, "of": "usage"}}, "usage and n = 1"),
    "completion/one-token": ({"completion.set": {"at": "/usage/prompt_tokens", "to": 999}}, "tokens = 1"),
}


@pytest.mark.parametrize("odd", sorted(ODD))
def test_of_answers_that_disagree_on_the_prompt_the_odd_one_is_named(odd: str, tmp_path: Path) -> None:
    does, when = ODD[odd]
    found = findings(tmp_path, does, "stream.equivalent", when)

    assert [(probe, actual) for probe, _, actual in found] == [(odd, "999")]
    assert "prompt tokens, as in" in found[0][1]


def test_tokens_of_several_choices_are_counted_together(tmp_path: Path) -> None:
    found = findings(
        tmp_path, {"completion.set": {"at": "/usage/completion_tokens", "to": 1}}, "completion.limit-reached", "n = 2"
    )

    (finding,) = [one for one in found if one[0] == "completion/two-choices"]
    expected = "at least 10 tokens, since each of the 2 choices ends with `length` at a limit of 8 tokens"
    assert finding[1:] == (expected, "1 completion tokens in all")


def test_the_advice_at_the_end_of_a_refusal_is_shown(tmp_path: Path) -> None:
    advice = (
        "The request could not be served for a reason that takes a while to explain. " * 2 + "Set the region first."
    )
    does = {"request.refuse": {"at": "/messages", "status": 400, "message": advice}}
    found = findings(tmp_path, does, "request.multibyte-text", "non-ascii")

    assert found
    assert all("Set the region first." in actual for _, _, actual in found)


TOGETHER = {
    "completion.stop-last": ({"stop.first": {"count": 3}}, None, "completion/stop-last"),
    "completion.stop-amid": ({"stop.ends": {}}, None, "completion/stop-amid"),
    "completion.stop": ({"request.ignore": {"fields": ["stop"]}}, "n > 1", "completion/stop-of-choices"),
}


@pytest.mark.parametrize("requirement", TOGETHER)
def test_the_place_of_a_stop_sequence_is_told_from_what_stands_beside_it(requirement: str, tmp_path: Path) -> None:
    does, when, probe = TOGETHER[requirement]
    found = findings(tmp_path, does, requirement, when)
    assert {name for name, _, _ in found} == {probe}


def test_an_instruction_that_is_dropped_is_seen_beside_another(tmp_path: Path) -> None:
    found = findings(tmp_path, {"conversation.read": {"only": "no-developer"}}, "completion.usage-counts-instructions")
    assert [probe for probe, _, _ in found] == ["completion/instructions"]


@pytest.mark.parametrize(
    ("when", "accused"),
    [("non-ascii and success", set()), ("non-ascii and stream and success", {"multibyte", "first-on-connection"})],
)
def test_a_text_that_is_an_error_without_a_stream_is_not_held_against_the_connection(
    when: str, accused: set[str], tmp_path: Path
) -> None:
    found = findings(tmp_path, {"status.set": {"to": 500}}, "stream.connection-reuse", when)

    assert {probe for probe, _, _ in found} == {f"stream/{name}" for name in accused}
