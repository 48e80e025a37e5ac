"""The mutation of the suite: a test that the lab would not miss is reported as a survivor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from conformance.lab import mutation
from conformance.lab.mutation import SuiteMutation, mutants_of

pytestmark = pytest.mark.lab

TEST = "test_stream.py::test_the_sentinel_comes_once"


@pytest.fixture(autouse=True)
def _one_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutate one test function only, to save time."""
    every = mutation._by_function

    def one(items: Sequence[pytest.Item]) -> Mapping[str, list[pytest.Item]]:
        return {name: own for name, own in every(items).items() if name == TEST}

    monkeypatch.setattr(mutation, "_by_function", one)


def test_a_test_that_faults_need_is_missed() -> None:
    mutants = mutants_of("loop-health")
    assert [(one.test, one.mutation, one.survived) for one in mutants] == [
        (TEST, SuiteMutation.REMOVED, False),
        (TEST, SuiteMutation.INVERTED, False),
    ]


def test_a_test_that_no_fault_needs_survives_its_removal(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: Any) -> Iterator[Any]:
        return iter(())

    monkeypatch.setattr(mutation._EveryMutant, "_candidates", none)
    removed, inverted = mutants_of("loop-health")
    assert removed.survived
    assert inverted.revealed_by == "control"
