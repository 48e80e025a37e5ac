"""Makes the record of what clients understood: clients.json's values from a run and a session."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import conformance
from conformance.clients.evidence_of_run import FinishedRun
from conformance.clients.replay_server import FAST
from conformance.clients.session import Session
from conformance.report.client_results import ClientResult, ClientResults, Prediction, ShownScenario

_CONFINED = "Each driver ran in a network of its own, which has nothing in it but the replay server."
_NOT_CONFINED = (
    "This system gave the drivers no network of their own: proxies that are not there keep away the clients that heed"
    " them, and nothing else does."
)


def results_of(
    run: FinishedRun,
    session: Session,
    shown: Sequence[ClientResult],
    *,
    confined: bool,
    predicted: Sequence[Prediction],
) -> ClientResults:
    """The record of a session."""
    results = run.results
    return ClientResults(
        suite_version=conformance.__version__,
        profile=results.profile.name,
        base_url=results.target.base_url,
        started=results.started,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        speed="fast" if session.speed == FAST else f"{session.speed:g}",
        confinement=_CONFINED if confined else _NOT_CONFINED,
        scenarios=tuple(
            ShownScenario(one.id, one.kind, one.exchange.id, one.explains) for one in session.chosen.scenarios
        ),
        clients=tuple(shown),
        left_out=session.chosen.left_out,
        predicted=tuple(predicted),
    )
