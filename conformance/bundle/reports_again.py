"""Makes the reports of a run again from its record and its evidence, and compares them byte for byte."""

from __future__ import annotations

import filecmp
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.bundle.sarif_again import comparable_sarif
from conformance.running.finish import written
from conformance.running.run_log import command_for

if TYPE_CHECKING:
    from conformance.report import Results
    from conformance.running.suite_run import SuiteRun


def changed_report(suite_run: SuiteRun, results: Results, folder: Path) -> str | None:
    """The name of the first report in a folder that record and evidence, which have no secrets, do not make."""
    with tempfile.TemporaryDirectory(prefix="chat-conformance-") as made:
        again = written(suite_run, results, command_for(suite_run.run), Path(made), redact=_nothing)
        return next((name for name, path in again.items() if not _same(name, folder / name, path, results)), None)


def _nothing(text: str) -> str:
    return text


def _same(name: str, there: Path, again: Path, results: Results) -> bool:
    if name != "results.sarif":
        return filecmp.cmp(there, again, shallow=False)
    try:
        one, other = comparable_sarif(there.read_bytes(), again.read_bytes(), results)
    except ValueError:
        return False
    return one == other
