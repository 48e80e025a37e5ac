"""The plan of a run: which probes the selected requirements need, each once, and what they may cost."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.contract import Contract
from conformance.contract.effort import TooMuchEffortError, bounded_effort
from conformance.contract.model import Tier
from conformance.probes.access import access_probes
from conformance.probes.agent_requests import agent_probes
from conformance.probes.broken_parts import broken_part_probes
from conformance.probes.challenge import Challenge
from conformance.probes.client_errors import error_probes
from conformance.probes.clients import client_probes
from conformance.probes.completions import completion_probes
from conformance.probes.content_parts import content_part_probes
from conformance.probes.conversation_shapes import shape_probes
from conformance.probes.declared import declared_probes
from conformance.probes.delivery import delivery_probes
from conformance.probes.drawn import drawn_probes
from conformance.probes.every_message import every_message_probes
from conformance.probes.generated import GENERATED, generated_probes
from conformance.probes.in_turn import in_turn_probes
from conformance.probes.keywords import keyword_probes
from conformance.probes.load import load_probes
from conformance.probes.long_answers import long_answer_probes, unlimited_probes
from conformance.probes.model import Intent, Probe
from conformance.probes.narrowing import DRAWN
from conformance.probes.optional_fields import optional_field_probes
from conformance.probes.prompt_relations import prompt_relation_probes
from conformance.probes.reasoning import reasoning_probes
from conformance.probes.request_body import RequestBody
from conformance.probes.robustness import robustness_probes
from conformance.probes.sent_together import sent_together
from conformance.probes.streams import stream_probes
from conformance.probes.structured_output import structured_probes
from conformance.probes.tool_history import tool_history_probes
from conformance.probes.tools import tool_probes
from conformance.targets.environment import MODEL
from conformance.targets.model import Target


class ProbeError(Exception):
    """No probes can be made for this contract; the message is one sentence that says why and what to do."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Probes in the order in which they are sent. Names are unique."""

    probes: tuple[Probe, ...]

    @property
    def worst_case_requests(self) -> int:
        """The number of requests when every combined probe has to be taken apart, without retries."""
        return sum(1 + len(probe.instead) for probe in self.probes)

    @property
    def worst_case_tokens(self) -> int:
        """Completion tokens when, in addition, every request that must be refused is served."""
        return sum(probe.completion_tokens + sum(p.completion_tokens for p in probe.instead) for probe in self.probes)

    def beside(self, others: Plan) -> Plan:
        """This plan, and those probes of another one that it does not have."""
        known = {probe.name for probe in self.every_probe()}
        further = (probe for probe in others.probes if probe.name not in known)
        return Plan(tuple(sorted((*self.probes, *further), key=lambda probe: probe.wave)))

    def every_probe(self) -> Iterator[Probe]:
        """The probes, and those that may be sent instead of them."""
        for probe in self.probes:
            yield probe
            yield from probe.instead


def plan(
    contract: Contract,
    target: Target,
    needs: Iterable[str],
    tier: Tier,
    *,
    generated: int | None = None,
    challenge: Challenge | None = None,
    seed: int | None = None,
) -> Plan:
    """The probes that `needs` (names, or globs of names) select within a tier.

    `generated` is the most generated requests of each kind; None leaves that to the tier. The texts of the requests,
    and what is generated, follow from a `challenge` where there is one; the names of the probes do not, but for those
    that are drawn at random, which follow from it or from a `seed`.

    Raises:
        ProbeError: two probes have one name, or the request schema is too large to make probes of.
    """
    patterns = tuple(dict.fromkeys(needs))
    body = RequestBody(contract, target, challenge, seed)
    generate = any(_selects(pattern, GENERATED) for pattern in patterns)
    draw = any(_selects(pattern, DRAWN) for pattern in patterns)
    try:
        with bounded_effort():
            chosen = tuple(
                probe
                for probe in _all(body, tier, generated if generate else 0, draw=draw)
                if tier.includes(probe.tier) and _is_needed(probe, patterns) and _is_promised(probe, body)
            )
    except TooMuchEffortError as error:
        raise ProbeError(
            f"the request schema of {contract.profile.name} is too large, or branches too much, to make requests of it"
            " in a reasonable time; describe fewer fields, alternatives or values."
        ) from error
    chosen = sent_together(chosen, target)
    _refuse_duplicates(chosen)
    order = list(Tier)
    return Plan(tuple(sorted(chosen, key=lambda probe: (probe.wave, order.index(probe.tier)))))


