"""Why a keyword of the request has no probe of a kind: none can be made, or only a larger tier has one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from conformance.contract.model import Requirement, Tier
from conformance.contract.samples import LONGEST, MOST_ITEMS
from conformance.probes.keywords import keyword_probes
from conformance.probes.request_body import RequestBody

AspectName = Literal["honoured", "enforced"]
_NOT_FOUND: Mapping[AspectName, str] = {
    "honoured": "No small request was found that is at its boundary.",
    "enforced": "No small request was found that breaks this keyword and nothing else.",
}
_OF_PATH = "Only the target knows its own values, and every request of the run carries one."
_OF_PATH_TYPE = "A path holds only text, so that no other type can be sent."
_LARGEST_SENT = {
    **dict.fromkeys(("minLength", "maxLength"), LONGEST),
    **dict.fromkeys(("minItems", "maxItems", "minContains", "maxContains"), MOST_ITEMS),
    **dict.fromkeys(("minProperties", "maxProperties"), MOST_ITEMS),
}


def tiers_of_keywords(body: RequestBody) -> Mapping[tuple[str, str], Tier]:
    """The smallest tier that has a probe for an aspect of a keyword, by requirement and aspect."""
    order = list(Tier)
    found: dict[tuple[str, str], Tier] = {}
    for probe in keyword_probes(body):
        for one in (probe, *probe.instead):
            requirement, _, rest = one.name.partition("/")
            place = (requirement, rest.partition("/")[0])
            known = found.setdefault(place, one.tier)
            found[place] = min(known, one.tier, key=order.index)
    return found


def why_without_probe(row: Requirement, aspect: AspectName) -> str:
    """Why no request at all is made for an aspect of a keyword, in one sentence."""
    keyword = row.keyword
    assert keyword is not None
    if keyword.location.startswith("path."):
        return _OF_PATH_TYPE if keyword.name == "type" else _OF_PATH
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
