"""`run --bundle`: puts a finished run into one archive, with a manifest and a statement, signed where asked."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from conformance.bundle import (
    ENVELOPE,
    MANIFEST,
    STATEMENT,
    KeyFileError,
    is_plain,
    manifest_text,
    signed,
    signing_key,
    statement_text,
    write_archive,
)
from conformance.bundle.archive import largest
from conformance.bundle.reports_again import changed_report
from conformance.contract import (
    Contract,
    declared_rows,
    document_path,
    release_path,
    requirement_set,
)
from conformance.evidence import FILE_NAME as EVIDENCE_FILE
from conformance.report import read_results
from conformance.report.quantities import byte_size
from conformance.terminal.exits import UsageFailure

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from conformance.report import Results
    from conformance.running.run import RunSettings
    from conformance.running.suite_run import SuiteRun

EVIDENCE = f"evidence/{EVIDENCE_FILE}"
CONTRACT = "contract"
REQUIREMENTS = f"{CONTRACT}/requirements.json"
REPORTS = (
    *("compliance.html", "junit.xml", "ctrf.json", "results.sarif", "exchanges.har"),
    *("badge.json", "badge.svg"),
)
"""The reports that are made from results and evidence, and so can be made again."""
FORMAT = 1


def bundle_key(settings: RunSettings) -> Ed25519PrivateKey | None:
    """The key that a run's bundle is to be signed with, if one is; before anything is sent.

    Raises:
        UsageFailure: the options do not go together, the key is unusable, or the bundle cannot be written there.
    """
    if settings.bundle is None:
        if settings.sign is not None:
            raise UsageFailure("--sign signs a bundle; give --bundle FILE too.")
        return None
    if settings.replay is not None:
        raise UsageFailure("--bundle is for a live run; leave --replay out.")
    if settings.baseline is not None:
        raise UsageFailure("--bundle is for a run without known findings; leave --baseline out.")
    if settings.bundle.is_dir() or not os.access(settings.bundle.parent, os.W_OK):
        raise UsageFailure(f"{settings.bundle} cannot be written; choose another --bundle.")
    try:
        return None if settings.sign is None else signing_key(settings.sign)
    except KeyFileError as error:
        raise UsageFailure(str(error)) from error


def write_bundle(suite_run: SuiteRun, written: Mapping[str, Path], key: Ed25519PrivateKey | None) -> tuple[str, ...]:
    """Write the bundle of a run; returns what to print about it, in whole sentences.

    Raises:
        UsageFailure: the contract's files have names that are not allowed in a bundle.
        OSError: a file cannot be read, or the bundle not be written.
    """
    run = suite_run.run
    path = run.settings.bundle
    assert path is not None
    evidence = run.evidence_directory / EVIDENCE_FILE
    if not evidence.is_file():
        return (f"No bundle was written to {path}: there is no evidence to put in it.",)
    # The record as it was written: with secrets removed.
    results = read_results(written["results.json"])
    files: dict[str, Path | bytes] = {**written, EVIDENCE: evidence, **_contract_files(run.contract, results)}
    manifest = manifest_text(results.suite_version, files)
    statement = statement_text(results, manifest)
    apart = {STATEMENT: statement} if key is None else {ENVELOPE: signed(statement, key)}
    texts = {MANIFEST: manifest, **apart}
    write_archive(path, {**files, **{name: text.encode() for name, text in texts.items()}})
    changed = changed_report(suite_run, results, written["results.json"].parent)
    return (_made(path, results, is_signed=key is not None), *_doubts(results, changed, files))


def _contract_files(contract: Contract, results: Results) -> Mapping[str, Path | bytes]:
    document = document_path(contract)
    named = {Path(contract.profile.path).name: document}
    rows = declared_rows(contract)
    if rows is not None:
        named[PurePosixPath(os.path.relpath(rows, document.parent)).as_posix()] = rows
    if results.release is not None:
        release = release_path(contract, results.release.version)
        named[_release_name(contract, release)] = release
    for name in named:
        if not is_plain(f"{CONTRACT}/{name}"):
            raise UsageFailure(
                f"{name!r} is not allowed as a name in a bundle; keep the contract's files in one folder, under names"
                " of letters, digits, dots, hyphens and underscores."
            )
    return {
        **{f"{CONTRACT}/{name}": path for name, path in named.items()},
        REQUIREMENTS: _requirements(contract, Path(contract.profile.path).name),
    }


def _release_name(contract: Contract, release: Path) -> str:
    """The name of a release in a bundle, where all files of a contract are in one folder."""
    shipped = not contract.is_own
    return f"{contract.profile.name}-{release.name}" if shipped else release.name


def _requirements(contract: Contract, document: str) -> bytes:
    content = {
        "format": FORMAT,
        "profile": contract.profile.name,
        "document": document,
        "requirements": requirement_set(contract),
        **({"operation": contract.profile.operation} if contract.profile.operation else {}),
    }
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()


def _made(path: Path, results: Results, *, is_signed: bool) -> str:
    signature = "signed" if is_signed else "not signed"
    return f"Bundle: {path}, {signature}, of a run that is {results.verdict.value}: {results.about}."


def _doubts(results: Results, changed: str | None, files: Mapping[str, Path | bytes]) -> tuple[str, ...]:
    """Why the bundle is going to be refused, where that is known already."""
    why = []
    if results.selection:
        why.append("the run was restricted, and shows only a part of the contract")
    if results.interrupted:
        why.append("the run did not finish")
    if changed is not None:
        why.append(f"the key is a word that {changed} needs, and was masked in it; use a key that was made for the run")
    sizes = {name: len(one) if isinstance(one, bytes) else one.stat().st_size for name, one in files.items()}
    why += [
        f"{name} is larger than {byte_size(largest(name))}, the most that is read"
        for name, size in sizes.items()
        if size > largest(name)
    ]
    return tuple(f"This bundle will fail verification: {one}." for one in why)
