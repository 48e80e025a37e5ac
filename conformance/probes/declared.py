"""Probes that a requirement's own row declares: an example request and the answer that it expects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.probes.model import Credential, Intent, Probe, worst_case_tokens
from conformance.probes.request_body import RequestBody


def declared_probes(body: RequestBody) -> Iterator[Probe]:
    """One probe for each row that has a `case`."""
    for row in body.contract.requirements:
        if row.case is not None:
            yield _probe(row.id, row.statement, row.case, body)


def _probe(requirement_id: str, statement: str, case: Mapping[str, Any], body: RequestBody) -> Probe:
    request: Mapping[str, Any] = case.get("request", {})
    sent: Any = request["raw"].encode() if "raw" in request else {**body.capped(4), **request.get("body", {})}
    if isinstance(sent, dict):
        sent = {name: value for name, value in sent.items() if value != {"$remove": True}}
    return Probe(
        name=f"{requirement_id}/case",
        about=statement,
        intent=Intent.EITHER,
        body=sent,
        method=request.get("method"),
        headers=request.get("headers", {}),
        credential=Credential(request.get("credential", Credential.OWN)),
        completion_tokens=case.get("cost", worst_case_tokens(sent)),
    )
