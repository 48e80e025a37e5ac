"""From the judgements of a run to its record: waivers, the verdict, and the reports."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import conformance
from conformance.contract import Contract
from conformance.contract.model import Level, Requirement
from conformance.gate.decision import gate
from conformance.moments import moment
from conformance.probes.completions import SMALLEST
from conformance.probes.preflight import PREFLIGHT
from conformance.probes.request_body import RequestBody
from conformance.quoting import one_line
from conformance.report import (
    Curl,
    ExchangeTotals,
    ReleaseView,
    Results,
    RunFacts,
    Timeline,
    TimelineRow,
    build_results,
    reads_timeline,
    target_view,
    write_reports,
)
from conformance.report.results import Fingerprint, Preflight, Tries
from conformance.report.tries import with_tries
from conformance.report.write import Redact
from conformance.running.observed import INTERRUPTED, Observed
from conformance.running.repository import places_in_repository
from conformance.running.run import Run
from conformance.running.run_log import command_for
from conformance.running.suite_run import SuiteRun
from conformance.suite import Judgement, Outcome
from conformance.suite.blocking import blocked_by_setup, with_blockers
from conformance.suite.field_states import field_states
from conformance.suite.fingerprint import target_traits
from conformance.suite.keyword_coverage import keyword_coverage
from conformance.suite.leniency import with_leniency
from conformance.suite.outcome import UNDECIDED
from conformance.suite.selection import restriction
from conformance.targets import Target
from conformance.targets.capabilities import SECOND_TENANT
from conformance.wire import Exchange

BY_PYTEST = "pytest's selection of tests"
_LONGEST_TRAIT = 80
NO_TEST = "no test of the suite judges this; give its row a `case`, or a reason why it is `excluded`"


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """The record of a run and the reports that were written of it."""

    results: Results
    written: dict[str, Path]
    undecided: tuple[str, ...]
    """Ids of the MUST requirements that were selected and could not be decided."""
    curl: Curl
    """Gives the curl command for an exchange, with the names of the variables that this run has its keys in.

    The reports have the usual names: whoever reads them has variables of their own.
    """


def finish(
    suite_run: SuiteRun,
    *,
    interrupted: bool,
    write: bool,
    selected_by_pytest: bool = False,
    tries: Mapping[str, tuple[Tries, tuple[str, ...]]] | None = None,
    baseline: Results | None = None,
) -> FinishedRun:
    """Make the record of a run, and write its reports where `write` says so.

    `selected_by_pytest` says that options of pytest may have deselected tests; otherwise all were wanted. `tries` is
    what trying findings again showed (`Retried.tries`). `baseline` is the record whose findings are known.

    Raises:
        ResultsError: the record would not hold without a word that is a secret.
        OSError: a report cannot be written.
    """
    run = suite_run.run
    unjudged = suite_run.unjudged
    observations = suite_run.observed.observations if suite_run.observed else None
    judgements = with_blockers(suite_run.waived(judgement) for judgement in suite_run.judgements.values())
    judgements = with_leniency(judgements, observations)
    if suite_run.observed is not None and suite_run.observed.problem is not None:
        judgements = blocked_by_setup(judgements)
    if run.settings.require_all:
        judgements = [_demanded(one, run) for one in judgements]
    selection = restriction(run.settings.only, run.settings.exclude)
    if unjudged and selected_by_pytest:
        selection = selection or BY_PYTEST
    elif not interrupted and not suite_run.has_nothing_to_judge:
        judgements += [_without_test(row) for row in unjudged]
    facts = _facts(suite_run, selection, interrupted=interrupted)
    results = with_tries(build_results(run.contract, judgements, facts), tries or {})
    results = replace(
        results,
        keywords=keyword_coverage(run.contract, run.target, observations, suite_run.tests),
        request_fields=field_states(run.contract, _as_spoken(suite_run), observations, judgements),
    )
    results = _with_fingerprint(results, suite_run.observed)
    if baseline is not None:
        from conformance.compare import against

        results = replace(results, baseline=against(results, baseline))
    results = replace(results, gate=gate(results, run.today))
    curl = command_for(run)
    out, named = run.settings.out, run.settings.named
    return FinishedRun(
        results=results,
        written=written(suite_run, results, curl, out) if write and out is not None else {},
        undecided=_undecided(suite_run, results),
        curl=curl if named is None else command_for(run, named.secrets),
    )


def written(
    suite_run: SuiteRun, results: Results, curl: Curl, directory: Path, redact: Redact | None = None
) -> dict[str, Path]:
    """Write the reports of a run to a directory; gives the path of each by its file name.

    `redact` takes secrets out of them in the place of the run's own redactor.

    Raises:
        ResultsError: the record would not hold without a word that is a secret.
        OSError: a report cannot be written.
    """
    run = suite_run.run
    redact, timeline = redact or run.redactor.report, timeline_for(suite_run)
    places = places_in_repository(run.contract, run.settings.named, os.environ)
    return write_reports(results, suite_run.exchanges, directory, redact, curl=curl, timeline=timeline, places=places)


def _undecided(suite_run: SuiteRun, results: Results) -> tuple[str, ...]:
    undecided = {row.id for row in results.requirements if row.outcome in UNDECIDED}
    return tuple(
        row_id for row_id in suite_run.tests if row_id in undecided and _is_must(suite_run.run.contract, row_id)
    )


def _is_must(contract: Contract, row_id: str) -> bool:
    row = contract.requirement(row_id)
    return row is not None and row.level is Level.MUST and row.scored


def _without_test(row: Requirement) -> Judgement:
    return Judgement(row, Outcome.UNTESTED, (NO_TEST,))


def timeline_for(suite_run: SuiteRun) -> Timeline:
    """Gives the events of a streamed exchange, as the suite read them."""

    def timeline(exchange: Exchange) -> Sequence[TimelineRow]:
        if suite_run.observed is None:
            return reads_timeline(exchange)
        return suite_run.observed.observations.stream_reading(exchange).timeline()

    return timeline


def _release(run: Run) -> ReleaseView | None:
    release = run.release
    if release is None:
        return None
    return ReleaseView(release.version, release.sha256, release.gone(run.contract), release.changed(run.contract))


def _facts(suite_run: SuiteRun, selection: str | None, *, interrupted: bool) -> RunFacts:
    run, observed = suite_run.run, suite_run.observed
    exchanges = suite_run.exchanges
    answers = [exchange.answer for exchange in exchanges if exchange.answer is not None]
    server = next((answer.header("server") for answer in answers if answer.header("server")), None)
    return RunFacts(
        suite_version=conformance.__version__,
        target=target_view(run.target, run.contract, server),
        tier=run.tier,
        started=run.started,
        duration_s=round(_duration(run), 3),
        exchanges=ExchangeTotals(
            count=len(exchanges),
            probes=len({exchange.probe for exchange in exchanges}),
            completion_tokens=observed.everything.completion_tokens if observed else 0,
            bytes=sum(len(answer.body) for answer in answers),
        ),
        selection=selection,
        strict=run.settings.strict,
        require_all=run.settings.require_all,
        seed=run.recorded_seed,
        interrupted=INTERRUPTED if interrupted else suite_run.interrupted,
        waivers=run.waivers,
        release=_release(run),
        declared=run.target.unsupported,
        second_tenant=True if run.target.other_api_key is not None else run.target.second_tenant,
        preflight=_preflight(run, observed),
    )


def _duration(run: Run) -> float:
    """Seconds since the run began; one that was resumed began when the stopped one did."""
    began = moment(run.started)
    if run.resumed is None or began is None:
        return time.monotonic() - run.opened
    return max(time.monotonic() - run.opened, (datetime.now(UTC) - began).total_seconds())


def _preflight(run: Run, observed: Observed | None) -> Preflight | None:
    """What the preflight of this run, or of the one that is replayed, found out."""
    if observed is None or observed.dialect is None:
        return None
    dialect = observed.dialect
    first = [one for one in observed.observations.exchanges if one.probe == SMALLEST or one.probe.startswith(PREFLIGHT)]
    return Preflight(
        requests=len(first),
        limit_field=RequestBody(run.contract, replace(run.target, dialect=dialect)).limit_field,
        least_limit=dialect.least_limit,
        thinking=dialect.thinking,
        refused=dialect.refused,
        apart=dialect.apart,
        problem=observed.problem.sentence if observed.problem is not None else None,
    )


def _as_spoken(suite_run: SuiteRun) -> Target:
    """The target with the dialect that the preflight found out."""
    observed, target = suite_run.observed, suite_run.run.target
    return target if observed is None or observed.dialect is None else replace(target, dialect=observed.dialect)


def _demanded(judgement: Judgement, run: Run) -> Judgement:
    """A judgement where all is demanded: what was not configured, or was declared to be missing, is untested."""
    left_out = {SECOND_TENANT, *run.target.unsupported}
    if judgement.outcome is not Outcome.SKIPPED or judgement.lacks not in left_out:
        return judgement
    return replace(judgement, outcome=Outcome.UNTESTED)


def _with_fingerprint(results: Results, observed: Observed | None) -> Results:
    """The record with the target's fingerprint; a change of the target is one more of the verdict's reasons."""
    if observed is None:
        return results
    traits = target_traits(observed.everything)
    changes = tuple(
        f"The target changed while it was judged: its {name} was {_shown(traits.start.get(name))} at the start and"
        f" {_shown(traits.end.get(name))} at the end."
        for name in traits.changes
    )
    found = Fingerprint(traits.start, traits.end, changes)
    return replace(results, fingerprint=found, reasons=(*results.reasons, *changes))


def _shown(value: str | None) -> str:
    return "not given" if value is None else f"{one_line(value, _LONGEST_TRAIT)!r}"
