"""`chat-conformance badge`: writes the badge of a run from its results.json, or of a certificate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from conformance.strict_json import JsonError, load


def write_badge(path: Path, out: Path | None, public_key: Path | None = None, revocations: Sequence[Path] = ()) -> int:
    """Write badge.json and badge.svg, beside the record or certificate or in `out`; returns the exit status.

    Raises:
        ResultsError: the record cannot be used.
        UsageFailure: the certificate, or the key, cannot be used.
        OSError: a file cannot be written.
    """
    from conformance.report import write_atomically

    record = path / "results.json" if path.is_dir() else path
    made = _of_a_certificate(record, public_key, revocations) if _is_envelope(record) else _of_a_run(record)
    folder = record.parent if out is None else out
    for name, text in made.items():
        write_atomically(folder / name, text)
        click.echo(str(folder / name))
    return 0


def _is_envelope(path: Path) -> bool:
    """Whether a file is a signed envelope, as certificates are."""
    from conformance.contract.regular_files import UnreadableError, read_regular_file

    try:
        read = load(read_regular_file(path, 8 * 1024 * 1024))
    except (OSError, UnreadableError, JsonError):
        return False
    return isinstance(read, Mapping) and "payloadType" in read


def _of_a_run(record: Path) -> dict[str, str]:
    from conformance.report import badge_json, badge_svg, read_results

    read = read_results(record)
    return {"badge.json": badge_json(read), "badge.svg": badge_svg(read)}


def _of_a_certificate(path: Path, key_file: Path | None, revocations: Sequence[Path]) -> dict[str, str]:
    from conformance.bundle import KeyFileError, public_key
    from conformance.certificates import CertificateError, read_certificate, revocations_in, standing
    from conformance.certificates.badge import badge_files
    from conformance.terminal.exits import UsageFailure

    now = datetime.now(UTC)
    try:
        key = None if key_file is None else public_key(key_file)
        signed = read_certificate(path, key)
    except (CertificateError, KeyFileError) as error:
        raise UsageFailure(str(error)) from error
    revocation = revocations_in((path.parent, *revocations), key).of(signed)
    return badge_files(standing(signed.certificate, revocation, now), now)
