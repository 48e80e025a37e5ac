"""Sets runs side by side: a run and its baseline, two runs, or many; it works on their records only."""

from conformance.compare.baseline import against, check_baseline
from conformance.compare.errors import CompareError
from conformance.compare.gate import gate, waiver_failures
from conformance.compare.identity import FindingIdentity, identities, identity

__all__ = [
    "CompareError",
    "FindingIdentity",
    "against",
    "check_baseline",
    "gate",
    "identities",
    "identity",
    "waiver_failures",
]
