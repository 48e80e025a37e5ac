"""Holds runs to a policy: everything that each of them lacks, and what they lack together."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from urllib.parse import urlsplit

from conformance.bundle.facts import Facts, WaiverUsed
from conformance.certificates.agreement import disagreements
from conformance.certificates.application import Application, ShownRun
from conformance.certificates.policy import Policy
from conformance.certificates.refusals import Reason, Refusal
from conformance.contract.model import Tier
from conformance.quoting import one_line
from conformance.report.quantities import counted, listed
from conformance.suite.outcome import Verdict

_CLOCKS = timedelta(minutes=5)
"""How far the clocks of who ran and of who certifies may be apart."""
_LONGEST = 200


def refusals(asked: Application) -> Iterator[Refusal]:
    """Each reason why these runs cannot be certified by this policy; none where they can."""
    yield from _of_the_subject(asked)
    for run in asked.runs:
        for reason, sentence in _of_a_run(run, asked):
            yield Refusal(reason, f"{one_line(run.name, _LONGEST)}: {sentence}")
    if len(asked.runs) < asked.policy.agreeing:
        there = counted(len(asked.runs), "run")
        yield Refusal(Reason.TOO_FEW_RUNS, f"the policy demands {asked.policy.agreeing} runs, and here are {there}.")
    yield from disagreements(asked.runs, asked.policy)


_Found = Iterator[tuple[Reason, str]]


def _of_the_subject(asked: Application) -> Iterator[Refusal]:
    lacking = asked.subject.lacks(asked.policy.subject)
    if lacking:
        yield Refusal(Reason.SUBJECT_INCOMPLETE, f"the policy demands that the subject says {listed(lacking)}.")
    if not asked.policy.accepts_runner(asked.ran_by):
        yield Refusal(
            Reason.WRONG_RUNNER,
            f"the policy demands runs by the {asked.policy.ran_by}, and these are by the {asked.ran_by}.",
        )
    challenge = asked.challenge
    if asked.policy.challenge and challenge is None:
        yield Refusal(Reason.NOT_CHALLENGED, "the policy demands runs for a challenge; hold them to one (--challenge).")
    if challenge is not None and challenge.issued_for != asked.subject.vendor:
        theirs, ours = one_line(challenge.issued_for, _LONGEST), one_line(asked.subject.vendor, _LONGEST)
        yield Refusal(
            Reason.CHALLENGE_FOR_ANOTHER, f"the challenge was issued for {theirs}, and the subject is of {ours}."
        )


def _of_a_run(run: ShownRun, asked: Application) -> _Found:
    facts, policy = run.facts, asked.policy
    if facts.verdict is not Verdict.CONFORMANT:
        yield Reason.NOT_CONFORMANT, f"the run was {facts.verdict.value}."
    yield from _of_the_contract(facts, policy)
    yield from _of_the_target(facts, asked)
    yield from _left_out(facts, policy)
    for waiver in facts.waivers:
        yield from _of_a_waiver(waiver, policy, asked.now.date())
    if policy.signed and facts.signed_by is None:
        yield Reason.NOT_SIGNED, "the policy demands a signature that is checked; give the key with --bundle-key."
    if asked.ran_by == "certifier" and facts.signed_by != asked.issuer.key:
        yield (
            Reason.WRONG_RUNNER,
            "the certifier is said to have made the run, and the bundle is not signed with the issuer's key.",
        )
    if run.started_at < asked.now - policy.within:
        yield Reason.RUN_TOO_OLD, f"the run started at {facts.started}, more than {_days(policy.within)} ago."
    if run.ended_at > asked.now + _CLOCKS:
        yield Reason.RUN_TOO_OLD, f"the run started at {facts.started}, and would end in the future; check the clocks."


def _of_the_contract(facts: Facts, policy: Policy) -> _Found:
    known = policy.profiles.get(facts.profile) if facts.is_shipped else None
    if known is None:
        profile, accepted = one_line(facts.profile, 80), listed(sorted(policy.profiles), 10)
        yield Reason.PROFILE_NOT_ACCEPTED, f"the run is of the profile {profile}, and the policy accepts {accepted}."
    if facts.release is None:
        yield Reason.NO_RELEASE, "the run was scored by no frozen release; make it with --release."
    elif known and facts.release not in known:
        yield (
            Reason.RELEASE_NOT_ACCEPTED,
            f"the run was scored by release {one_line(facts.release, 80)}, and the policy accepts {listed(known, 10)}.",
        )
    if not facts.tier.includes(policy.tier):
        yield (
            Reason.TIER_TOO_SMALL,
            f"the run is of the {facts.tier.value} tier, and the policy demands {policy.tier.value}.",
        )


def _of_the_target(facts: Facts, asked: Application) -> _Found:
    subject = asked.subject
    if facts.embedded and not asked.policy.reference:
        yield Reason.REFERENCE_DEPLOYMENT, "the target is the reference deployment of the suite itself."
    if facts.base_url.rstrip("/") != subject.target.rstrip("/"):
        theirs, ours = one_line(facts.base_url, _LONGEST), one_line(subject.target, _LONGEST)
        yield Reason.OTHER_TARGET, f"the run was made against {theirs}, and the subject's target is {ours}."
    if subject.model is not None and facts.model != subject.model:
        theirs, ours = one_line(facts.model or "none", _LONGEST), one_line(subject.model, _LONGEST)
        yield Reason.OTHER_TARGET, f"the run asked for the model {theirs}, and the subject's is {ours}."
    if asked.policy.tls and urlsplit(facts.base_url).scheme.lower() != "https":
        yield Reason.WITHOUT_TLS, f"the policy demands TLS, and {one_line(facts.base_url, _LONGEST)} is without."


def _left_out(facts: Facts, policy: Policy) -> _Found:
    declared = [one.what for one in facts.left_out if not one.by_refusal]
    fewer = [one.what for one in facts.left_out if one.is_generated]
    if policy.require_all and declared:
        yield Reason.PART_LEFT_OUT, f"the run leaves out {one_line(listed(declared, 10), 300)}."
    elif policy.tier is Tier.EXHAUSTIVE and fewer:
        yield Reason.PART_LEFT_OUT, f"the run leaves out {one_line(fewer[0], 300)}."


def _of_a_waiver(waiver: WaiverUsed, policy: Policy, today: date) -> _Found:
    named = one_line(waiver.requirement, 80)
    if not waiver.accepts:
        yield Reason.WAIVER_NOT_ALLOWED, f"the waiver of {named} covers nothing that the run judged; remove it."
        return
    problem = policy.allows_waiving(waiver.accepts, today)
    if problem is not None:
        yield (
            Reason.WAIVER_NOT_ALLOWED,
            f"the waiver of {named} covers {one_line(problem, 80)}, which may not be waived.",
        )
    if date.fromisoformat(waiver.expires) < today:
        yield Reason.WAIVER_EXPIRED, f"the waiver of {named} expired on {waiver.expires}."


def _days(time: timedelta) -> str:
    if time >= timedelta(days=1):
        return counted(time.days, "day")
    minutes = round(time.total_seconds() / 60)
    return counted(minutes // 60, "hour") if minutes % 60 == 0 else counted(minutes, "minute")
