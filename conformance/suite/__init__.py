"""The suite: plain pytest modules, one per section of the contract, and what they judge with."""

from conformance.suite.expect import CannotTell, DoesNotApply, Expect, Judgement, NotSent, NotTestable
from conformance.suite.outcome import Finding, Outcome, Verdict

__all__ = [
    "CannotTell",
    "DoesNotApply",
    "Expect",
    "Finding",
    "Judgement",
    "NotSent",
    "NotTestable",
    "Outcome",
    "Verdict",
]
