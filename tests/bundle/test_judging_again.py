"""Judging the evidence of a run again gives its results.json, but for times: with faults of every kind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import judge

from conformance.bundle.judge_again import same_but_for_masks
from conformance.compare.record_differences import record_differences
from conformance.lab.observing import LIMITS, WAITING_LIMITS
from conformance.lab.targets import LabTarget, contract_of, targets_of
from conformance.reference import EmbeddedReference


def chosen(profile: str, most: int) -> Iterator[Any]:
    """The deployment without a fault, and faults from all over the catalogue: of rows, of schema keywords, and one
    that has to be waited for.
    """
    control, *faults = targets_of(profile)
    quick = [target for target in faults if not target.waits]
    by_kind = [
        [target for target in quick if ":" not in target.id],
        [target for target in quick if ":" in target.id],
        [target for target in faults if target.waits][:1],
    ]
    for target in (control, *(one for kind in by_kind for one in kind[:: len(kind) // most + 1])):
        yield pytest.param(target, id=f"{profile}-{target.id}")


@pytest.fixture(autouse=True)
def _no_variables_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    import os  # noqa: PLC0415 - as elsewhere, a test's environment is its own

    for name in [name for name in os.environ if name.startswith("CONFORMANCE_")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize("target", [*chosen("openai", 6), *chosen("kodexa", 2)])
def test_evidence_judged_again_gives_the_same_record(
    target: LabTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = contract_of(target.profile)
    limits = WAITING_LIMITS if target.waits else LIMITS
    with EmbeddedReference(target.profile, hooks=target.hooks, contract=contract) as reference:
        for name, value in {
            "API_KEY": reference.api_key,
            "MODEL": reference.model,
            "ORG_ID": reference.org_id,
            "OTHER_API_KEY": reference.other_api_key,
            "OTHER_ORG_ID": reference.other_org_id,
        }.items():
            if value:
                monkeypatch.setenv(f"CONFORMANCE_{name}", value)
        live = judge(tmp_path / "live", target.profile, base_url=reference.base_url, limits=limits)
    again = judge(tmp_path / "again", target.profile, replay=tmp_path / "live")
    assert list(record_differences(live.document, again.document)) == []
    assert again.status == live.status


def test_a_difference_is_found(tmp_path: Path) -> None:
    live = judge(tmp_path / "live", "loop-health")
    other = json.loads(json.dumps(live.document))
    other["requirements"][3]["findings"] = [{"exchange": None, "expected": "a", "actual": "b"}]
    other["requirements"][5]["outcome"] = "inconclusive"
    other["requirements"].pop()
    other["verdict"] = "inconclusive"
    told = list(record_differences(live.document, other))
    names = [row["id"] for row in live.document["requirements"]]
    assert told[0].startswith(f"{names[3]}: findings in results.json is not what")
    assert told[1].startswith(f"{names[5]}: results.json says ")
    assert told[2] == f"{names[-1]}: judging the evidence again does not give it."
    assert told[3] == ('results.json says verdict "conformant", and judging the evidence again gives "inconclusive".')


@pytest.mark.parametrize(
    ("told", "again", "same"),
    [
        (b"the key is *****.", b"the key is EMPTY.", True),
        (b"the key is EMPTY.", b"the key is EMPTY.", True),
        (b"the key is EMPTY.", b"the key is *****.", False),
        (b"the key is ****.", b"the key is EMPTY.", False),
        (b"the key is full!", b"the key is empty", False),
    ],
)
def test_a_report_may_be_masked_more_than_it_is_when_it_is_made_again(told: bytes, again: bytes, same: bool) -> None:
    assert same_but_for_masks(told, again) is same
