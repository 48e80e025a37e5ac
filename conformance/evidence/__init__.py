"""Keeps exchanges on disk, without secrets, and reads them back."""

from __future__ import annotations

from conformance.evidence.errors import EvidenceError
from conformance.evidence.jsonl import FILE_NAME, FORMAT
from conformance.evidence.reader import Evidence, read_evidence
from conformance.evidence.redaction import Redactor
from conformance.evidence.writer import EvidenceWriter

__all__ = [
    "FILE_NAME",
    "FORMAT",
    "Evidence",
    "EvidenceError",
    "EvidenceWriter",
    "Redactor",
    "read_evidence",
]
