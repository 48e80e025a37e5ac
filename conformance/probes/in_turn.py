"""Probes that follow one another on one connection: what is refused, HEAD and OPTIONS, each with a request behind it.

They cost no completion. Each is the twin of a request that is sent by itself as well, whose answer says what is due.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from conformance.probes.access import no_key_and_invalid
from conformance.probes.client_errors import other_method, unknown_route
from conformance.probes.clients import preflight
from conformance.probes.model import Intent, Probe, either_probe
from conformance.probes.request_body import RequestBody
from conformance.probes.script import HEAD, Script

IN_TURN: Final = "client/in-turn-"
"""What the names begin with of all of these requests but HEAD."""
HEAD_IN_TURN: Final = "client/head"
TWINS: Final[Mapping[str, str]] = {
    f"{IN_TURN}route": "error/unknown-route",
    f"{IN_TURN}no-key": "access/no-key-invalid",
    f"{IN_TURN}method": "error/method",
    f"{IN_TURN}preflight": "client/preflight",
    f"{IN_TURN}last": "error/unknown-route",
}
"""The same request by itself, by the name of the one that is sent in its turn."""


def in_turn_probes(body: RequestBody) -> Iterator[Probe]:
    """Requests that a server answers without a completion, one after another over one connection."""
    by_themselves = [unknown_route(body), other_method(body), preflight(body)]
    if body.contract.operation.credential is not None:
        by_themselves.append(no_key_and_invalid(body))
    known = {probe.name: probe for probe in by_themselves}
    names = [name for name, twin in TWINS.items() if twin in known]
    for name in names[:-1]:
        yield _in_turn(name, known[TWINS[name]])
    head = either_probe(HEAD_IN_TURN, "HEAD instead of POST", None, method="HEAD", completion_tokens=0)
    yield replace(head, connection="in-turn", script=Script((HEAD,)))
    yield _in_turn(names[-1], known[TWINS[names[-1]]])


def _in_turn(name: str, probe: Probe) -> Probe:
    script = Script() if probe.body is not None else Script((HEAD,))
    about = f"{probe.about}, on a connection that has had other requests"
    return replace(probe, name=name, about=about, intent=Intent.EITHER, connection="in-turn", script=script)
