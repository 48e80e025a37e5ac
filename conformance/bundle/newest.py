"""Judges the evidence of an unpacked bundle by the newest release, whichever state of the suite made the bundle."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import conformance
from conformance.bundle.errors import BundleError
from conformance.bundle.judge_again import check_planned, judged, opened, requirements_in
from conformance.contract import (
    Contract,
    ContractError,
    load_contract,
    read_release,
    requirement_set,
    shipped_profiles,
    with_release,
)
from conformance.contract.release import releases
from conformance.quoting import one_line
from conformance.report import Results


def check_shipped(results: Results) -> None:
    """Check that a bundle was judged by a contract of the suite.

    Raises:
        BundleError: it was judged by a document of somebody's own.
    """
    if results.profile.name not in shipped_profiles():
        raise BundleError(
            f"it is of the contract {one_line(results.profile.name, 80)}, which is somebody's own; only runs of"
            f" {', '.join(shipped_profiles())} can be set side by side."
        )


def made_elsewhere(results: Results, folder: Path) -> str | None:
    """In which way another state of the suite made a bundle; None where this one may have.

    Raises:
        BundleError: the bundle does not say what its contract required.
    """
    contract = _contract(results.profile.name)
    if results.suite_version != conformance.__version__:
        return f"made by chat-conformance {one_line(results.suite_version, 40)}"
    if results.profile.sha256 != contract.profile.sha256:
        return f"made with another document of {contract.profile.name}"
    try:
        bound = contract if results.release is None else _bound(contract, results.release.version)
    except ContractError:
        return f"scored by a release of {contract.profile.name} that is not here"
    if requirements_in(folder).get("requirements") != requirement_set(bound):
        return f"made with another set of requirements of {contract.profile.name}"
    return None


def newest_release(profile: str) -> str | None:
    """The version of the newest frozen release of a shipped profile, None where there is none."""
    return max(releases(_contract(profile)), key=_order, default=None)


def judged_by_newest(results: Results, folder: Path) -> Results:
    """What the newest release of the profile says of the evidence in a folder.

    Nothing is compared with the record, which may say something else. That the evidence is whole is for
    `check_newest_plan`.

    Raises:
        BundleError: the evidence cannot be judged here.
    """
    with opened(results, folder, newest=_newest(results)) as run:
        return judged(results, run)[1].results


def check_newest_plan(results: Results, folder: Path) -> None:
    """Check that the evidence in a folder is of the whole plan that its profile and tier demand of a run made today.

    Raises:
        BundleError: it is not.
    """
    with opened(results, folder, newest=_newest(results)) as run:
        check_planned(run)


def _newest(results: Results) -> str:
    newest = newest_release(results.profile.name)
    if newest is None:
        raise BundleError(f"there is no frozen release of {results.profile.name} to judge it by.")
    return newest


@cache
def _contract(profile: str) -> Contract:
    return load_contract(profile)


def _bound(contract: Contract, release: str) -> Contract:
    """The contract as a release binds, which decides the levels."""
    return with_release(contract, read_release(contract, release))


def _order(version: str) -> list[tuple[int, str]]:
    """By numbers where there are any: 2026.11.10 comes after 2026.11.9."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"[.-]", version)]
