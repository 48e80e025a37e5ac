"""A plan as plain data and back, as far as judging needs it: so that evidence can be judged without planning again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from conformance.probes.model import Intent, Probe
from conformance.probes.plan import Plan


def plan_data(plan: Plan) -> list[dict[str, Any]]:
    """Each probe's name, reason, intent and whether it asks for a stream; those in its stead within it."""
    return [_data(probe) for probe in plan.probes]


def plan_from(data: Iterable[Mapping[str, Any]]) -> Plan:
    """The plan that `plan_data` made data of. Its probes can be judged by, not sent: they have no body.

    Raises:
        ValueError: the data is none.
    """
    try:
        return Plan(tuple(_probe(one) for one in data))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the list of probes is broken ({error})") from error


def _data(probe: Probe) -> dict[str, Any]:
    data: dict[str, Any] = {"name": probe.name, "about": probe.about, "intent": probe.intent.value}
    if probe.asks_for_stream:
        data["stream"] = True
    if probe.instead:
        data["instead"] = [_data(one) for one in probe.instead]
    return data


def _probe(data: Mapping[str, Any]) -> Probe:
    return Probe(
        name=data["name"],
        about=data["about"],
        intent=Intent(data["intent"]),
        body={"stream": True} if data.get("stream") else None,
        instead=tuple(_probe(one) for one in data.get("instead", ())),
    )
