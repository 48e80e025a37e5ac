"""Probes of the preflight: the first requests of a run, which find out how the deployment takes all others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from conformance.contract.model import Tier
from conformance.probes.model import Probe, either_probe, served_probe
from conformance.probes.request_body import RequestBody

PREFLIGHT: Final = "preflight/"
OPTIONAL_FIELDS: Final = f"{PREFLIGHT}optional-fields"
ROOM_TO_THINK: Final = (256, 1024)
"""Tokens that are added to limits, one after the other, until a thinking model says its first word."""
PREFLIGHT_VALUES: Final[Mapping[str, Any]] = {
    "temperature": 1,
    "top_p": 1,
    "n": 1,
    "stop": ["\u241f"],
    "seed": 7,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "logprobs": True,
    "top_logprobs": 1,
}
"""A harmless value of each optional field: what a deployment does by itself, where there is such a value."""
_TOKENS = 2


def again(probe: Probe, number: int) -> Probe:
    """The smallest valid request under a name of its own, where it had to be sent more than once."""
    about = f"the smallest valid request, at the {('first', 'second')[number - 1]} try"
    return served_probe(f"{PREFLIGHT}try-{number}", about, probe.body, tier=Tier.SMOKE)


def as_refused(probe: Probe, number: int) -> Probe:
    """A request that was refused for how it limits its tokens, under a name of its own: it is sent in another way."""
    about = f"{probe.about}, limited in a way that the deployment may not take"
    return either_probe(f"{PREFLIGHT}limit-{number}", about, probe.body, tier=Tier.SMOKE)


def optional_fields(body: RequestBody, number: int) -> Probe | None:
    """All optional fields of the contract at once; None where it has none, or the target refuses all."""
    request = body.asking("Say hello.", tokens=_TOKENS)
    if body.limit_field:
        # Every other request is limited by the first of these fields; whether the last is taken shows here.
        del request[body.limit_field]
        request[body.limit_fields[-1]] = body.limit(_TOKENS)
    for name, value in PREFLIGHT_VALUES.items():
        wider = {**request, name: value}
        if body.has(name) and body.is_spoken(wider) and body.accepts(wider):
            request = wider
    if not any(name in request for name in PREFLIGHT_VALUES):
        return None
    name = f"{OPTIONAL_FIELDS}{'' if number == 1 else f'-{number}'}"
    return either_probe(name, "optional fields of the contract, at harmless values", request, tier=Tier.SMOKE)


def thinking(body: RequestBody, tokens: int) -> Probe:
    """The smallest question with room to think."""
    request = body.asking("Say hello.", tokens=tokens)
    about = f"a short question, with room to think before the answer ({tokens} tokens)"
    return either_probe(f"{PREFLIGHT}thinking-{tokens}", about, request, tier=Tier.SMOKE)
