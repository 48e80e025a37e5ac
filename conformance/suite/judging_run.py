"""A run of the suite that judges what was observed before: it sends nothing."""

from __future__ import annotations

from conformance.suite.observations import Observations
from conformance.suite.run import SuiteRun
from conformance.suite.session import Session


class JudgingRun(SuiteRun):
    """A run of the suite over given observations."""

    def __init__(self, session: Session, observations: Observations) -> None:
        super().__init__(session)
        self._seen = observations

    def _observe(self) -> Observations:
        return self._seen
