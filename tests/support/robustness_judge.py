"""Judges a deployment in this process by the requirements on robustness and transport alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from raw_reader import KEY, MODEL, Manner, serving

from conformance.contract.model import Tier
from conformance.running.opening import open_run
from conformance.running.pytest_session import judge as judge_run
from conformance.running.run import RunSettings
from conformance.suite.expect import Judgement
from conformance.suite.outcome import Outcome
from conformance.targets.model import Limits

LIMITS = Limits(first_byte_timeout=3.0, idle_timeout=3.0, deadline=6.0, retries=2, concurrency=32)
ONLY = ("robustness.*",)
ENVIRONMENT = {"CONFORMANCE_API_KEY": KEY, "CONFORMANCE_MODEL": MODEL}


def judge(
    manner: Manner, out: Path, only: tuple[str, ...] = ONLY, tier: Tier = Tier.EXHAUSTIVE, limits: Limits = LIMITS
) -> Mapping[str, Judgement]:
    """What a run comes to, by the id of the requirement."""
    with serving(manner) as url:
        return judge_at(url, out, only, tier, limits)


def judge_at(
    url: str, out: Path, only: tuple[str, ...], tier: Tier, limits: Limits = LIMITS, **environment: str
) -> Mapping[str, Judgement]:
    """The same for a deployment that is served already."""
    settings = RunSettings(
        "openai", base_url=url, only=only, out=out, limits=limits, tier=tier, generated=0, may_cost_much=True
    )
    with open_run(settings, {**ENVIRONMENT, **environment}) as opened:
        run, _ = judge_run(opened)
    assert not run.broken
    assert run.judgements
    return run.judgements


def broken(judgements: Mapping[str, Judgement]) -> set[str]:
    """The requirements against which something was found."""
    return {name for name, one in judgements.items() if one.findings}


def undecided(judgements: Mapping[str, Judgement]) -> dict[str, str]:
    """What is neither kept nor broken, nor does not apply: its id and why."""
    fine = (Outcome.PASSED, Outcome.SKIPPED)
    return {name: one.messages[0] for name, one in judgements.items() if one.outcome not in fine and not one.findings}
