"""Reads the evidence of an earlier run, and what its header says of that run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.contract import Contract
from conformance.contract.model import Tier
from conformance.evidence import FILE_NAME, Evidence, EvidenceError, read_evidence
from conformance.evidence.bounds import OWN, Bounds
from conformance.moments import moment
from conformance.probes import Challenge, plan_from
from conformance.probes.challenge import challenge_from
from conformance.quoting import as_json, one_line, quoted
from conformance.running.recorded_target import target_from_record
from conformance.targets import Target, TargetError

EVIDENCE = "evidence"
"""The folder, in a run's directory, that the evidence is kept in."""


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A run as its evidence has it; the target without its keys, which are in no file."""

    evidence: Evidence
    target: Target
    tier: Tier
    started: str
    only: tuple[str, ...]
    release: str | None = None
    exclude: tuple[str, ...] = ()
    challenge: Challenge | None = None
    """The certifier's challenge that the run was made for, if it was made for one."""

    seed: int | None = None
    """What its random requests were drawn by, where that was not the usual seed."""

    @property
    def header(self) -> Mapping[str, Any]:
        """The first line of the evidence."""
        return self.evidence.header


def replayed_run(directory: Path, contract: Contract, bounds: Bounds = OWN) -> RecordedRun:
    """The run whose evidence is in a directory, or in the folder for evidence below it.

    Raises:
        EvidenceError: there is none, it is broken, or larger than the bounds allow.
        TargetError: it is of a run of another profile.
    """
    inner = directory / EVIDENCE
    where = inner if inner.is_dir() else directory
    evidence = read_evidence(where, bounds)
    header = evidence.header
    try:
        profile = str(header["profile"]["name"])
        run = RecordedRun(
            evidence=evidence,
            target=target_from_record(header["target"], contract),
            tier=Tier(header["tier"]),
            started=_started(header["started"]),
            only=tuple(map(_text, header["only"])),
            exclude=tuple(map(_text, header.get("exclude", ()))),
            release=None if header.get("release") is None else _text(header["release"]),
            challenge=challenge_from(header["challenge"]) if "challenge" in header else None,
            seed=_seed(header.get("seed")),
        )
        plan_from(header["probes"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EvidenceError(
            f"the header is broken ({_problem(error)}); give evidence as a run wrote it.",
            path=where / FILE_NAME,
            line=1,
        ) from error
    if profile != contract.profile.name:
        raise TargetError(
            f"{where} holds a run of the profile {one_line(profile, 80)}, not {contract.profile.name};"
            " give the profile that it was recorded with."
        )
    return run


def _started(value: Any) -> str:
    text = _text(value)
    if moment(text) is None:
        raise ValueError(f"the start {quoted(text)} is not a date and time with an offset from UTC")
    return text


def _seed(value: Any) -> int | None:
    if value is not None and (type(value) is not int or not 0 <= value < 2**63):
        raise ValueError(f"the seed {as_json(value)} is not a whole number of 63 bits")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{as_json(value)} is not text")
    return value


def _problem(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it has no {one_line(str(error), 80)}"
    return one_line(str(error), 300)
