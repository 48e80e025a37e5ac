"""The load tier: large bodies, a million choices and bursts, each fault by its own requirement, on the reference."""

from __future__ import annotations

from pathlib import Path

import pytest
from robustness_judge import broken, judge_at, undecided
from shipped_contracts import shipped_contract

from conformance.contract.model import Tier
from conformance.reference import EmbeddedReference
from conformance.reference.faults.actions import FaultAction
from conformance.reference.faults.registry import hooks_with
from conformance.reference.hooks import Hooks
from conformance.suite.expect import Judgement
from conformance.targets.model import Limits

pytestmark = pytest.mark.network

PATIENT = Limits(retries=0, concurrency=64)
LARGE = 1024 * 1024


def judged(hooks: Hooks, out: Path, *only: str) -> dict[str, Judgement]:
    with EmbeddedReference("openai", hooks=hooks, contract=shipped_contract("openai")) as reference:
        found = judge_at(
            reference.base_url,
            out,
            only,
            Tier.LOAD,
            PATIENT,
            CONFORMANCE_API_KEY=reference.api_key,
            CONFORMANCE_MODEL=reference.model,
        )
    return dict(found)


ALL = ("robustness.large-body", "robustness.many-choices", "robustness.burst")


def test_the_reference_withstands_the_load(tmp_path: Path) -> None:
    judgements = judged(Hooks(), tmp_path, *ALL, "robustness.healthy-after-load")
    assert broken(judgements) == set()
    assert undecided(judgements) == {}
    assert judgements["robustness.burst"].exchanges


FAULTS = {
    "7-14-oversize-reset": (hooks_with([FaultAction("body.large", {"size": LARGE})]), {"robustness.large-body"}),
    "7-15-oversize-html": (
        hooks_with([FaultAction("body.large", {"size": LARGE, "how": "page"})]),
        {"robustness.large-body"},
    ),
    # A target may have a limit of its own, such as one megabyte, and refuse with 413.
    "7-16-small-body-limit": (hooks_with([FaultAction("request.largest", {"size": LARGE})]), set()),
    "7-14 an error of the server": (
        hooks_with([FaultAction("request.largest", {"size": LARGE, "status": 500})]),
        {"robustness.large-body"},
    ),
}


@pytest.mark.parametrize(("hooks", "breaks"), FAULTS.values(), ids=FAULTS)
def test_a_large_body_that_is_badly_refused_is_a_finding(hooks: Hooks, breaks: set[str], tmp_path: Path) -> None:
    judgements = judged(hooks, tmp_path, "robustness.large-body")
    assert broken(judgements) == breaks


def test_a_crash_on_a_million_choices_is_a_finding(tmp_path: Path) -> None:
    hooks = hooks_with([FaultAction("request.crash", {"at": "/n", "above": 1000})])
    assert broken(judged(hooks, tmp_path, "robustness.many-choices")) == {"robustness.many-choices"}


def test_errors_in_a_burst_are_a_finding(tmp_path: Path) -> None:
    hooks = hooks_with([FaultAction("load.one-at-a-time", {"refuse": 500})])
    assert broken(judged(hooks, tmp_path, "robustness.burst")) == {"robustness.burst"}


def test_the_large_body_that_brings_a_target_down_is_named(tmp_path: Path) -> None:
    hooks = hooks_with([FaultAction("engine.gone-after", {"text": "    ", "times": 1_500_000})])
    judgements = judged(hooks, tmp_path, "robustness.healthy-after-load")
    assert broken(judgements) == {"robustness.healthy-after-load"}
    assert (
        "the connection of load/body-of-8-mb#1 was the first to break"
        in judgements["robustness.healthy-after-load"].messages[0]
    )