def check_request(contract: Contract, target: Target) -> None:
    """Refuse a contract or a target whose smallest request is not valid: every probe is made from it.

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


def plan_data(plan: Plan) -> list[dict[str, Any]]:
    """A plan as plain data, as far as judging needs it, so that evidence can be judged without planning again.

    That is each probe's name, purpose, intent and whether it asks for a stream, with those to send instead of it.
    """
    return [_data(probe) for probe in plan.probes]


def plan_from(data: Iterable[Mapping[str, Any]]) -> Plan:
    """The plan that `plan_data` wrote. Its probes can be judged but not sent, for they have no body.

    Raises:
        ValueError: the data is not that of a plan.
    """
    try:
        return Plan(tuple(_probe_from(one) for one in data))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the list of probes is broken ({error})") from error


def _data(probe: Probe) -> dict[str, Any]:
    data: dict[str, Any] = {"name": probe.name, "about": probe.about, "intent": probe.intent.value}
    if probe.asks_for_stream:
        data["stream"] = True
    if probe.instead:
        data["instead"] = [_data(one) for one in probe.instead]
    return data


def _probe_from(data: Mapping[str, Any]) -> Probe:
    return Probe(
        name=data["name"],
        about=data["about"],
        intent=Intent(data["intent"]),
        body={"stream": True} if data.get("stream") else None,
        instead=tuple(_probe_from(one) for one in data.get("instead", ())),
    )


def _variables(body: RequestBody) -> str:
    """The variables that fill the smallest request, as the beginning of a list."""
    names = [MODEL] if body.has("model") else []
    names += [one.variable for one in body.contract.parameters if one.in_body]
    return f"{' and '.join(names)}, or " if names else ""


def _all(body: RequestBody, tier: Tier, generated: int | None, *, draw: bool) -> Iterator[Probe]:
    yield from completion_probes(body)
    yield from prompt_relation_probes(body)
    yield from every_message_probes(body)
    yield from shape_probes(body)
    yield from stream_probes(body)
    yield from long_answer_probes(body)
    yield from unlimited_probes(body)
    yield from delivery_probes(body)
    yield from error_probes(body)
    yield from broken_part_probes(body)
    yield from access_probes(body)
    yield from client_probes(body)
    yield from in_turn_probes(body)
    yield from keyword_probes(body, tier)
    yield from declared_probes(body)
    yield from tool_probes(body)
    yield from agent_probes(body)
    yield from tool_history_probes(body)
    yield from structured_probes(body)
    yield from reasoning_probes(body)
    yield from content_part_probes(body)
    yield from optional_field_probes(body)
    yield from robustness_probes(body)
    if draw and tier is not Tier.SMOKE:
        yield from drawn_probes(body)
    if tier is Tier.LOAD:
        yield from load_probes(body)
    if generated != 0:
        yield from generated_probes(body, tier, generated)


def _is_needed(probe: Probe, patterns: tuple[str, ...]) -> bool:
    names = (probe.name, *(part.name for part in probe.instead))
    return any(fnmatch.fnmatchcase(name, pattern) for name in names for pattern in patterns)


def _is_promised(probe: Probe, body: RequestBody) -> bool:
    """Whether the contract promises what the probe expects: a body that it does not accept need not be served."""
    return probe.intent is not Intent.SERVED or body.may_be_served(probe.body)


def _selects(pattern: str, prefix: str) -> bool:
    return pattern.startswith(prefix) or fnmatch.fnmatchcase(prefix, pattern)


def _refuse_duplicates(probes: tuple[Probe, ...]) -> None:
    seen: set[str] = set()
    for probe in probes:
        for name in (probe.name, *(part.name for part in probe.instead)):
            if name in seen:
                raise ProbeError(f"two probes are named {name!r}; a requirement's id or a case stands there twice.")
            seen.add(name)
