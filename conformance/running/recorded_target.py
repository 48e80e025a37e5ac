"""What the evidence says of the target: the values of its parameters by their keys, and no secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from conformance.contract import Contract, known_parameters
from conformance.targets import Target, reach_from
from conformance.targets.deployment_dialect import PLAIN, DeploymentDialect

_FIELDS = ("base_url", "name", "embedded", "model")
_HAS_OTHER_API_KEY = "has_other_api_key"
_DIALECT = "dialect"
_REACH = "reach"
"""What every request carried beside, by name, and its way; only there where there was something."""
_NOT_KEPT = "(not kept)"


def recorded_target(target: Target, contract: Contract) -> dict[str, Any]:
    """The target as it stands in the header of the evidence.

    It has a member for each parameter that a shipped dialect declares, so that all headers look alike: one that the
    contract does not have has its default, or null.
    """
    recorded = {name: getattr(target, name) for name in _FIELDS}
    recorded |= {parameter.key: parameter.default for parameter in known_parameters()}
    recorded |= {parameter.key: target.value(parameter) for parameter in contract.parameters}
    for parameter in (*known_parameters(), *contract.parameters):
        if parameter.second is not None:
            recorded[parameter.second.key] = target.other_parameters.get(parameter.name)
    recorded |= {
        _HAS_OTHER_API_KEY: target.other_api_key is not None,
        "unsupported": list(target.unsupported),
        "second_tenant": target.second_tenant,
        _DIALECT: asdict(target.dialect),
    }
    return recorded | ({_REACH: target.reach.data()} if target.reach else {})


def target_from_record(recorded: Mapping[str, Any], contract: Contract) -> Target:
    """The target that a header describes, without its keys; members that the contract has no use for are left out.

    Raises:
        KeyError: there is no base URL.
        TypeError: a value is not text.
    """
    # The second tenant's key is not in the evidence; that it was there decides which probes were planned.
    return Target(
        base_url=recorded["base_url"],
        **{name: recorded[name] for name in _FIELDS if name in recorded and name != "base_url"},
        parameters=dict(_values(recorded, ((one.name, one.key) for one in contract.parameters))),
        other_parameters=dict(
            _values(recorded, ((one.name, one.second.key) for one in contract.parameters if one.second is not None))
        ),
        other_api_key=_NOT_KEPT if recorded.get(_HAS_OTHER_API_KEY, False) else None,
        unsupported=tuple(map(str, recorded.get("unsupported", ()))),
        second_tenant=recorded.get("second_tenant"),
        dialect=DeploymentDialect.from_data(recorded[_DIALECT]) if _DIALECT in recorded else PLAIN,
        reach=reach_from(recorded.get(_REACH, {})),
    )


def first_difference(recorded: Target, given: Target, contract: Contract) -> tuple[str, Any, Any] | None:
    """The first member in which two targets differ, with both values. Keys are not compared: they are in no file."""
    before, now = _compared(recorded, contract), _compared(given, contract)
    names = (name for name in before | now if before.get(name) != now.get(name))
    return next(((name, before.get(name), now.get(name)) for name in names), None)


def _compared(target: Target, contract: Contract) -> dict[str, Any]:
    record = recorded_target(target, contract)
    for name in (_HAS_OTHER_API_KEY, _DIALECT, _REACH):  # not in the configuration, or compared part by part
        record.pop(name, None)
    return {**record, **target.reach.data()}


def _values(recorded: Mapping[str, Any], names: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for name, key in names:
        value = recorded.get(key)
        if value is None:
            continue
        if not isinstance(value, str):
            raise TypeError(f"the {key} {value!r} is not text")
        yield name, value
