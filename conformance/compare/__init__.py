"""Compares runs by their records: a run with its baseline, two runs, or many."""

from conformance.compare.baseline import against, check_baseline
from conformance.compare.differences import Change, ChangeKind, Differences, differences
from conformance.compare.identity import FindingIdentity, identities, identity
from conformance.compare.matrix import RunMatrix, matrix, matrix_json
from conformance.compare.pages import diff_page, matrix_page
from conformance.compare.runs import CompareError, NamedRun, read_runs

__all__ = [
    "Change",
    "CompareError",
    "Differences",
    "FindingIdentity",
    "ChangeKind",
    "RunMatrix",
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
