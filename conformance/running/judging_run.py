"""A run of the suite that judges what was observed before: it sends nothing."""

from __future__ import annotations

from conformance.running.session import Session
from conformance.running.suite_run import SuiteRun
from conformance.suite.observations import Observations


class JudgingRun(SuiteRun):
    """A run of the suite over given observations."""

    def __init__(self, session: Session, observations: Observations) -> None:
        super().__init__(session)
        self._seen = observations

    def _observe(self) -> Observations:
        return self._seen
