"""How one run is to be done: the settings that the command line or pytest's options give."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from conformance.contract.model import Tier
from conformance.targets import Limits, NamedTarget


@dataclass(frozen=True, slots=True)
class RunSettings:
    """Everything that a run is asked to do.

    Without `base_url` and `replay`, the embedded reference deployment is judged. `only` are ids or globs of
    requirements. `out` is the directory that the run writes to; None writes no report. `resume` says that `out` holds
    an interrupted run, which is to be taken to its end. `baseline` is the record whose findings are known.
    `retry_findings` says how often the requests of a finding are sent again. `release` is the version of the frozen
    requirement set to score by; None scores by all that the profile requires today. `bundle` is the archive that the
    finished run goes into, `sign` the file of the private key that signs it.
    """

    profile: str
    base_url: str | None = None
    named: NamedTarget | None = None
    tier: Tier = Tier.STANDARD
    only: tuple[str, ...] = ()
    out: Path | None = None
    limits: Limits = field(default_factory=Limits)
    waivers: Path | None = None
    replay: Path | None = None
    strict: bool = False
    release: str | None = None
    trust_environment: bool = False
    show_progress: bool = False
    resume: bool = False
    baseline: Path | None = None
    retry_findings: int = 0
    generated: int | None = None
    """Generated requests of each kind at most; as many as the tier has where it is None."""
    bundle: Path | None = None
    sign: Path | None = None
