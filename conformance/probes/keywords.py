"""Probes for every keyword of the request schema: whether it is honoured at its boundary and enforced beyond it.

Values that must be served are combined in few requests (`combined_probes`); what must be refused is sent one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache

from conformance.contract.described_parameters import as_text, is_plain, readings_of
from conformance.contract.model import Keyword, Place, Requirement, Schema, Tier
from conformance.contract.pointers import split
from conformance.contract.validators import definitions_of, validator_for
from conformance.probes.combined_probes import combined, fit_a_request
from conformance.probes.invalid_boundaries import invalid_boundary_probes
from conformance.probes.keyword_cases import Case, is_always_text, probe_name
from conformance.probes.keyword_values import violating_cases
from conformance.probes.model import Intent, Probe
from conformance.probes.request_body import CHEAP, REMOVED, RequestBody, describe_change
from conformance.probes.valid_boundaries import valid_boundary_values
from conformance.targets.reach import Reach


def keyword_probes(body: RequestBody, tier: Tier = Tier.EXHAUSTIVE) -> tuple[Probe, ...]:
    """Every probe for the keywords of the request body and of the path's parameters that a tier judges.

    What smaller tiers judge comes first, so that a larger one has the same combined requests and some more.
    """
    return _keyword_probes(_alike(body), tier)


def keyword_probes_alone(body: RequestBody) -> Iterator[Probe]:
    """Every probe for a keyword in any tier, those that would be combined each by itself."""
    rows = _rows(body, Tier.EXHAUSTIVE)
    yield from _to_be_refused(rows, body)
    yield from (one.probe for one in fit_a_request(valid_boundary_values(_in_body(rows), body), body))


def _alike(body: RequestBody) -> RequestBody:
    """The same for every deployment that takes requests alike: which it is, by which key, and how its calls look."""
    target = body.target
    alike = replace(
        target,
        base_url="",
        name=None,
        api_key=None,
        other_api_key=None,
        reach=Reach(),
        reach_values={},
        dialect=replace(target.dialect, call=None),
    )
    return RequestBody(body.contract, alike, body.challenge)


@lru_cache(maxsize=4)
def _keyword_probes(body: RequestBody, tier: Tier) -> tuple[Probe, ...]:
    rows = _rows(body, tier)
    return (*_to_be_refused(rows, body), *combined(valid_boundary_values(_in_body(rows), body), body))


def _rows(body: RequestBody, tier: Tier) -> list[Requirement]:
    rows = [row for row in body.contract.requirements if row.keyword is not None and tier.includes(row.tier)]
    return sorted(rows, key=lambda row: row.tier is Tier.EXHAUSTIVE)


def _in_body(rows: list[Requirement]) -> list[Requirement]:
    return [row for row in rows if row.keyword is not None and stands_in_the_body(row.keyword)]


def _to_be_refused(rows: list[Requirement], body: RequestBody) -> Iterator[Probe]:
    for row in rows:
        if row.keyword is not None and row.keyword.place not in (None, Place.BODY):
            yield from _parameter_probes(row, row.keyword, body)
    yield from invalid_boundary_probes(_in_body(rows), body)


def stands_in_the_body(keyword: Keyword) -> bool:
    """Whether a keyword applies at one place of the request's body: within a recursion it applies at many."""
    return keyword.location == "request" and not keyword.pointer.startswith("/$defs/")


def _parameter_probes(row: Requirement, keyword: Keyword, body: RequestBody) -> Iterator[Probe]:
    """Requests with a parameter that breaks a keyword, or without it; and with one that differs only in its case."""
    for name, case in _broken_parameters(keyword, body):
        yield Probe(
            name=probe_name(row.id, "enforced", case.name),
            about=describe_change((name,), case.value),
            intent=Intent.REFUSED,
            body=body.capped(CHEAP),
            parameters={name: None if case.value is REMOVED else as_text(case.value)},
            completion_tokens=CHEAP,
            tier=max(row.tier, case.tier, key=list(Tier).index),
        )
    own = _own_in_other_case(row, keyword.location.removeprefix("path."), body)
    if own is not None:
        yield own


def _broken_parameters(keyword: Keyword, body: RequestBody) -> Iterator[tuple[str, Case]]:
    """Each way to break a keyword of a parameter, with the parameter's name."""
    operation = body.contract.operation
    if keyword.name == "required":
        if keyword.place is not Place.PATH:
            yield str(keyword.value), Case("left-out", REMOVED)
        return
    if not isinstance(keyword.schema, Mapping) or is_always_text(keyword):
        return
    if keyword.place is Place.PATH:
        name = keyword.location.removeprefix("path.")
        whole: Schema = operation.path_parameters[name]
    else:
        whole = operation.beside[Place(keyword.location)]
        name = split(keyword.pointer)[1]
    accepts = validator_for(keyword.schema, definitions_of(whole))
    cases = list(violating_cases(keyword.name, keyword.schema, definitions_of(whole)))
    if keyword.name == "type":
        cases.append(
            Case("text", "a-text")
        )  # whatever is sent is text, so that one has to be found that is nothing else
    for case in cases:
        is_text = is_plain(case.value)
        if keyword.place is Place.PATH or (is_text and not any(map(accepts, readings_of(as_text(case.value))))):
            yield name, case


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
        parameters={parameter: other},
        completion_tokens=CHEAP,
        tier=row.tier,
    )
