"""`chat-conformance verify`: checks a certification bundle, judges its evidence again, and compares every outcome."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import conformance
from conformance.bundle import (
    ENVELOPE,
    MANIFEST,
    STATEMENT,
    BundleError,
    KeyFileError,
    check_manifest,
    check_statement,
    public_key,
    read_archive,
    verified_payload,
)
from conformance.bundle.packing import EVIDENCE, REPORTS, REQUIREMENTS
from conformance.terminal.exits import UsageFailure

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from conformance.report import Results

VALID, NOT_VALID = 0, 1
_NEEDED = ("results.json", EVIDENCE, REQUIREMENTS, *REPORTS)


def verify_bundle(path: Path, key_file: Path | None) -> int:
    """Verify the bundle at a path and print the result; returns the exit status.

    Raises:
        UsageFailure: there is no such file, or the key cannot be used.
    """
    try:
        key = None if key_file is None else public_key(key_file)
    except KeyFileError as error:
        raise UsageFailure(str(error)) from error
    if not path.is_file():
        raise UsageFailure(f"{path}: there is no such file; give a bundle that `run --bundle` wrote.")
    with tempfile.TemporaryDirectory(prefix="chat-conformance-") as folder:
        try:
            results, seal = _checked(path, Path(folder), key)
        except BundleError as error:
            click.echo(f"{path} is not valid: {error}")
            return NOT_VALID
    _print_verified(path, results, seal)
    return VALID


def _checked(path: Path, folder: Path, key: Ed25519PublicKey | None) -> tuple[Results, str]:
    """The results of a valid bundle, and what is known about its signature."""
    from conformance.bundle.judge_again import judge_again

    members = read_archive(path, folder)
    manifest = check_manifest(folder, members, (STATEMENT, ENVELOPE))
    statement, seal = _statement(folder, members, key)
    _check_version(manifest)
    _check_members(members)
    results = _results(folder)
    check_statement(statement, results, folder / MANIFEST)
    judge_again(results, folder)
    return results, seal


def _statement(folder: Path, members: tuple[str, ...], key: Ed25519PublicKey | None) -> tuple[str, str]:
    present = [name for name in (STATEMENT, ENVELOPE) if name in members]
    if len(present) != 1:
        raise BundleError(f"it must have either {STATEMENT} or {ENVELOPE}, but has {' and '.join(present) or 'none'}.")
    text = _text(folder / present[0])
    if present[0] == ENVELOPE:
        seal = "signed by the given key" if key else "signed, and without --public-key the signature was not checked"
        return verified_payload(text, key), seal
    if key is not None:
        raise BundleError("it is not signed, but --public-key asks for a signature.")
    return text, "not signed, so it shows what was observed but not who vouches for it"


def _check_version(manifest: Mapping[str, Any]) -> None:
    version = manifest["suite"]["version"]
    if version != conformance.__version__:
        raise BundleError(
            f"it was made by chat-conformance {version}, and this is {conformance.__version__}. Another version may"
            " judge the same evidence differently, so nothing was judged again; verify it with"
            f" chat-conformance=={version}."
        )


def _check_members(members: tuple[str, ...]) -> None:
    for name in _NEEDED:
        if name not in members:
            raise BundleError(f"{name} is missing; every bundle has it.")


def _results(folder: Path) -> Results:
    from conformance.report import ResultsError, read_results

    try:
        return read_results(folder / "results.json")
    except ResultsError as error:
        raise BundleError(f"results.json cannot be used: {_without(folder, error)}") from error


def _without(folder: Path, error: Exception) -> str:
    """The message of an error without the folder that the bundle was unpacked to."""
    return str(error).replace(f"{folder}/", "")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BundleError(f"{path.name} is not UTF-8.") from error


def _print_verified(path: Path, results: Results, seal: str) -> None:
    profile, count = results.profile, len(results.requirements)
    click.echo(f"{path} is valid: no file was changed, and judging its evidence again gives the same outcomes.")
    release = f", scored by release {results.release.version}" if results.release else ""
    click.echo(
        f"It shows a run of {profile.name} {profile.version}{release} against {results.target.base_url}, started"
        f" {results.started}: {count} requirements, {results.exchanges.count} requests."
    )
    click.echo(f"{results.headline}.")
    click.echo(f"It is {seal}.")
