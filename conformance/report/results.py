"""The typed view of results.json: what a run found about every requirement of the contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from conformance.contract.model import Level, Section, Source, Tier
from conformance.suite.outcome import Finding, KeywordCoverage, Outcome, RequestField, Verdict, Waiver

Counts = Mapping[str, Mapping[Outcome, int]]
"""How many requirements have which outcome, by level or by section; outcomes that do not occur are left out."""


@dataclass(frozen=True, slots=True)
class ProfileView:
    """Which contract was judged against. `sha256` is the digest of its OpenAPI document."""

    name: str
    title: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ReleaseView:
    """Which frozen requirement set was scored by: its version and the digest of its file.

    `gone` are the ids that it requires and this version of the suite no longer judges; `changed` are those whose words,
    or whose source, have changed since, and which are judged as they are now.
    """

    version: str
    sha256: str
    gone: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TargetView:
    """The deployment that was judged, without any secret. `server` is the Server header field of its first answer."""

    base_url: str
    name: str | None = None
    embedded: bool = False
    model: str | None = None
    server: str | None = None
    parameters: Mapping[str, str | None] = field(default_factory=dict, hash=False)
    """The parts of the path that an operator configures, by their keys; None where a contract does not have one."""


@dataclass(frozen=True, slots=True)
class ExchangeTotals:
    """What the run cost: requests (retries included), probes, completion tokens reported, body bytes received."""

    count: int = 0
    probes: int = 0
    completion_tokens: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Tries:
    """How often a requirement was judged, each time by requests of its own, and how often it was broken."""

    broken: int
    of: int

    @property
    def flaky(self) -> bool:
        """Whether it was broken in some tries only."""
        return 0 < self.broken < self.of


class GateStatus(StrEnum):
    """Whether a run lets the deployment through."""

    PASSED = "passed"
    FAILED = "failed"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Gate:
    """What a run means for the pipeline that runs it, beside the verdict on the target.

    The two differ if findings are known from a baseline, or if a waiver has expired or is no longer needed; `reasons`
    says so in whole sentences.
    """

    status: GateStatus
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AgainstBaseline:
    """The findings of a run beside those of an earlier one, by the ids of their requirements.

    `known` are requirements that the baseline has broken, too, and in no other way; `new` those that are broken and
    not known; `fixed` those with a finding in the baseline that is gone; `undecided` the MUST requirements that neither
    run decided. `started` and `base_url` are the baseline's.
    """

    started: str
    base_url: str
    known: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What identifies the target at the start and at the end of a run: traits by name, such as `server` or `model`.

    `changes` says in whole sentences what had changed by the end.
    """

    start: Mapping[str, str] = field(default_factory=dict, hash=False)
    end: Mapping[str, str] = field(default_factory=dict, hash=False)
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """What a verdict leaves out, beside its profile, release and tier.

    `without` are the capabilities that the target lacks: by its own clear refusal, or by declaration. `remarks` are
    what else is true of all that was judged (`one tenant`, `limits of 16 tokens and more`). `not_configured` is what
    the operator did not configure, so that nothing about it was judged.
    """

    without: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    not_configured: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preflight:
    """What the first requests of a run found out, so that the others could be sent as the target takes them.

    `limit_field` limits the tokens of a completion, `least_limit` is the least value that is taken, and `thinking` how
    many tokens were added to limits for a model that thinks before its first word. `refused` are optional fields that
    the target clearly refuses, `apart` those that it takes apart and refuses together. `problem` is the sentence on a
    setup that cannot be judged.
    """

    requests: int = 0
    limit_field: str | None = None
    least_limit: int = 1
    thinking: int = 0
    refused: tuple[str, ...] = ()
    apart: tuple[tuple[str, ...], ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class RequirementResult:
    """One requirement and its outcome.

    `pointer` is the schema keyword that it was derived from (`request#/properties/n/minimum`), if it was. `exchanges`
    are the ids of the exchanges that it was judged by, `messages` whole sentences for people. `waiver` is set if the
    outcome is `waived`, `tries` if findings were tried again. What is not `scored` is newer than the release that is
    scored by, and is only reported.
    """

    id: str
    level: Level
    section: Section
    tier: Tier
    statement: str
    source: Source
    digest: str
    outcome: Outcome
    pointer: str | None = None
    messages: tuple[str, ...] = ()
    exchanges: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    waiver: Waiver | None = None
    scored: bool = True
    tries: Tries | None = None
    blocked_by: str | None = None
    """The requirement that blocks it, if the outcome is `blocked`."""
    lacks: str | None = None
    """The capability that the target lacks, if that is why it is `skipped`, or `untested` since all is demanded."""
    leniency: bool = False
    """Whether it is broken only by serving what the contract's schema forbids."""


@dataclass(frozen=True, slots=True)
class Omission:
    """A requirement that the run did not judge, and why: it cannot be observed, or belongs to a larger tier."""

    id: str
    level: Level
    section: Section
    statement: str
    reason: str


@dataclass(frozen=True, slots=True)
class Results:
    """The one record of a run.

    `started` is ISO 8601 in UTC, `duration_s` in seconds. `selection` is the user's restriction of the run
    (`--only`, `-k`), `interrupted` the reason why it did not finish. `excluded` cannot be observed from outside, and
    `beyond_tier` is left to a larger tier.
    """

    suite_version: str
    profile: ProfileView
    target: TargetView
    tier: Tier
    started: str
    duration_s: float
    verdict: Verdict
    reasons: tuple[str, ...]
    requirements: tuple[RequirementResult, ...]
    exchanges: ExchangeTotals
    selection: str | None = None
    strict: bool = False
    require_all: bool = False
    """Whether what was not configured, or declared to be missing, counts as not tested."""
    replayed: bool = False
    seed: int | None = None
    """What random requests were drawn by; None where that follows from a challenge, or in an earlier record."""
    interrupted: str | None = None
    excluded: tuple[Omission, ...] = ()
    beyond_tier: tuple[Omission, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    release: ReleaseView | None = None
    gate: Gate | None = None
    baseline: AgainstBaseline | None = None
    fingerprint: Fingerprint | None = None
    scope: Scope = Scope()
    preflight: Preflight | None = None
    """None where no preflight was made, or in a record of format 1 or 2."""
    request_fields: tuple[RequestField, ...] = ()
    """The optional fields of the request, with what the target makes of each; empty in an earlier record."""
    keywords: tuple[KeywordCoverage, ...] = ()
    """The keywords of the request, with what was decided on each; empty in a record of format 1."""

    @property
    def contract(self) -> str:
        """What was judged by: the profile with the release that it is scored by, or else with its own version."""
        if self.release is None:
            return f"{self.profile.name} {self.profile.version}"
        return f"{self.profile.name}, release {self.release.version}"

    def known(self, row_id: str) -> bool:
        """Whether a requirement is broken as it was in the baseline; False in a run without one."""
        return self.baseline is not None and row_id in self.baseline.known

    def undecided_before(self, row_id: str) -> bool:
        """Whether a requirement is undecided, as it was in the baseline; False in a run without one."""
        return self.baseline is not None and row_id in self.baseline.undecided

    def left_out(self, row: RequirementResult) -> bool:
        """Whether a requirement was not judged because the run was restricted to others."""
        return self.selection is not None and row.messages == (restricted(self.selection),)

    @property
    def about(self) -> str:
        """What the verdict is about: profile, release, tier, and what it leaves out."""
        release = f" {self.release.version}" if self.release else ""
        without = [f"without {', '.join(self.scope.without)}"] if self.scope.without else []
        return ", ".join((f"{self.profile.name}{release}", f"{self.tier.value} tier", *without, *self.scope.remarks))

    @property
    def headline(self) -> str:
        """The verdict with its scope: "Conformant: openai 2026.11.1, standard tier, without n, stop"."""
        return f"{self.verdict.value.capitalize()}: {self.about}"

    @property
    def totals(self) -> Mapping[Outcome, int]:
        """How many requirements have which outcome, worst first; those that do not occur are left out."""
        return _tally(result.outcome for result in self.requirements)

    @property
    def by_level(self) -> Counts:
        """`totals` for each level that occurs."""
        return {
            level.value: _tally(result.outcome for result in self.requirements if result.level is level)
            for level in Level
            if any(result.level is level for result in self.requirements)
        }

    @property
    def by_section(self) -> Counts:
        """`totals` for each section that occurs."""
        return {
            section.value: _tally(result.outcome for result in self.requirements if result.section is section)
            for section in Section
            if any(result.section is section for result in self.requirements)
        }

    def with_outcome(self, *outcomes: Outcome) -> tuple[RequirementResult, ...]:
        """The requirements with one of these outcomes, in the catalogue's order."""
        return tuple(result for result in self.requirements if result.outcome in outcomes)


def restricted(selection: str) -> str:
    """The message of a requirement that a restriction of the run leaves out."""
    return f"The run was restricted to {selection}."


def _tally(outcomes: Iterable[Outcome]) -> Mapping[Outcome, int]:
    counts = Counter(outcomes)
    return {outcome: counts[outcome] for outcome in Outcome if counts[outcome]}
