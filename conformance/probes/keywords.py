"""Probes for every keyword of the request schema: whether it is honoured at its boundary and enforced beyond it.

Values that must be served are combined in few requests (`combined_probes`); what must be refused is sent one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from conformance.contract.model import Keyword, Requirement, Tier
from conformance.contract.samples import definitions_of
from conformance.probes.combined_probes import combined
from conformance.probes.invalid_boundaries import invalid_boundary_probes
from conformance.probes.keyword_cases import probe_name
from conformance.probes.keyword_values import violating_cases
from conformance.probes.model import Intent, Probe
from conformance.probes.request_body import CHEAP, RequestBody, describe_change
from conformance.probes.valid_boundaries import valid_boundary_values


def keyword_probes(body: RequestBody) -> Iterator[Probe]:
    """Every probe for the keywords of the request body and of the path's parameters."""
    rows = [row for row in body.contract.requirements if row.keyword is not None]
    in_body = [row for row in rows if row.keyword is not None and stands_in_the_body(row.keyword)]
    for row in rows:
        if row.keyword is not None and row.keyword.location.startswith("path."):
            yield from _path_probes(row, body)
    yield from invalid_boundary_probes(in_body, body)
    yield from combined(valid_boundary_values(in_body, body), body)


def stands_in_the_body(keyword: Keyword) -> bool:
    """Whether a keyword applies at one place of the request's body: within a recursion it applies at many."""
    return keyword.location == "request" and not keyword.pointer.startswith("/$defs/")


def _path_probes(row: Requirement, body: RequestBody) -> Iterator[Probe]:
    keyword = row.keyword
    assert keyword is not None
    parameter = keyword.location.removeprefix("path.")
    if not isinstance(keyword.schema, Mapping) or keyword.name in {"type", "required"}:
        return
    whole = body.contract.operation.path_parameters[parameter]
    for case in violating_cases(keyword.name, keyword.schema, definitions_of(whole)):
        yield Probe(
            name=probe_name(row.id, "enforced", case.name),
            about=describe_change((parameter,), case.value),
            intent=Intent.REFUSED,
            body=body.capped(CHEAP),
            path_parameters={parameter: str(case.value)},
            completion_tokens=CHEAP,
            tier=max(row.tier, case.tier, key=list(Tier).index),
        )
    own = _own_in_other_case(row, parameter, body)
    if own is not None:
        yield own


def _own_in_other_case(row: Requirement, parameter: str, body: RequestBody) -> Probe | None:
    """The target's own UUID in the other letter case, which is the same UUID (RFC 9562 section 4)."""
    target, keyword = body.target, row.keyword
    own = target.parameters.get(parameter)
    if keyword is None or keyword.name != "format" or keyword.value != "uuid" or not own or own.upper() == own.lower():
        return None
    other = own.upper() if own != own.upper() else own.lower()
    return Probe(
        name=probe_name(row.id, "honoured", "other-case"),
        about=f"a request with `{parameter}` in the other letter case",
        intent=Intent.SERVED,
        body=body.capped(CHEAP),
        path_parameters={parameter: other},
        completion_tokens=CHEAP,
        tier=row.tier,
    )
