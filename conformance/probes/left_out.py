"""Which probes of a plan are not sent, because they are about something that the target is known to lack."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from conformance.probes.model import Credential, Probe
from conformance.probes.plan import Plan
from conformance.targets.capabilities import AUTHENTICATION, STREAMING
from conformance.targets.model import Target

_LACKS = "the target lacks "


def left_out(plan: Plan, target: Target) -> dict[str, str]:
    """Why each probe that is not sent is not, by its name."""
    if not target.lacks:
        return {}
    found = ((probe.name, _lacking(probe, target.lacks)) for probe in plan.every_probe())
    return {name: f"{_LACKS}{capability}" for name, capability in found if capability is not None}


def lacking_capability(reason: str) -> str | None:
    """The capability for whose lack a probe was not sent, by the reason that `left_out` gave; None for others."""
    return reason.removeprefix(_LACKS) if reason.startswith(_LACKS) else None


def _lacking(probe: Probe, lacks: Collection[str]) -> str | None:
    if STREAMING in lacks and probe.asks_for_stream:
        return STREAMING
    if AUTHENTICATION in lacks and probe.credential is not Credential.OWN:
        return AUTHENTICATION
    fields = probe.body if isinstance(probe.body, Mapping) else {}
    return next((name for name in lacks if name in fields), None)
