"""Probes for every keyword of the request schema: is it honoured at its edge, and enforced just outside of it?

Values that must be served are packed into few requests (`packing`); what must be refused is sent one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from conformance.contract.model import Keyword, Requirement, Tier
from conformance.probes.base import definitions_of
from conformance.probes.combined_probes import packed
from conformance.probes.invalid_boundaries import enforcing_probes
from conformance.probes.model import Intent, Probe
from conformance.probes.pointer_edits import instance_path
from conformance.probes.probe_names import probe_name, told
from conformance.probes.request_body import CHEAP, RequestBody
from conformance.probes.valid_boundaries import honouring_values
from conformance.probes.values import refused

__all__ = ["instance_path", "keyword_probes", "probe_name", "stands_in_the_body"]


def keyword_probes(body: RequestBody) -> Iterator[Probe]:
    """Every probe for the keywords of the request body and of the path's parameters."""
    rows = [row for row in body.contract.requirements if row.keyword is not None]
    in_body = [row for row in rows if row.keyword is not None and stands_in_the_body(row.keyword)]
    for row in rows:
        if row.keyword is not None and row.keyword.location.startswith("path."):
            yield from _path_probes(row, body)
    yield from enforcing_probes(in_body, body)
    yield from packed(honouring_values(in_body, body), body)


def stands_in_the_body(keyword: Keyword) -> bool:
    """Whether a keyword judges one place of the request's body; what a recursion repeats stands at many."""
    return keyword.location == "request" and not keyword.pointer.startswith("/$defs/")


def _path_probes(row: Requirement, body: RequestBody) -> Iterator[Probe]:
    keyword = row.keyword
    assert keyword is not None
    parameter = keyword.location.removeprefix("path.")
    if not isinstance(keyword.schema, Mapping) or keyword.name in {"type", "required"}:
        return
    whole = body.contract.operation.path_parameters[parameter]
    for case in refused(keyword.name, keyword.schema, definitions_of(whole)):
        yield Probe(
            name=probe_name(row.id, "enforced", case.name),
            about=told((parameter,), case.value),
            intent=Intent.REFUSED,
            body=body.capped(CHEAP),
            path_parameters={parameter: str(case.value)},
            completion_tokens=CHEAP,
            tier=max(row.tier, case.tier, key=list(Tier).index),
        )
    own = _own_in_upper_case(row, parameter, body)
    if own is not None:
        yield own


def _own_in_upper_case(row: Requirement, parameter: str, body: RequestBody) -> Probe | None:
    """The target's own UUID with its letters in upper case, which names the same (RFC 9562 section 4)."""
    target, keyword = body.target, row.keyword
    own = target.parameters.get(parameter)
    if keyword is None or keyword.name != "format" or keyword.value != "uuid" or not own or own.upper() == own.lower():
        return None
    other = own.upper() if own != own.upper() else own.lower()
    return Probe(
        name=probe_name(row.id, "honoured", "other-case"),
        about=f"a request with `{parameter}` in letters of the other case",
        intent=Intent.SERVED,
        body=body.capped(CHEAP),
        path_parameters={parameter: other},
        completion_tokens=CHEAP,
        tier=row.tier,
    )
