"""Certification bundles: a run in one archive with a manifest and a signed statement. Reading trusts nothing in it."""

from __future__ import annotations

from conformance.bundle.archive import is_plain, read_archive, write_archive
from conformance.bundle.errors import BundleError, ChallengeError, KeyFileError
from conformance.bundle.manifest import MANIFEST, check_manifest, manifest_text
from conformance.bundle.signature import (
    ENVELOPE,
    check_signed_by,
    fingerprint,
    public_key,
    signed,
    signing_key,
    verified_payload,
)
from conformance.bundle.statement import STATEMENT, check_statement, statement_text

__all__ = [
    "ENVELOPE",
    "MANIFEST",
    "STATEMENT",
    "BundleError",
    "ChallengeError",
    "KeyFileError",
    "check_manifest",
    "check_signed_by",
    "check_statement",
    "fingerprint",
    "is_plain",
    "manifest_text",
    "public_key",
    "read_archive",
    "signed",
    "signing_key",
    "statement_text",
    "verified_payload",
    "write_archive",
]
