"""Keeps exchanges on disk, without secrets, and reads them back."""

from __future__ import annotations

from conformance.evidence.curl import curl_command, curl_for
from conformance.evidence.errors import EvidenceError
from conformance.evidence.lines import FILE_NAME, FORMAT
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
    "curl_command",
    "curl_for",
    "read_evidence",
]
