"""Writes what a soak came to: its record, its page, and the evidence of its findings, without secrets."""

from __future__ import annotations

import json
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from conformance.evidence import FILE_NAME, EvidenceWriter, read_evidence
from conformance.report import ResultsError
from conformance.report.files import write_atomically
from conformance.running.run_log import command_for
from conformance.soak.page import PAGE, soak_page
from conformance.soak.record import RECORD, Soaked, record_of
from conformance.soak.sharing import header_of
from conformance.wire import Exchange

EVIDENCE: Final = "evidence"


def keep(soaked: Soaked, out: Path) -> dict[str, str]:
    """Write everything to a folder; gives the path of each by what it is.

    Raises:
        ResultsError: the record would not hold without a word that is a secret.
        EvidenceError, OSError: a file cannot be written.
    """
    run = soaked.run
    commands = _keep_evidence(soaked, out / EVIDENCE)
    text = run.redactor.report(json.dumps(record_of(soaked), indent=1, ensure_ascii=True) + "\n")
    try:
        record = json.loads(text)
    except ValueError as error:
        raise ResultsError(
            f"{RECORD}: cannot be written, because a secret of the target is a word that the file itself needs; use a"
            " key that is not such a word."
        ) from error
    write_atomically(out / RECORD, text)
    write_atomically(out / PAGE, soak_page(record, commands, run.redactor.report))
    return {"Record": str(out / RECORD), "Page": str(out / PAGE), "Evidence": str(out / EVIDENCE / FILE_NAME)}


def _keep_evidence(soaked: Soaked, folder: Path) -> dict[str, str]:
    """Write the exchanges of the findings that are named; gives the command that sends each request again."""
    run, curl = soaked.run, command_for(soaked.run)
    named = {one.exchange for counted in soaked.tally.requirements.values() for one in counted.findings}
    commands = {}
    with EvidenceWriter(folder, run.redactor, header_of(run, soaked.mixture)) as writer:
        for exchange in _exchanges(soaked):
            if exchange.id in named:
                commands[exchange.id] = curl(writer.append(exchange))
        writer.finish(interrupted=soaked.ended is not None)
    return commands


def _exchanges(soaked: Soaked) -> Iterator[Exchange]:
    for share in soaked.shares:
        if share.evidence:
            with tempfile.TemporaryDirectory(prefix="chat-conformance-soak-") as scratch:
                (Path(scratch) / FILE_NAME).write_bytes(zlib.decompress(share.evidence))
                yield from read_evidence(Path(scratch)).exchanges
