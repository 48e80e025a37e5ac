"""Builds the record of a run from its contract and the judgements of the suite."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from conformance.contract.dialect import known_parameters
from conformance.contract.model import Contract, Level, Requirement, Tier
from conformance.report.results import (
    ExchangeTotals,
    Omission,
    Preflight,
    ProfileView,
    ReleaseView,
    RequirementResult,
    Results,
    Scope,
    TargetView,
    restricted,
)
from conformance.report.verdict import decide, unscored_reasons
from conformance.suite.expect import Judgement
from conformance.suite.outcome import BROKEN, Outcome, Verdict, Waiver
from conformance.targets import Target
from conformance.targets.capabilities import AUTHENTICATION, SECOND_TENANT

_REMARKS = {AUTHENTICATION: "no authentication"}
"""Capabilities whose lack has a phrase of its own."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The circumstances of a run: everything in its record that is not a judgement.

    `started` is ISO 8601 in UTC, `duration_s` in seconds. `selection` is the user's restriction of the run,
    `interrupted` the reason why it did not finish, as the middle of a sentence (`the budget of 20 requests ran out`).
    """

    suite_version: str
    target: TargetView
    tier: Tier
    started: str
    duration_s: float
    exchanges: ExchangeTotals
    selection: str | None = None
    strict: bool = False
    require_all: bool = False
    replayed: bool = False
    seed: int | None = None
    """What random requests were drawn by."""
    interrupted: str | None = None
    waivers: tuple[Waiver, ...] = ()
    release: ReleaseView | None = None
    declared: tuple[str, ...] = ()
    """Capabilities that the target is declared to lack."""
    second_tenant: bool | None = None
    """Whether there is a second tenant; None where none is configured, and nothing is declared."""
    preflight: Preflight | None = None


def target_view(target: Target, contract: Contract, server: str | None = None) -> TargetView:
    """A target without its secrets. `server` is the Server header field of its first answer.

    It has a member for each part of a path that a shipped dialect declares, so that all records look alike.
    """
    known = {parameter.key: None for parameter in known_parameters() if parameter.in_path}
    own = {parameter.key: target.value(parameter) for parameter in contract.parameters if not parameter.in_body}
    return TargetView(target.base_url, target.name, target.embedded, target.model, server, {**known, **own})


def build_results(contract: Contract, judgements: Iterable[Judgement], facts: RunFacts) -> Results:
    """The record of a run, with its verdict. Pure: the same input gives the same record.

    Every requirement of the contract is in it: judged; or `untested`, if it belongs to the run's tier and has no
    judgement; or among those beyond the tier; or excluded.

    Raises:
        ValueError: a judgement contradicts the contract (unknown requirement, judged twice, an outcome that its
            level does not have, waived without a waiver). That is a defect of the suite, not of the target.
    """
    judged = _by_id(contract, judgements)
    requirements = tuple(
        _result(judged.get(row.id) or _untested(row, facts))
        for row in contract.requirements
        if row.id in judged or (row.excluded is None and facts.tier.includes(row.tier))
    )
    verdict, reasons = _verdict(requirements, facts)
    if facts.release:
        reasons = (*reasons, *unscored_reasons(requirements, facts.release.version))
    profile = contract.profile
    return Results(
        suite_version=facts.suite_version,
        profile=ProfileView(profile.name, profile.title, profile.version, profile.sha256),
        target=facts.target,
        tier=facts.tier,
        started=facts.started,
        duration_s=facts.duration_s,
        verdict=verdict,
        reasons=reasons,
        requirements=requirements,
        exchanges=facts.exchanges,
        selection=facts.selection,
        strict=facts.strict,
        require_all=facts.require_all,
        replayed=facts.replayed,
        seed=facts.seed,
        interrupted=facts.interrupted,
        excluded=tuple(
            _omission(row, row.excluded) for row in contract.excluded if row.excluded and row.id not in judged
        ),
        beyond_tier=tuple(
            _omission(row, f"judged by the {row.tier.value} tier")
            for row in contract.requirements
            if row.id not in judged and row.excluded is None and not facts.tier.includes(row.tier)
        ),
        waivers=facts.waivers,
        release=facts.release,
        scope=_scope(requirements, facts),
        preflight=facts.preflight,
    )


def _verdict(requirements: Sequence[RequirementResult], facts: RunFacts) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict and its reasons; a setup that cannot be judged is the only reason there is."""
    scored = [result for result in requirements if result.scored]
    problem = _setup_problem(facts)
    if problem is not None and not any(result.outcome in BROKEN for result in scored):
        return Verdict.INCONCLUSIVE, (problem,)
    verdict, reasons = decide(
        scored,
        strict=facts.strict,
        selection=facts.selection,
        interrupted=facts.interrupted,
        gone=facts.release.gone if facts.release else (),
    )
    return verdict, reasons if problem is None else (problem, *reasons)


