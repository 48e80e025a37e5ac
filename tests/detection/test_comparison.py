"""The comparison with the peer counts what it says: faults, false alarms, and what only one side catches."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from compare import OURS, report, sample, score, text
from judges import Found, llm_comply, ours

from conformance.contract.model import Tier
from conformance.lab.targets import LabTarget, selected, targets_of

PEER = "schemathesis, OpenAPI 3.2"


def found(*names: str) -> Found:
    return Found(frozenset(names), 10, 2.0, 1.5)


@pytest.fixture(scope="module")
def targets() -> tuple[LabTarget, ...]:
    """The control and two faults."""
    chosen = selected(targets_of("loop-health"), ["ignores:request.temperature.m*"])
    return chosen[0], *(target for target in chosen if target.fault is not None)


def test_a_finding_in_the_control_catches_no_fault(targets: tuple[LabTarget, ...]) -> None:
    control, first, second = (target.id for target in targets)
    one = score(targets, {control: found("usual"), first: found("usual"), second: found("usual", "new")})

    assert one.caught == {second}
    assert one.false_alarms == {control}
    assert (one.requests, one.seconds, one.cpu) == (30, 6.0, 4.5)


def test_a_fault_that_only_the_peer_catches_is_listed_with_its_findings(targets: tuple[LabTarget, ...]) -> None:
    control, first, second = (target.id for target in targets)
    seen = {
        OURS: {control: found(), first: found("a"), second: found()},
        PEER: {control: found(), first: found(), second: found("ST1")},
    }
    document = report("loop-health", targets, seen)

    assert document["missed_by_us"] == {second: {PEER: ["ST1"]}}
    assert document["caught_by_us_alone"] == [first]
    assert document["judges"][OURS]["missed"] == [second]
    assert f"{second}: " in text(document)


def test_a_sample_has_the_control_and_faults_from_end_to_end() -> None:
    everything = targets_of("loop-health")
    some = sample(everything, 10)

    assert some[0] is everything[0]
    assert len(some) == len(set(some)) == 11
    assert everything.index(some[-1]) > len(everything) * 0.8
    assert sample(everything, 10_000) == tuple(everything)


@pytest.mark.network
@pytest.mark.process
def test_our_judge_finds_a_fault_and_counts_the_requests(targets: tuple[LabTarget, ...]) -> None:
    control, fault = (
        ours(Tier.SMOKE)(target)
        for target in (targets[0], selected(targets_of("loop-health"), ["stream-end.done-missing"])[-1])
    )

    assert control.names == frozenset()
    assert "stream.done-once" in fault.names
    assert 5 <= control.requests <= 15
    assert control.cpu > 0


@pytest.mark.network
@pytest.mark.process
def test_a_judge_that_prints_failed_tests_is_read(tmp_path: Path, targets: tuple[LabTarget, ...]) -> None:
    program = tmp_path / "llm-comply"
    results = [
        {"id": "basic", "status": "passed", "errors": []},
        {"id": "usage", "status": "failed", "errors": ["response.usage is missing"]},
    ]
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps({'results': results})}\nEND\n", "utf-8")
    program.chmod(0o755)

    assert llm_comply(program)(targets[0]).names == {"usage: response.usage is missing"}
