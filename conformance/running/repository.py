"""Finds the file of the user's repository that findings are shown at, where results.sarif goes to code scanning."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from conformance.contract import Contract, WrittenAt, own_places
from conformance.report import Places
from conformance.targets import NamedTarget

_OF_THE_WORKFLOW = "GITHUB_WORKFLOW_REF"
"""Where GitHub Actions says which workflow runs: `OWNER/REPOSITORY/PATH@REF`."""


def places_in_repository(contract: Contract, named: NamedTarget | None, environ: Mapping[str, str]) -> Places:
    """Where code scanning shows the finding of a requirement: GitHub refuses a result that is at no file.

    That is the line of a user's own document; otherwise the target in conformance.toml; otherwise, in GitHub Actions,
    the workflow. A file outside of the repository (the checkout of the job, or else the working directory) is no place.

    Raises:
        ContractError: a file of the contract can no longer be read.
    """
    root = Path(environ.get("GITHUB_WORKSPACE") or ".").resolve()
    own = {row_id: _within(root, place) for row_id, place in own_places(contract).items()}
    other = _within(root, _of_target(named)) or _of_workflow(environ)
    return lambda row_id: own.get(row_id) or other


def _of_target(named: NamedTarget | None) -> WrittenAt | None:
    if named is None:
        return None
    file, _, line = named.place.rpartition(":")
    return WrittenAt(file, int(line)) if line.isdecimal() else None


def _of_workflow(environ: Mapping[str, str]) -> WrittenAt | None:
    path = environ.get(_OF_THE_WORKFLOW, "").partition("@")[0]
    repository = environ.get("GITHUB_REPOSITORY", "")
    file = path.removeprefix(f"{repository}/")
    return WrittenAt(file, 1) if repository and file != path else None


def _within(root: Path, place: WrittenAt | None) -> WrittenAt | None:
    if place is None:
        return None
    path = Path(place.file).resolve()
    return WrittenAt(path.relative_to(root).as_posix(), place.line) if path.is_relative_to(root) else None
