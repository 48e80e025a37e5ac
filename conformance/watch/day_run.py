"""Makes the run of a day: plans its turn, judges as a fleet's worker does, and keeps record and bundle in a folder."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Final

from conformance.contract.model import Tier
from conformance.fleet.judging import judge_task, run_settings_here
from conformance.fleet.task import BUNDLE, Task
from conformance.report import Results, read_results, write_atomically
from conformance.running.run import RunSettings
from conformance.strict_json import JsonError, load
from conformance.watch.costs import Costs, costs_of
from conformance.watch.entry import Choice, Entry, choice_from, entry_of
from conformance.watch.errors import WatchError
from conformance.watch.turns import NO_BUDGET, Budget, Turns, turns_of

RUNS: Final = "runs"
_RESULTS: Final = "results.json"
_CHOICE: Final = "choice.json"
_KEPT: Final = (_RESULTS, "compliance.html")


def plan_turns(task: Task, budget: Budget, environ: Mapping[str, str], *, costs_matter: bool = True) -> Turns:
    """What is judged by turns, within the budget of a day; sends nothing.

    Without a budget, nothing has to be planned, unless somebody wants to know the costs.

    Raises:
        WatchError: the budget is not enough for anything, or the suite broke.
        ContractError, TargetError: the target cannot be judged as it is configured.
    """
    if budget == NO_BUDGET and not costs_matter:
        return Turns((Choice(task.tier.value, why="no budget is set, so it is the whole tier every day"),))
    with run_settings_here(task, environ) as (settings, found):
        wanted = costs_of(settings, found, task.tier)
        if budget.fits(wanted.whole) or task.tier is Tier.SMOKE:
            return turns_of(wanted, None, budget)
        return turns_of(wanted, _smoke(settings, found), budget)


def _smoke(settings: RunSettings, environ: Mapping[str, str]) -> Costs:
    return costs_of(settings, environ, Tier.SMOKE)


def judge_day(task: Task, choice: Choice, budget: Budget, folder: Path, day: date) -> Path:
    """Make the run of a day, and keep it; returns its folder, which is there as a whole or not at all.

    Raises:
        WatchError: there is no record, for a reason that the message names.
        OSError: a file cannot be written.
    """
    outcome = judge_task(_of_the_day(task, choice, budget))
    if outcome.verdict is None or outcome.interrupted:
        raise WatchError(outcome.problem or "the run was interrupted, and is not in the history.", outcome.status)
    place = folder / RUNS / f"{day.isoformat()}-{choice.tier}"
    part = place.with_name(f".{place.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for name, content in _kept(outcome.files).items():
        write_atomically(part / name, content)
    write_atomically(part / _CHOICE, json.dumps(asdict(choice), indent=1) + "\n")
    shutil.rmtree(place, ignore_errors=True)  # of a run that no line names
    part.replace(place)
    return place


def _of_the_day(task: Task, choice: Choice, budget: Budget) -> Task:
    limits = task.settings.limits
    spared = Costs(task.tier, {}, {}).preflight
    left = budget.less(spared.requests, spared.tokens)
    bounded = replace(
        limits,
        max_requests=_least(limits.max_requests, left.requests),
        max_completion_tokens=_least(limits.max_completion_tokens, left.tokens),
    )
    settings = replace(task.settings, tier=Tier(choice.tier), only=choice.only, limits=bounded)
    return replace(task, settings=settings)


def _least(*bounds: int | None) -> int | None:
    return min((one for one in bounds if one is not None), default=None)


def _kept(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """What is kept of a run: its bundle, which has the evidence, and record and page beside it."""
    if BUNDLE not in files:
        return {name: zlib.decompress(content) for name, content in files.items() if name in _KEPT}
    with zipfile.ZipFile(io.BytesIO(files[BUNDLE])) as bundle:
        return {BUNDLE: files[BUNDLE], **{name: bundle.read(name) for name in _KEPT}}


def entry_of_run(place: Path, day: date, program: str) -> tuple[Entry, Results]:
    """The line about a run that was kept, and its record.

    Raises:
        ResultsError: the record cannot be read.
        WatchError: the folder is none of ours.
    """
    results = read_results(place / _RESULTS)
    try:
        choice = choice_from(load((place / _CHOICE).read_bytes()))
    except (OSError, JsonError, TypeError, KeyError) as error:
        raise WatchError(f"{place} is not a run of a watch; move it away.") from error
    return entry_of(results, day, f"{RUNS}/{place.name}", choice, program), results


def unlisted_run(folder: Path, day: date, entries: Iterable[Entry]) -> Path | None:
    """The run of a day that was kept and, since something crashed, is not in the history."""
    listed = {entry.run for entry in entries}
    found = sorted((folder / RUNS).glob(f"{day.isoformat()}-*")) if (folder / RUNS).is_dir() else []
    return next((one for one in found if f"{RUNS}/{one.name}" not in listed and (one / _CHOICE).is_file()), None)
