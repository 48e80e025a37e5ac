"""A deployment that does not change has no regression from one run to the next, and a baseline gets green."""

from __future__ import annotations

import importlib.util
import re
import sys
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType

import pytest

from conformance.report.results import GateStatus

FIELD = Path(__file__).parents[2] / "benchmarks" / "field"


def _loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"field_{name}", FIELD / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


pairs = _loaded("pairs")
RECORDED = {run.name: run for run in pairs.RUNS}


def test_there_are_twenty_pairs_and_more() -> None:
    assert len(RECORDED) + len(pairs.PROFILES) * len(pairs.BY_CHANCE) >= 20


@pytest.mark.slow
@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_deployment_a_day_later_has_no_regression(name: str) -> None:
    pair = pairs.recorded_pair(RECORDED[name])
    assert pair.regressions == ()
    assert pair.gate is GateStatus.PASSED


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("profile", pairs.PROFILES)
def test_a_defect_that_comes_by_chance_is_no_regression(profile: str) -> None:
    pair = pairs.pair_by_chance(profile, "chunk-head.id-differs@one-in = 3")
    broken = [{one.exchange for row in run.requirements for one in row.findings} for run in (pair.first, pair.second)]
    assert broken[0]
    assert broken[0] != broken[1], "the fault did not hit by chance, so this shows nothing"
    assert pair.regressions == ()
    assert pair.gate is GateStatus.PASSED


def test_a_day_later_ids_and_times_are_others_and_nothing_else_is() -> None:
    text = (RECORDED["llama.cpp"].directory / "evidence" / "exchanges.jsonl").read_text(encoding="utf-8")
    later = pairs.a_day_later(text)
    assert len(later) == len(text)
    assert not set(re.findall(r"chatcmpl-[A-Za-z0-9]+", text)) & set(re.findall(r"chatcmpl-[A-Za-z0-9]+", later))
    days = [date.fromisoformat(one) for one in re.findall(r'"started":"([0-9-]{10})', text)]
    assert [one + timedelta(days=1) for one in days] == [
        date.fromisoformat(one) for one in re.findall(r'"started":"([0-9-]{10})', later)
    ]
    same = sum(one == other for one, other in zip(text.splitlines(), later.splitlines(), strict=True))
    assert same < 2
