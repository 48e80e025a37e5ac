"""Keeps exchanges on disk, without secrets, and reads them back."""

from conformance.evidence.jsonl import FILE_NAME, FORMAT
from conformance.evidence.reader import Evidence, EvidenceError, read_evidence
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
