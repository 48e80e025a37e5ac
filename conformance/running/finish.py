"""From the judgements of a run to its record: waivers, the verdict, and the reports."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import conformance
from conformance.compare import against
from conformance.contract import written_places
from conformance.contract.model import Level, Requirement
from conformance.gate.decision import gate
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
from conformance.report.curl import curl_for
from conformance.running.fingerprint import with_fingerprint
from conformance.running.retry_findings import tries_of, with_tries
from conformance.running.session import Session
from conformance.running.suite_run import SuiteRun
from conformance.suite import Judgement, Outcome
from conformance.suite.keyword_coverage import keyword_coverage
from conformance.wire import Exchange

BY_PYTEST = "pytest's selection of tests"
NO_TEST = "no test of the suite judges this; give its row a `case`, or a reason why it is `excluded`"


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """The record of a run and the reports that were written of it."""

    results: Results
    written: dict[str, Path]
    undecided: tuple[str, ...]
    """Ids of the MUST requirements that were selected and could not be decided."""
    curl: Curl
    """Gives the curl command for an exchange."""


def finish(
    run: SuiteRun,
    *,
    interrupted: bool,
    write: bool,
    selected_by_pytest: bool = False,
    baseline: Results | None = None,
) -> FinishedRun:
    """Make the record of a run, and write its reports where `write` says so.

    `selected_by_pytest` tells that options of pytest may have taken tests away; otherwise all were wanted. `baseline`
    is the record whose findings are known.

    Raises:
        ResultsError: the record would not hold without a word that is a secret.
        OSError: a report cannot be written.
    """
    session = run.session
    run.read_back()
    unjudged = run.unjudged
    judgements = [run.waived(judgement) for judgement in run.judgements.values()]
    selection = " ".join(session.settings.only) or None
    if unjudged and selected_by_pytest:
        selection = selection or BY_PYTEST
    elif not interrupted:
        judgements += [_without_test(row) for row in unjudged]
    # Under a user's pytest no other one can be run; what was tried again is then not told.
    tries = {} if selected_by_pytest else tries_of(run)
    results = with_tries(
        build_results(session.contract, judgements, _facts(run, selection, interrupted=interrupted)), tries
    )
    coverage = keyword_coverage(session.contract, session.target, run.observations, run.tests)
    results = replace(results, keywords=coverage)
    results = with_fingerprint(results, run)
    if baseline is not None:
        results = replace(results, baseline=against(results, baseline))
    results = replace(results, gate=gate(results, session.today))
    credential = session.contract.operation.credential
    curl = partial(curl_for, credential_header=credential.header) if credential else curl_for
    return FinishedRun(
        results=results,
        written=written(run, results, curl, session.settings.out) if write and session.settings.out is not None else {},
        undecided=_undecided(run),
        curl=curl,
    )


def written(run: SuiteRun, results: Results, curl: Curl, directory: Path) -> dict[str, Path]:
    """Write the reports of a run to a directory; gives the path of each by its file name.

    Raises:
        ResultsError: the record would not hold without a word that is a secret.
        OSError: a report cannot be written.
    """
    session = run.session
    redact, timeline = session.redactor.text, timeline_for(run)
    places = written_places(session.contract).get
    return write_reports(results, run.exchanges, directory, redact, curl=curl, timeline=timeline, places=places)


def _undecided(run: SuiteRun) -> tuple[str, ...]:
    judgements = map(run.judgements.get, run.tests)
    undecided = (None, Outcome.INCONCLUSIVE, Outcome.UNTESTED)
    return tuple(
        row_id
        for row_id, judgement in zip(run.tests, judgements, strict=True)
        if (judgement and judgement.outcome) in undecided and _is_must(run, row_id)
    )


def _is_must(run: SuiteRun, row_id: str) -> bool:
    row = run.session.contract.requirement(row_id)
    return row is not None and row.level is Level.MUST and row.scored


def _without_test(row: Requirement) -> Judgement:
    return Judgement(row, Outcome.UNTESTED, (NO_TEST,))


def timeline_for(run: SuiteRun) -> Timeline:
    """Gives the events of a streamed exchange, as the suite read them."""

    def timeline(exchange: Exchange) -> Sequence[TimelineRow]:
        if run.observations is None:
            return reads_timeline(exchange)
        return run.observations.stream_reading(exchange).timeline()

    return timeline


def _release(session: Session) -> ReleaseView | None:
    release = session.release
    if release is None:
        return None
    gone, changed = release.gone(session.contract), release.changed(session.contract)
    return ReleaseView(release.version, release.sha256, gone, changed)


def _facts(run: SuiteRun, selection: str | None, *, interrupted: bool) -> RunFacts:
    session = run.session
    exchanges = run.exchanges
    seen = run.everything
    answers = [exchange.answer for exchange in exchanges if exchange.answer is not None]
    server = next((answer.header("server") for answer in answers if answer.header("server")), None)
    return RunFacts(
        suite_version=conformance.__version__,
        target=target_view(session.target, server),
        tier=session.tier,
        started=session.started,
        duration_s=round(time.monotonic() - session.opened, 3),
        exchanges=ExchangeTotals(
            count=len(exchanges),
            probes=len({exchange.probe for exchange in exchanges}),
            completion_tokens=seen.completion_tokens if seen else 0,
            bytes=sum(len(answer.body) for answer in answers),
        ),
        selection=selection,
        strict=session.settings.strict,
        interrupted="it was interrupted" if interrupted else session.interrupted,
        waivers=session.waivers,
        release=_release(session),
    )