def _setup_problem(facts: RunFacts) -> str | None:
    return facts.preflight.problem if facts.preflight is not None else None


def _scope(requirements: Iterable[RequirementResult], facts: RunFacts) -> Scope:
    """What the verdict leaves out: what was declared, what the target showed to lack, what was not configured."""
    found = dict.fromkeys(row.lacks for row in requirements if row.lacks and row.outcome is Outcome.SKIPPED)
    lacking = [name for name in dict.fromkeys((*facts.declared, *found)) if name not in {SECOND_TENANT, *_REMARKS}]
    remarks = [remark for name, remark in _REMARKS.items() if name in facts.declared]
    one_tenant = facts.second_tenant is False or SECOND_TENANT in found
    remarks += ["one tenant"] if one_tenant else []
    dialect = facts.preflight
    if dialect is not None and dialect.least_limit > 1:
        remarks.append(f"limits of {dialect.least_limit} tokens and more")
    if dialect is not None:
        remarks += [f"{' and '.join(fields)} not together" for fields in dialect.apart]
    not_configured = (SECOND_TENANT,) if one_tenant and facts.second_tenant is None else ()
    return Scope(tuple(lacking), tuple(remarks), not_configured)


def _by_id(contract: Contract, judgements: Iterable[Judgement]) -> Mapping[str, Judgement]:
    known = {row.id for row in contract.requirements}
    judged: dict[str, Judgement] = {}
    for judgement in judgements:
        row, outcome = judgement.requirement, judgement.outcome
        if row.id not in known:
            raise ValueError(f"{row.id} was judged, but the profile {contract.profile.name} has no such requirement.")
        if row.id in judged:
            raise ValueError(f"{row.id} was judged twice.")
        if outcome is (Outcome.WARNING if row.level is Level.MUST else Outcome.FAILED):
            raise ValueError(f"{row.id} is a {row.level.value}: its outcome cannot be {outcome.value}.")
        if (outcome is Outcome.WAIVED) is not (judgement.waiver is not None):
            raise ValueError(f"{row.id}: the outcome is {outcome.value}, which contradicts its waiver.")
        judged[row.id] = judgement
    return judged


def _untested(requirement: Requirement, facts: RunFacts) -> Judgement:
    if problem := _setup_problem(facts):
        why = f"Nothing was judged: {problem}"
    elif facts.interrupted:
        why = f"The run did not finish ({facts.interrupted}) before this was judged."
    elif facts.selection:
        why = restricted(facts.selection)
    else:
        why = "Nothing was sent that could decide this."
    return Judgement(requirement, Outcome.UNTESTED, (why,))


def _result(judgement: Judgement) -> RequirementResult:
    row = judgement.requirement
    return RequirementResult(
        id=row.id,
        level=row.level,
        section=row.section,
        tier=row.tier,
        statement=row.statement,
        source=row.source,
        digest=row.digest,
        outcome=judgement.outcome,
        pointer=f"{row.keyword.location}#{row.keyword.pointer}" if row.keyword else None,
        messages=judgement.messages,
        exchanges=judgement.exchanges,
        findings=judgement.findings,
        waiver=judgement.waiver,
        scored=row.scored,
        blocked_by=judgement.blocked_by,
        lacks=judgement.lacks,
        leniency=judgement.leniency,
    )


def _omission(requirement: Requirement, reason: str) -> Omission:
    return Omission(requirement.id, requirement.level, requirement.section, requirement.statement, reason)
