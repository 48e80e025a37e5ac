"""The plan of a run: which probes the selected requirements need, each once, and what they may cost."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from conformance.contract import Contract
from conformance.contract.model import Tier
from conformance.probes.access import access_probes
from conformance.probes.client_errors import error_probes
from conformance.probes.completions import completion_probes
from conformance.probes.declared import declared_probes
from conformance.probes.errors import ProbeError
from conformance.probes.generated import GENERATED, generated_probes
from conformance.probes.keywords import keyword_probes
from conformance.probes.load import load_probes
from conformance.probes.model import Intent, Probe
from conformance.probes.request_body import RequestBody
from conformance.probes.robustness import robustness_probes
from conformance.probes.streams import stream_probes
from conformance.targets.environment import MODEL
from conformance.targets.model import Target


@dataclass(frozen=True, slots=True)
class Plan:
    """Probes in the order in which they are sent. Names are unique."""

    probes: tuple[Probe, ...]

    @property
    def worst_case_requests(self) -> int:
        """Requests when every packed probe has to be taken apart, without retries."""
        return sum(1 + len(probe.instead) for probe in self.probes)

    @property
    def worst_case_tokens(self) -> int:
        """Completion tokens when, in addition, every request that must be refused is served."""
        return sum(probe.completion_tokens + sum(p.completion_tokens for p in probe.instead) for probe in self.probes)

    def every_probe(self) -> Iterator[Probe]:
        """The probes and those that are sent in their stead."""
        for probe in self.probes:
            yield probe
            yield from probe.instead


def plan(contract: Contract, target: Target, needs: Iterable[str], tier: Tier, *, generated: int | None = None) -> Plan:
    """The probes that `needs` (names, or globs of names) select within a tier.

    `generated` is how many generated requests of each kind there are at most, where it is not for the tier to say.

    Raises:
        ProbeError: two probes have one name.
    """
    patterns = tuple(dict.fromkeys(needs))
    body = RequestBody(contract, target)
    generate = any(_selects(pattern, GENERATED) for pattern in patterns)
    chosen = tuple(
        probe
        for probe in _all(body, tier, generated if generate else 0)
        if tier.includes(probe.tier) and _is_needed(probe, patterns) and _is_fair(probe, body)
    )
    _refuse_duplicates(chosen)
    order = list(Tier)
    return Plan(tuple(sorted(chosen, key=lambda probe: (probe.wave, order.index(probe.tier)))))


def check_request(contract: Contract, target: Target) -> None:
    """Refuse a contract or a target whose smallest request is no valid one: every probe is made from it.

    Raises:
        ProbeError: it has no messages, or the contract's own schema refuses it.
    """
    body = RequestBody(contract, target)
    if not isinstance(body.base.get("messages"), list):
        raise ProbeError("the contract's example request has no list of messages; give one as x-conformance.request.")
    problem = body.problem_of_base
    if problem is not None:
        raise ProbeError(
            f"the contract does not allow the request that all probes start from: {problem};"
            f" check {_variables(body)}the example request."
        )


def _variables(body: RequestBody) -> str:
    """The variables that fill the smallest request, as a list that goes on."""
    names = [MODEL] if body.has("model") else []
    names += [one.variable for one in body.contract.parameters if not one.in_path]
    return f"{' and '.join(names)}, or " if names else ""


def _all(body: RequestBody, tier: Tier, generated: int | None) -> Iterator[Probe]:
    yield from completion_probes(body)
    yield from stream_probes(body)
    yield from error_probes(body)
    yield from access_probes(body)
    yield from keyword_probes(body)
    yield from declared_probes(body)
    yield from robustness_probes(body)
    if tier is Tier.LOAD:
        yield from load_probes(body)
    if generated != 0:
        yield from generated_probes(body, tier, generated)


def _is_needed(probe: Probe, patterns: tuple[str, ...]) -> bool:
    names = (probe.name, *(part.name for part in probe.instead))
    return any(fnmatch.fnmatchcase(name, pattern) for name in names for pattern in patterns)


def _is_fair(probe: Probe, body: RequestBody) -> bool:
    """Whether the contract promises what the probe intends: a body that it does not accept need not be served."""
    return probe.intent is not Intent.SERVED or body.accepts(probe.body)


def _selects(pattern: str, prefix: str) -> bool:
    return pattern.startswith(prefix) or fnmatch.fnmatchcase(prefix, pattern)


def _refuse_duplicates(probes: tuple[Probe, ...]) -> None:
    seen: set[str] = set()
    for probe in probes:
        for name in (probe.name, *(part.name for part in probe.instead)):
            if name in seen:
                raise ProbeError(f"two probes are named {name!r}; a requirement's id or a case stands twice.")
            seen.add(name)
