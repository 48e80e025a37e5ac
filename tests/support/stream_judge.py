"""Judges a deployment in this process, by the requirements on streams alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from raw_deployment import KEY, MODEL, Deployment, serving

from conformance.contract.model import Tier
from conformance.lab.targets import contract_of
from conformance.running.opening import collecting, open_run
from conformance.running.pytest_session import run_pytest
from conformance.running.run import RunSettings
from conformance.running.sending import observe
from conformance.running.suite_run import SuiteRun
from conformance.suite.expect import Judgement
from conformance.suite.outcome import Outcome
from conformance.targets.model import Limits

PATIENT = Limits(first_byte_timeout=10.0, idle_timeout=10.0, deadline=20.0, retries=0, concurrency=32)
QUICK = replace(PATIENT, idle_timeout=0.6)
"""For streams that fall silent: the run waits for each as long as this."""
ALL_BUT_THE_SCHEMA = ("stream.[!c]*", "stream.created*", "stream.content*")
"""Half of the requirements on streams; for what cannot touch the schema of a chunk."""
WAITING = ("stream.own-answer",)
"""What sends requests of every kind, of which one takes two seconds; for what cannot mix up answers."""
ENVIRONMENT = {"CONFORMANCE_API_KEY": KEY, "CONFORMANCE_MODEL": MODEL}


def judge(
    deployment: Deployment, out: Path, only: tuple[str, ...] = ("stream.*",), limits: Limits = PATIENT, **settings: Any
) -> Mapping[str, Judgement]:
    """What a run comes to, by the id of the requirement.

    Its tests are collected once for all runs with the same selection, and called directly, as the lab does it.
    """
    collected = _collected(only, settings.get("exclude", ()), settings.get("tier", Tier.STANDARD))
    suite_run = collected.suite_run
    with serving(deployment) as served:
        run_settings = RunSettings(
            profile="openai", base_url=served.base_url, only=only, out=out, limits=limits, **settings
        )
        with open_run(run_settings, ENVIRONMENT) as opened:
            observed = observe(opened, suite_run.needs)
            dialect = observed.dialect or opened.target.dialect
            run = replace(opened, target=replace(opened.target, dialect=dialect))
            suite_run.judge(run, observed, collected.items, collected.config)
    assert not suite_run.has_nothing_to_judge
    assert not suite_run.broken
    assert suite_run.judgements
    return suite_run.judgements


@dataclass
class _Collected:
    """The tests of a selection, which pytest has collected and not run."""

    suite_run: SuiteRun

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.items, self.config = session.items, session.config
        return True


@cache
def _collected(only: tuple[str, ...], exclude: tuple[str, ...], tier: Tier) -> _Collected:
    contract = contract_of("openai")
    run = collecting(contract, "openai", tier)
    collected = _Collected(SuiteRun(replace(run, settings=replace(run.settings, only=only, exclude=exclude))))
    ended = run_pytest(collected.suite_run, (), collected)
    assert not ended.failed, ended.printed
    assert collected.items
    return collected


def broken(judgements: Mapping[str, Judgement]) -> set[str]:
    """The requirements against which something was found; those of a chunk's schema count as one."""
    return {_short(name) for name, one in judgements.items() if one.findings}


def troubled(judgements: Mapping[str, Judgement]) -> dict[str, str]:
    """Whatever is not as it is with a good deployment, without those of `broken`: its id and its first message."""
    fine = (Outcome.PASSED, Outcome.SKIPPED)
    return {name: one.messages[0] for name, one in judgements.items() if one.outcome not in fine and not one.findings}


def _short(name: str) -> str:
    return "stream.chunk.*" if name.startswith("stream.chunk.") else name
