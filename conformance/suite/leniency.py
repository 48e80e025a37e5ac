"""Tells leniency apart: a target that serves what the contract's schema forbids, and otherwise breaks nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from conformance.contract.model import Section
from conformance.probes import Intent
from conformance.probes.model import Credential
from conformance.suite.expect import Judgement
from conformance.suite.observations import Observations
from conformance.suite.outcome import BROKEN, Finding

_SECTIONS = frozenset({Section.REQUEST, Section.ERROR, Section.TOOLS, Section.STRUCTURED})
"""Where a request is invalid for what its body says; who is served without access is no leniency."""


def with_leniency(judgements: Iterable[Judgement], observations: Observations | None) -> list[Judgement]:
    """The judgements, those marked whose every finding is an invalid request that was served."""
    if observations is None:
        return list(judgements)
    return [replace(one, leniency=True) if _is_lenient(one, observations) else one for one in judgements]


def _is_lenient(judgement: Judgement, observations: Observations) -> bool:
    if judgement.outcome not in BROKEN or judgement.requirement.section not in _SECTIONS or not judgement.findings:
        return False
    return all(_was_served(finding, observations) for finding in judgement.findings)


def _was_served(finding: Finding, observations: Observations) -> bool:
    """Whether a finding is about an invalid request that was answered with a success."""
    if finding.exchange is None:
        return False
    name = finding.exchange.rpartition("#")[0]
    probe, exchange = observations.probes.get(name), observations.exchange_of(name)
    if probe is None or exchange is None or exchange.answer is None:
        return False
    invalid = probe.intent is Intent.REFUSED and probe.credential is Credential.OWN
    return invalid and 200 <= exchange.answer.status < 300
