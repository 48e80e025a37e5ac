"""Sets runs side by side: a run and its baseline, two runs, or many; it works on their records only."""

from conformance.compare.baseline import against, check_baseline
from conformance.compare.diff_page import diff_page
from conformance.compare.differences import Change, Differences, Kind, differences
from conformance.compare.errors import CompareError
from conformance.compare.identity import FindingIdentity, identities, identity
from conformance.compare.matrix import Matrix, matrix, matrix_json
from conformance.compare.matrix_page import matrix_page
from conformance.compare.runs import NamedRun, read_runs

__all__ = [
    "Change",
    "CompareError",
    "Differences",
    "FindingIdentity",
    "Kind",
    "Matrix",
    "NamedRun",
    "against",
    "check_baseline",
    "diff_page",
    "differences",
    "identities",
    "identity",
    "matrix",
    "matrix_json",
    "matrix_page",
    "read_runs",
]
