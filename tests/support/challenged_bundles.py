"""A certifier's challenge, the bundle of a run that was made for it, and its parts as the check takes them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certification import Keys
from repacked_bundles import EVIDENCE, in_lines

from conformance.bundle import signing_key
from conformance.bundle.challenge_file import write_challenge
from conformance.bundle.judge_again import Planned, check_plan_again
from conformance.probes import Challenge
from conformance.report import read_results


@dataclass(frozen=True)
class Issued:
    """A challenge, its file, and the bundle of a run that was made for it."""

    challenge: Challenge
    file: Path
    bundle: Path


def written(challenge: Challenge, certifier: Keys, path: Path) -> Path:
    """The file of a challenge."""
    write_challenge(challenge, signing_key(certifier.private), path)
    return path


@dataclass(frozen=True)
class Unpacked:
    """A bundle that was unpacked, and the challenge that its run was made for."""

    challenge: Challenge
    folder: Path

    def check(self, change: Callable[[list[dict[str, Any]]], object], copy: Path) -> Planned:
        """Check a copy of it in which the lines of the evidence were changed."""
        shutil.copytree(self.folder, copy)
        evidence = copy / EVIDENCE
        evidence.write_bytes(in_lines(change)(evidence.read_bytes()))
        return check_plan_again(read_results(copy / "results.json"), copy, self.challenge)
