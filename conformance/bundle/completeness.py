"""Checks that a bundle shows a whole run: nothing left out by a filter, a stop or a budget, nothing beside the plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from conformance.bundle.errors import BundleError
from conformance.evidence import Evidence
from conformance.probes import Plan, Probe, plan_data
from conformance.probes.delivery import NOT_NEEDED
from conformance.probes.left_out import left_out
from conformance.probes.narrowing import follow_ups
from conformance.probes.request_body import RequestBody
from conformance.quoting import one_line
from conformance.report import Results
from conformance.running.planned_again import PlannedAgain
from conformance.running.retries import MOST_ROUNDS
from conformance.running.run import Run
from conformance.suite.needless import not_needed
from conformance.suite.observations import Observations
from conformance.wire import BY_PROXY, Exchange
from conformance.wire.retry import may_be_sent_again
from conformance.wire.schedule import is_taken_apart

_NAMES = ("version of the suite", "profile", "digest of the profile's document", "tier", "start", "release")


def check_finished(results: Results, evidence: Evidence) -> None:
    """Check that results and evidence say to be of one run that went to its end and left nothing out.

    Raises:
        BundleError: they do not; the message says why that matters.
    """
    if results.selection is not None:
        raise BundleError(
            f"the run was restricted to {one_line(results.selection, 200)}; a part of the contract does not show the"
            " whole."
        )
    if results.interrupted is not None:
        raise BundleError(
            f"the run did not finish ({one_line(results.interrupted, 200)}); what it did not judge may be broken."
        )
    if results.replayed:
        raise BundleError("the results are of evidence that was judged again, not of the run itself.")
    if results.baseline is not None:
        raise BundleError("the results were compared with a baseline, which is not in the bundle.")
    header = evidence.header
    if header.get("only") or header.get("exclude"):
        raise BundleError("the evidence is of a restricted run; a part of the contract does not show the whole.")
    if not evidence.complete or evidence.interrupted:
        raise BundleError("the evidence is incomplete: the run did not finish.")
    _check_same_run(header, results)


def _check_same_run(header: Mapping[str, object], results: Results) -> None:
    suite, profile = header.get("suite"), header.get("profile")
    of_suite = suite if isinstance(suite, Mapping) else {}
    of_profile = profile if isinstance(profile, Mapping) else {}
    recorded = (
        of_suite.get("version"),
        of_profile.get("name"),
        of_profile.get("sha256"),
        header.get("tier"),
        header.get("started"),
        header.get("release"),
    )
    reported = (
        results.suite_version,
        results.profile.name,
        results.profile.sha256,
        results.tier.value,
        results.started,
        results.release.version if results.release else None,
    )
    for name, one, other in zip(_NAMES, recorded, reported, strict=True):
        if one != other:
            raise BundleError(
                f"evidence and results are not of the same run: the {name} is {one_line(str(one), 80)} and"
                f" {one_line(str(other), 80)}."
            )


def check_plan(run: Run, again: PlannedAgain) -> None:
    """Check that the recorded plan, and how the target was found to take requests, are what follows.

    Raises:
        BundleError: they are not; the message names the first probe that differs.
    """
    assert run.recorded is not None
    if again.target.dialect != run.target.dialect:
        raise BundleError(
            "the evidence does not show that the target takes requests as its first line says: the answers to the"
            " preflight say otherwise, or are not there."
        )
    recorded, planned = run.recorded.header["probes"], plan_data(again.plan)
    if recorded == planned:
        return
    before = {str(one.get("name")): one for one in recorded}
    for one in planned:
        if one["name"] not in before:
            raise BundleError(f"the plan lacks the probe {one['name']}, which this profile and tier demand.")
        if before[one["name"]] != one:
            raise BundleError(f"the plan has another probe {one['name']} than this profile and tier demand.")
    names = {one["name"] for one in planned}
    unknown = next((name for name in before if name not in names), None)
    if unknown is not None:
        raise BundleError(f"the plan has the probe {one_line(unknown, 120)}, which this profile and tier do not have.")
    raise BundleError("the plan has its probes in another order, or one of them twice.")


def every_probe(run: Run, again: PlannedAgain) -> dict[str, Probe]:
    """Every probe that a run with this evidence sent, by name, after checking that the evidence has each and no other.

    Raises:
        BundleError: an exchange is missing, there is one too many, or a probe was not sent for no good reason.
    """
    assert run.recorded is not None
    own = [one for one in run.recorded.exchanges if not one.round]
    final = _final(own)
    observations = Observations(run.contract, again.plan, own, run.recorded.unsent)
    needless = not_needed(again.plan.probes, observations)
    unsent = _reasons(again, run.recorded, needless)
    # What is missing comes first: without it, others that it makes needless would seem to be due.
    sent = {probe.name: probe for probe in _sent(again.plan, {**unsent, **run.recorded.unsent}, final)}
    _check_unsent(run.recorded, unsent)
    planned = sent | {probe.name: _without(unsent, probe) for probe in again.plan.probes if probe.name in sent}
    sent |= _followed(replace(run, target=again.target).request_body, planned, own)
    for exchange in run.recorded.exchanges:
        if exchange.round > MOST_ROUNDS:
            raise BundleError(f"findings were tried again more often than {MOST_ROUNDS} times.")
        if exchange.probe not in sent:
            raise BundleError(f"the exchange {one_line(exchange.id, 120)} is of a probe that was not planned.")
    return sent


def _final(exchanges: Iterable[Exchange]) -> dict[str, Exchange]:
    """The exchange of each probe that decides, after checking that those before it are there and could not decide."""
    attempts: dict[str, list[Exchange]] = {}
    for one in exchanges:
        attempts.setdefault(one.probe, []).append(one)
    for name, found in attempts.items():
        shown = one_line(name, 120)
        for number, one in enumerate(found, start=1):
            if one.attempt != number or one.id != f"{name}#{number}":
                raise BundleError(f"an attempt at the probe {shown} is missing from the evidence, or out of its order.")
            if one.last is not (number == len(found)):
                raise BundleError(f"the evidence does not say which attempt at the probe {shown} is the last.")
            if not one.last and not may_be_sent_again(one):
                raise BundleError(f"the exchange {one_line(one.id, 120)} decides, but the probe was sent again.")
    return {name: found[-1] for name, found in attempts.items()}


def _reasons(again: PlannedAgain, evidence: Evidence, needless: Mapping[str, str]) -> dict[str, str]:
    """Why each probe that need not be sent was not."""
    plan, target, known = again.plan, again.target, set(again.asked)
    why = {name: reason for name, reason in left_out(plan, target).items() if name not in known}
    why = {**needless, **why}
    if BY_PROXY in evidence.unsent.values() or target.reach.proxy is not None:
        scripted = (probe.name for probe in plan.probes if probe.script is not None and probe.name not in known)
        why = {**dict.fromkeys(scripted, BY_PROXY), **why}
    return why


def _check_unsent(evidence: Evidence, why: Mapping[str, str]) -> None:
    """Check that the evidence says of each probe that was not sent the reason that follows.

    Raises:
        BundleError: it was not sent for another one.
    """
    odd = {name: reason for name, reason in evidence.unsent.items() if why.get(name) != reason}
    # What is said to be needless follows from others, which are named first where they were not sent either.
    told = {name: reason for name, reason in odd.items() if reason not in NOT_NEEDED} or odd
    if told:
        name, reason = next(iter(told.items()))
        raise BundleError(
            f"{len(told)} probes were not sent, among them {one_line(name, 120)}: {one_line(reason, 200)}"
        )


def _sent(plan: Plan, unsent: Mapping[str, str], final: Mapping[str, Exchange]) -> Iterable[Probe]:
    """The planned probes that were sent; the parts of a combined one only where that was not served."""
    for probe in plan.probes:
        if probe.name in unsent:
            continue
        last = final.get(probe.name)
        if last is None:
            raise BundleError(f"the exchange of the probe {probe.name} is missing from the evidence.")
        yield replace(probe, instead=())
        if not is_taken_apart(probe, last):
            continue
        for part in probe.instead:
            if part.name not in unsent and part.name not in final:
                raise BundleError(f"the exchange of the probe {part.name} is missing from the evidence.")
            if part.name not in unsent:
                yield part


def _without(unsent: Mapping[str, str], probe: Probe) -> Probe:
    """A probe without those parts that were not sent for a good reason."""
    return replace(probe, instead=tuple(part for part in probe.instead if part.name not in unsent))


def _followed(body: RequestBody, sent: Mapping[str, Probe], exchanges: Iterable[Exchange]) -> dict[str, Probe]:
    """The smaller requests that follow from the answers to generated and to combined ones."""
    following = follow_ups(body)
    known, followed = dict(sent), dict[str, Probe]()
    there = {one.probe for one in exchanges}
    for one in exchanges:
        if not one.last or one.probe not in known:
            continue
        for probe in following(known[one.probe], None if one.answer is None else one.answer.status):
            if probe.name not in there:
                raise BundleError(f"the exchange of the probe {probe.name} is missing from the evidence.")
            known[probe.name] = followed[probe.name] = probe
    return followed
