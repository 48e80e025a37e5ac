"""`chat-conformance soak`: sends a load of valid requests, judges every answer, and says how often what breaks."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conformance.terminal.exits import INCONCLUSIVE, UsageFailure, print_error

if TYPE_CHECKING:
    from conformance.running.run import Run, RunSettings
    from conformance.soak.mixture import Mixture
    from conformance.soak.settings import SoakSettings

EXTRA = "pip install 'chat-conformance[soak]'"
_NEEDED = ("hdrh", "scipy")


@dataclass(frozen=True, slots=True)
class SoakOptions:
    """The options of the command line that a run does not have."""

    users: int
    seconds: float | None
    requests: int | None
    ramp: float | None
    seed: int
    workers: int | None
    scheduler: str | None
    plan_only: bool


def run_soak(run_settings: RunSettings, options: SoakOptions) -> int:
    """Soak a deployment and write what came of it; returns the exit status.

    Raises:
        UsageFailure: what is asked for does not go together, or needs something that is not there.
        ContractError, TargetError: the profile or the target cannot be used.
    """
    from conformance.fleet.engine import FleetError
    from conformance.running.open_files import check_open_files
    from conformance.running.opening import open_run
    from conformance.soak.judging import SoakError

    settings = _settings(run_settings, options)
    _check(settings, options)
    if options.scheduler is None and not options.plan_only:
        check_open_files(settings.run, "--users")
    out = None if options.plan_only else settings.run.out
    try:
        with open_run(replace(settings.run, out=out), os.environ) as run:
            return _plan(run, settings) if options.plan_only else _soak(run, settings, options)
    except FleetError as error:
        raise UsageFailure(str(error)) from error
    except SoakError as error:
        from conformance.terminal.exits import SUITE_BROKE, without_keys

        return print_error(f"{without_keys(str(error))}; it says nothing about the target.", SUITE_BROKE)


def _settings(run_settings: RunSettings, options: SoakOptions) -> SoakSettings:
    from conformance.soak.settings import LONGEST_WITHOUT_TIME, SoakSettings

    if options.seconds is None and options.requests is None:
        raise UsageFailure("give --for, --requests, or both: a soak has an end.")
    seconds = options.seconds if options.seconds is not None else LONGEST_WITHOUT_TIME
    each = -(-options.users // (options.workers or 1))
    short = 0.2 * (options.seconds if options.seconds is not None else 50.0)
    return SoakSettings(
        run=replace(run_settings, limits=replace(run_settings.limits, concurrency=each), preflight=True),
        users=options.users,
        seconds=seconds,
        requests=options.requests,
        ramp=min(short if options.ramp is None else options.ramp, seconds),
        seed=options.seed,
    )


def _check(settings: SoakSettings, options: SoakOptions) -> None:
    """Refuse what cannot be done, before anything is sent.

    Raises:
        UsageFailure: why, and what to do.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageFailure(f"soak needs the extra of its name; install it: {EXTRA}.")
    if options.scheduler is not None and options.workers is not None:
        raise UsageFailure("--workers is about processes of this machine; a cluster has the workers it has.")
    if settings.run.base_url is None and (options.scheduler is not None or (options.workers or 1) > 1):
        raise UsageFailure("the embedded reference is in this process alone; give --base-url for several workers.")


def _prepared(run: Run) -> tuple[Run, str | None]:
    """The run with the dialect of its target, and why there is nothing to soak, as the preflight found out."""
    from conformance.running.preflight import preflight
    from conformance.running.run_time import run_time
    from conformance.soak.mixture import WEIGHTS
    from conformance.wire import Unreachable

    planned = run.plan(WEIGHTS)
    try:
        found = asyncio.run(preflight(run, planned, time=run_time(run, planned)))
    except Unreachable as error:
        return run, run.redactor.text(str(error))
    if found.problem is not None:
        return run, run.redactor.text(found.problem.sentence)
    return replace(run, target=replace(run.target, dialect=found.dialect)), None


def _plan(run: Run, settings: SoakSettings) -> int:
    from conformance.soak.console import plan_text
    from conformance.soak.mixture import mixture_of

    click.echo(plan_text(settings, mixture_of(run, settings.seed, settings.requests)))
    return 0


def _soak(run: Run, settings: SoakSettings, options: SoakOptions) -> int:
    from conformance.report.quantities import counted, duration
    from conformance.soak.console import soak_text
    from conformance.soak.keeping import keep
    from conformance.soak.mixture import mixture_of
    from conformance.soak.record import put_together
    from conformance.soak.spreading import Where, results_of

    assert settings.run.out is not None
    _require_agreement(run, settings, mixture_of(run, settings.seed, settings.requests))
    run, problem = _prepared(run)
    if problem is not None:
        return print_error(problem, INCONCLUSIVE)
    mixture = mixture_of(run, settings.seed, settings.requests)
    most = f", {counted(settings.requests, 'request')} at most" if settings.requests is not None else ""
    click.echo(
        f"Soaking {run.target.base_url}: {counted(settings.users, 'user')} for {duration(settings.seconds)}{most};"
        " Ctrl-C ends it with what there is.",
        err=True,
    )
    where = Where(options.workers or 1, options.scheduler)
    with tempfile.TemporaryDirectory(prefix="chat-conformance-soak-", ignore_cleanup_errors=True) as scratch:
        shares = results_of(settings, where, run, _files(run, options), Path(scratch))
    soaked = put_together(run, settings, mixture, shares)
    click.echo(soak_text(soaked, keep(soaked, settings.run.out)))
    return soaked.status


def _require_agreement(run: Run, settings: SoakSettings, mixture: Mixture) -> None:
    """Require that somebody wants to pay for a dear load, or for one without a bound.

    Raises:
        TargetError: nobody has said so.
    """
    from conformance.running.sending import COSTS_MUCH
    from conformance.targets import TargetError
    from conformance.targets.environment import is_loopback

    if settings.run.may_cost_much or run.target.embedded or is_loopback(run.target.base_url):
        return
    if settings.requests is None:
        raise TargetError(
            f"as many requests as come in {settings.seconds:g} s, of {mixture.mean_tokens:.0f} completion tokens each,"
            " have no bound; give --requests to bound them, or --yes to agree."
        )
    cost = settings.requests * mixture.mean_tokens
    if cost > COSTS_MUCH:
        raise TargetError(f"the load may cost {cost:,.0f} completion tokens at worst; give --yes to agree to that.")


def _files(run: Run, options: SoakOptions) -> Mapping[str, bytes]:
    """The files of a user's own contract that workers elsewhere need."""
    from conformance.fleet.planning import contract_files

    if options.scheduler is None:
        return {}
    return contract_files(run.contract, run.settings.release)
