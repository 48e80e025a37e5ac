"""Runs are killed at random moments and resumed, also by two processes at once: nothing is lost, and nothing corrupt.

`benchmarks/hostile/kill_and_resume.py` does the same 30 times with the standard tier.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from kills import Kills

from conformance.reference import EmbeddedReference

pytestmark = [pytest.mark.network, pytest.mark.process, pytest.mark.slow]


@pytest.fixture(scope="module")
def kills() -> Iterator[Kills]:
    with EmbeddedReference("openai", latency=0.05) as reference:
        yield Kills(reference, tier="smoke")


@pytest.mark.parametrize(("seed", "at_once"), [(1, 1), (2, 1), (3, 2), (4, 2)])
def test_a_run_that_was_killed_comes_to_its_end(seed: int, at_once: int, kills: Kills, tmp_path: Path) -> None:
    chance = random.Random(seed)
    kills.killed(tmp_path, chance.randint(1, 7), chance)
    assert list(kills.resumed(tmp_path, at_once)) == []
