"""Writes the reports of a lab into one directory."""

from __future__ import annotations

from pathlib import Path

from conformance.lab.matrix import Matrix
from conformance.lab.page import kill_matrix_page
from conformance.lab.record import FILE_NAME, matrix_text
from conformance.report.files import write_atomically

PAGE_NAME = "kill-matrix.html"


def write_matrix(matrix: Matrix, out: Path) -> dict[str, Path]:
    """Write kill-matrix.json and the page that shows it; returns their paths by name.

    Raises:
        OSError: one cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    record = out / FILE_NAME
    write_atomically(record, matrix_text(matrix))
    page = out / PAGE_NAME
    write_atomically(page, kill_matrix_page(matrix))
    return {"Kill matrix": record, "Page": page}
