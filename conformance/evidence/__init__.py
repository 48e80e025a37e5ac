"""Keeps exchanges on disk, without secrets, and reads them back."""

from conformance.evidence.jsonl import FILE_NAME, FORMAT, grows_in_json
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
    "grows_in_json",
    "read_evidence",
]
