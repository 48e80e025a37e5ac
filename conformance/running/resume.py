"""Checks that a stopped run can be resumed: under the same contract, with the same plan, against the same target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import conformance
from conformance.contract import Contract
from conformance.running.recorded_target import first_difference
from conformance.running.replay import RecordedRun, replayed_run
from conformance.targets import Target, TargetError


def interrupted_run(directory: Path, contract: Contract) -> RecordedRun:
    """The run in a directory, to be resumed under this contract.

    Raises:
        EvidenceError: there is none, or it is broken.
        TargetError: it was of another profile, another state of its document, or another version of the suite; or its
            target was the embedded reference deployment, which ended with it.
    """
    run = replayed_run(directory, contract)
    profile, version = run.header.get("profile"), run.header.get("suite", {}).get("version")
    if run.target.embedded:
        raise TargetError(
            f"{directory} holds a run against the embedded reference deployment, which ended with it; start a new run."
        )
    if version != conformance.__version__:
        raise TargetError(
            f"{directory} holds a run of chat-conformance {version}, and this is {conformance.__version__};"
            " resume it with the version that started it."
        )
    if not isinstance(profile, Mapping) or profile.get("sha256") != contract.profile.sha256:
        raise TargetError(
            f"{directory} holds a run against another version of the document of {contract.profile.name};"
            " start a new run."
        )
    return run


def require_same_target(run: RecordedRun, target: Target, contract: Contract, directory: Path) -> None:
    """Refuse to resume against another target.

    Raises:
        TargetError: it differs; the message names the first thing that does.
    """
    differing = first_difference(run.target, target, contract)
    if differing is not None:
        name, recorded, given = differing
        raise TargetError(
            f"{directory} holds a run against another target: its {name} was {recorded!r}, not {given!r};"
            " give the target that the run was started with."
        )
    if (run.target.other_api_key is None) is not (target.other_api_key is None):
        had = "with" if run.target.other_api_key is not None else "without"
        raise TargetError(f"{directory} holds a run that was started {had} a second tenant's key; resume it {had} one.")


def require_same_plan(run: RecordedRun, planned: Iterable[Mapping[str, Any]], directory: Path) -> None:
    """Refuse to mix two plans in one run's evidence.

    Raises:
        TargetError: the plan differs from the recorded one.
    """
    if list(run.header["probes"]) != list(planned):
        raise TargetError(
            f"{directory} holds a run with other probes than would be sent now; give the options that it was started"
            " with (--generated), use the installation that started it, or start a new run."
        )
