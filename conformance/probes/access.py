"""Probes for the door: who is let in, and how others are turned away."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.contract.model import Tier
from conformance.probes.completions import served
from conformance.probes.errors_of_clients import refused
from conformance.probes.model import Credential, Intent, Probe
from conformance.probes.request_body import CHEAP, RequestBody

UNKNOWN_ORG = "00000000-0000-4000-8000-000000000000"


def access_probes(body: RequestBody) -> Iterator[Probe]:
    """Requests with a missing, wrong or foreign credential; each is valid but for that."""
    operation = body.contract.operation
    scheme = operation.credential
    valid = body.capped(CHEAP)
    if scheme is not None:
        no_key = {"credential": Credential.NONE}
        yield refused("access/no-key", "no credential", valid, tier=Tier.SMOKE, **no_key)
        yield refused(
            "access/wrong-key", "a key that was never issued", valid, tier=Tier.SMOKE, credential=Credential.WRONG
        )
        yield refused("access/empty-key", "an empty key", valid, credential=Credential.EMPTY)
        if body.has("stream"):
            streamed = {**valid, "stream": True}
            yield refused("access/no-key-streamed", "no credential, asking for a stream", streamed, **no_key)
        invalid = {name: value for name, value in valid.items() if name != "messages"}
        yield refused("access/no-key-invalid", "no credential and an invalid request", invalid, **no_key)
        if scheme.prefix.strip().lower() == "bearer":
            yield refused("access/wrong-scheme", "the right key as Basic", valid, credential=Credential.WRONG_SCHEME)
            yield served(
                "access/scheme-lower-case",
                "the scheme's name in lower case",
                valid,
                credential=Credential.OWN_LOWER_CASE,
            )
    if "orgId" in operation.path_parameters:
        yield from _organization_probes(body)


def _organization_probes(body: RequestBody) -> Iterator[Probe]:
    valid = body.capped(CHEAP)
    yield refused(
        "access/unknown-organization",
        "an organization that does not exist",
        valid,
        path_parameters={"orgId": UNKNOWN_ORG},
    )
    target = body.target
    if target.other_org_id:
        yield refused(
            "access/foreign-organization",
            "an organization of which the caller is no member",
            valid,
            path_parameters={"orgId": target.other_org_id},
        )
    if target.other_api_key and target.other_org_id:
        yield Probe(
            name="access/second-tenant",
            about="the second tenant in its own organization",
            intent=Intent.SERVED,
            body=valid,
            path_parameters={"orgId": target.other_org_id},
            credential=Credential.OTHER,
            completion_tokens=CHEAP,
        )
