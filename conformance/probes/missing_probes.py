"""Why a keyword of the request has no probe of a kind: none can be made, or only a larger tier has one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Literal

from conformance.contract import Contract
from conformance.contract.effort import kept_while_working
from conformance.contract.model import Place, Requirement, Tier
from conformance.contract.samples import LONGEST, MOST_ITEMS, sample
from conformance.probes.keywords import keyword_probes_alone
from conformance.probes.plan import Plan, ProbeError, plan
from conformance.probes.request_body import RequestBody
from conformance.targets.model import Target
from conformance.targets.reach import Reach

AspectName = Literal["honoured", "enforced"]
_NOT_FOUND: Mapping[AspectName, str] = {
    "honoured": "No small request was found that is at its boundary.",
    "enforced": "No small request was found that breaks this keyword and nothing else.",
}
_OF_PATH = "Only the target knows its own values, and every request of the run carries one."
_OF_PATH_TYPE = "A path holds only text, so that no other type can be sent."
_OF_TEXT = "What stands beside the body of a request is text, so that no other type can be sent."
_LARGEST_SENT = {
    **dict.fromkeys(("minLength", "maxLength"), LONGEST),
    **dict.fromkeys(("minItems", "maxItems", "minContains", "maxContains"), MOST_ITEMS),
    **dict.fromkeys(("minProperties", "maxProperties"), MOST_ITEMS),
}


def tiers_of_keywords(body: RequestBody) -> Mapping[tuple[str, str], Tier]:
    """The smallest tier that has a probe for an aspect of a keyword, by requirement and aspect.

    Which deployment it is, and by which key, changes nothing: what was found for one holds for all that speak alike.
    """
    alike = replace(
        body.target, base_url="", name=None, api_key=None, other_api_key=None, reach=Reach(), reach_values={}
    )
    return _tiers_of_keywords(RequestBody(body.contract, alike))


@lru_cache(maxsize=4)
def _tiers_of_keywords(body: RequestBody) -> Mapping[tuple[str, str], Tier]:
    order = list(Tier)
    found: dict[tuple[str, str], Tier] = {}
    with kept_while_working():
        for probe in keyword_probes_alone(body):
            requirement, _, rest = probe.name.partition("/")
            place = (requirement, rest.partition("/")[0])
            known = found.setdefault(place, probe.tier)
            found[place] = min(known, probe.tier, key=order.index)
    return found


@lru_cache(maxsize=4)
def possible_probes(contract: Contract) -> tuple[str, ...] | None:
    """The names of all probes that any tier has for a contract and a target that lacks nothing; None if unknown."""
    plans = possible_plans(contract)
    return None if plans is None else tuple({probe.name: None for plan in plans for probe in plan.every_probe()})


@lru_cache(maxsize=4)
def possible_plans(contract: Contract) -> tuple[Plan, ...] | None:
    """The largest plans for a contract and a target that lacks nothing; None where no plan can be made."""
    parameters = {one.name: one.demo or one.default or "a" for one in contract.parameters}
    model = sample(contract.operation.properties.get("model", True), least=True)
    second = {one.name: one.second.demo for one in contract.parameters if one.second is not None}
    target = Target(
        base_url="http://localhost",
        api_key="a-key",
        model=model if isinstance(model, str) else "a-model",
        parameters=parameters,
        other_api_key="another-key",
        other_parameters=second,
    )
    try:
        return tuple(plan(contract, target, ("*",), tier, generated=1) for tier in (Tier.EXHAUSTIVE, Tier.LOAD))
    except ProbeError:
        return None


def why_without_probe(row: Requirement, aspect: AspectName) -> str:
    """Why no request at all is made for an aspect of a keyword, in one sentence."""
    keyword = row.keyword
    assert keyword is not None
    if keyword.place is Place.PATH:
        return _OF_PATH_TYPE if keyword.name == "type" else _OF_PATH
    if keyword.place is not Place.BODY:
        return _OF_TEXT if keyword.name == "type" else _OF_PATH
    if keyword.pointer.startswith("/$defs/"):
        return "A schema that refers to itself applies at any depth of a request, so that no single place decides it."
    schema = keyword.schema
    if (
        aspect == "honoured"
        and keyword.name == "type"
        and isinstance(schema, Mapping)
        and {"enum", "const"} & {*schema}
    ):
        return "Its enum or const says which values are valid; they are sent for that keyword."
    if isinstance(keyword.value, int) and keyword.value >= _LARGEST_SENT.get(keyword.name, keyword.value + 1):
        return "A request that reaches this bound would be too large to send."
    return _NOT_FOUND[aspect]
