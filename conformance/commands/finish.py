"""From the judgements of a run to its record: waivers, the verdict, and the reports."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import conformance
from conformance.contract.model import Level
from conformance.evidence import curl_for
from conformance.report import (
    Curl,
    ExchangeTotals,
    Results,
    RunFacts,
    Timeline,
    TimelineRow,
    build_results,
    reads_timeline,
    target_view,
    write_reports,
)
from conformance.suite import Judgement, Outcome
from conformance.suite.run import SuiteRun
from conformance.target import Waiver, load_waivers, waiver_for
from conformance.wire import Exchange


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """The record of a run and the reports that were written of it."""

    results: Results
    written: dict[str, Path]
    undecided: tuple[str, ...]
    """Ids of the MUST requirements that were selected and could not be decided."""
    curl: Curl
    """Gives the curl command for an exchange."""


def finish(run: SuiteRun, *, interrupted: bool, write: bool) -> FinishedRun:
    """Make the record of a run, and write its reports where `write` says so.

    Raises:
        TargetError: the waiver file is unusable.
        OSError: a report cannot be written.
    """
    session = run.session
    waivers = waivers_of(run)
    today = datetime.datetime.now(datetime.UTC).date()
    judgements = [_waived(judgement, waivers, today) for judgement in run.judgements.values()]
    results = build_results(session.contract, judgements, _facts(run, waivers, interrupted=interrupted))
    undecided = tuple(
        one.requirement.id
        for one in judgements
        if one.requirement.level is Level.MUST and one.outcome in {Outcome.INCONCLUSIVE, Outcome.UNTESTED}
    )
    credential = session.contract.operation.credential
    curl = partial(curl_for, credential_header=credential.header) if credential else curl_for
    written: dict[str, Path] = {}
    if write and session.settings.out is not None:
        exchanges = () if run.observations is None else run.observations.exchanges
        written = write_reports(
            results,
            exchanges,
            session.settings.out,
            session.redactor.text,
            curl=curl,
            timeline=timeline_for(run),
        )
    return FinishedRun(results, written, undecided, curl)


def timeline_for(run: SuiteRun) -> Timeline:
    """Gives the events of a streamed exchange, as the suite read them."""

    def timeline(exchange: Exchange) -> Sequence[TimelineRow]:
        if run.observations is None:
            return reads_timeline(exchange)
        return run.observations.stream_reading(exchange).timeline()

    return timeline


def waivers_of(run: SuiteRun) -> tuple[Waiver, ...]:
    """The waivers that the run was given."""
    path = run.session.settings.waivers
    return () if path is None else load_waivers(path, (row.id for row in run.session.contract.requirements))


def _waived(judgement: Judgement, waivers: Iterable[Waiver], today: datetime.date) -> Judgement:
    if judgement.outcome not in {Outcome.FAILED, Outcome.WARNING}:
        return judgement
    waiver = waiver_for(judgement.requirement.id, waivers, today)
    return judgement if waiver is None else replace(judgement, outcome=Outcome.WAIVED, waiver=waiver)


def _facts(run: SuiteRun, waivers: tuple[Waiver, ...], *, interrupted: bool) -> RunFacts:
    session = run.session
    exchanges = () if run.observations is None else run.observations.exchanges
    answers = [exchange.answer for exchange in exchanges if exchange.answer is not None]
    server = next((answer.header("server") for answer in answers if answer.header("server")), None)
    only = session.settings.only
    return RunFacts(
        suite_version=conformance.__version__,
        target=target_view(session.target, server),
        tier=session.tier,
        started=session.started,
        duration_s=round(time.monotonic() - session.opened, 3),
        exchanges=ExchangeTotals(
            count=len(exchanges),
            probes=len({exchange.probe for exchange in exchanges}),
            completion_tokens=0 if run.observations is None else run.observations.completion_tokens,
            bytes=sum(len(answer.body) for answer in answers),
        ),
        selection=" ".join(only) if only else ("pytest's selection of tests" if run.deselected else None),
        strict=session.settings.strict,
        interrupted="it was interrupted" if interrupted else session.interrupted,
        waivers=waivers,
    )
