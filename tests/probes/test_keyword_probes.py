"""Each keyword is honoured with valid requests, and enforced with requests that break it and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator
from planning_samples import (
    ALL_BUT_GENERATED,
    OWN,
    PROFILES,
    TARGET,
    broken_keywords,
    planned_contract,
    request_requirements,
)

from conformance.contract import Contract, Tier
from conformance.probes import Intent, Probe, plan
from conformance.probes.pointer_edits import path_of

# No value of a wrong type is a member of an enum, or the constant, so what breaks the type breaks the other as well.
_NO_MEMBER_HAS_ANOTHER_TYPE: Mapping[str, set[str]] = {
    "openai": {"request.messages.items.role.type", "request.messages.items.content.array.items.type.type"},
    "kodexa": {"request.messages.items.role.type"},
    "loop-health": {"request.messages.items.role.type", "request.model.type"},
    OWN: {"request.messages.items.role.type"},
}
# Nor is what is not the one kind of part that some messages have a kind that others may have.
_NO_KIND_OF_PART = {"request.messages.items.content.array.items.type.const"}
_NEVER_ENFORCED: Mapping[str, dict[str, str]] = {
    "openai": {},
    "kodexa": {"request.path.org-id.type": "what stands in a path is always text"},
    "loop-health": {},
    OWN: {"request.essay.max-length": "a text of two thousand million characters is not sent to anybody"},
}


@pytest.fixture(scope="module", params=[*PROFILES, OWN])
def contract(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Contract:
    return planned_contract(request.param, tmp_path_factory.mktemp("own"))


def _name(contract: Contract) -> str:
    return contract.profile.name if contract.profile.name in _NEVER_ENFORCED else OWN


def _probes(contract: Contract) -> list[Probe]:
    return list(plan(contract, TARGET, ALL_BUT_GENERATED, Tier.EXHAUSTIVE).every_probe())


def _enforced(contract: Contract) -> list[tuple[str, Probe]]:
    named = ((probe.name.partition("/enforced/"), probe) for probe in _probes(contract))
    return [(requirement, probe) for (requirement, aspect, _), probe in named if aspect]


def _accepts(schema: Any, instance: Any) -> bool:
    return bool(Draft202012Validator(schema, validate_formats=True).is_valid(instance))


def test_what_must_be_served_is_a_valid_request(contract: Contract) -> None:
    served = [probe for probe in _probes(contract) if probe.intent is Intent.SERVED]
    assert len(served) > 20
    for probe in served:
        assert _accepts(contract.operation.request_schema, probe.body), (probe.name, probe.body)


def test_each_boundary_value_is_sent_in_a_combined_request_and_alone(contract: Contract) -> None:
    combined = plan(contract, TARGET, ["request/at-the-edge/*"], Tier.EXHAUSTIVE).probes
    parts = [part.name for probe in combined for part in probe.instead]
    assert len(parts) > 2 * len(combined)
    assert all("/honoured/" in name for name in parts)
    honoured = {probe.name for probe in _probes(contract) if "/honoured/" in probe.name and not probe.parameters}
    assert honoured == set(parts)


def test_what_enforces_a_keyword_breaks_this_keyword_and_no_other(contract: Contract) -> None:
    pairs = _enforced(contract)
    expected = _NO_MEMBER_HAS_ANOTHER_TYPE[_name(contract)]
    two_broken = set()
    for requirement_id, probe in pairs:
        row = contract.requirement(requirement_id)
        assert row is not None
        assert row.keyword is not None
        assert probe.intent is Intent.REFUSED
        schema: Any = contract.operation.request_schema
        sent = probe.body
        if row.keyword.location.startswith("path."):
            parameter = row.keyword.location.removeprefix("path.")
            assert _accepts(schema, sent), probe.name
            schema, sent = contract.operation.path_parameters[parameter], probe.parameters[parameter]
        assert not _accepts(schema, sent), probe.name
        broken = broken_keywords(schema, sent)
        if requirement_id in expected:
            two_broken.add(requirement_id)
            broken -= {row.keyword.pointer.removesuffix("type") + values for values in ("enum", "const")}
        if requirement_id in _NO_KIND_OF_PART:
            broken -= {pointer for pointer in broken if pointer.endswith("/properties/type/enum")}
        assert broken == {row.keyword.pointer}, probe.name
    assert two_broken == expected


def test_what_enforces_required_leaves_out_just_this_name(contract: Contract) -> None:
    for requirement_id, probe in _enforced(contract):
        row = contract.requirement(requirement_id)
        assert row is not None
        if row.keyword is None or row.keyword.name != "required":
            continue
        assert isinstance(row.keyword.schema, Mapping)
        required = set(row.keyword.schema["required"])
        missing = [required - holder.keys() for holder in _holders(probe.body, path_of(row.keyword.pointer))]
        assert {row.keyword.value} in missing, probe.name


def _holders(body: Any, path: tuple[str | int, ...]) -> Iterator[dict[str, Any]]:
    """What is at a path, for the first message also in the others: what a call needs may stand before it."""
    starts = [body]
    if path[:2] == ("messages", 0):
        starts, path = body["messages"], path[2:]
    for found in starts:
        yield from _at(found, path)


def _at(value: Any, path: tuple[str | int, ...]) -> Iterator[dict[str, Any]]:
    if not path:
        yield from [value] if isinstance(value, dict) else []
    elif isinstance(value, dict) and path[0] in value:
        yield from _at(value[str(path[0])], path[1:])
    elif isinstance(value, list) and path[0] == 0 and value:
        yield from _at(value[0], path[1:])


def test_every_keyword_is_enforced_or_cannot_be(contract: Contract) -> None:
    enforced = {requirement_id for requirement_id, _ in _enforced(contract)}
    without = {row.id for row in request_requirements(contract)} - enforced
    assert without == _NEVER_ENFORCED[_name(contract)].keys()


@pytest.mark.parametrize(
    ("profile", "name", "field", "value"),
    [
        ("openai", "request.temperature.maximum/enforced/above", "temperature", 2.00005),
        ("openai", "request.temperature.minimum/enforced/below", "temperature", -0.00005),
        ("openai", "request.temperature.type/enforced/string", "temperature", "0.5"),
        ("openai", "request.stream.type/enforced/string", "stream", "true"),
        ("openai", "request.n.minimum/enforced/below", "n", 0),
        ("openai", "request.n.maximum/enforced/above", "n", 129),
        ("openai", "request.n.maximum/honoured/at-maximum", "n", 128),
        ("loop-health", "request.max_tokens.exclusive-minimum/enforced/at-bound", "max_tokens", 0),
        ("loop-health", "request.max_tokens.exclusive-minimum/honoured/just-above", "max_tokens", 1),
        ("loop-health", "request.brand_id.min-length/enforced/too-short", "brand_id", ""),
        (OWN, "request.max_tokens.minimum/enforced/below", "max_tokens", 0),
        (OWN, "request.temperature.exclusive-maximum/honoured/just-below", "temperature", 1.49995),
        (OWN, "request.even.maximum/enforced/above", "even", 12),
        (OWN, "request.size.enum/enforced/unknown-member", "size", 5),
        (OWN, "request.fast.const/enforced/other", "fast", False),
        (OWN, "request.code.max-length/enforced/too-long", "code", "00000"),
    ],
)
def test_the_values_are_the_nearest_to_the_boundary(
    profile: str, name: str, field: str, value: object, tmp_path: Path
) -> None:
    contract = planned_contract(profile, tmp_path)
    probe = next(probe for probe in _probes(contract) if probe.name == name)
    assert probe.body[field] == value
    assert type(probe.body[field]) is type(value)


@pytest.mark.parametrize(
    ("pointer", "path"),
    [
        ("/type", ()),
        ("/properties/n/minimum", ("n",)),
        ("/properties/messages/items/properties/role/enum", ("messages", 0, "role")),
        ("/properties/stop/anyOf/1/items/type", ("stop", 0)),
        ("/properties/pair/prefixItems/1/type", ("pair", 1)),
        ("/properties/a~1b~0c/type", ("a/b~c",)),
        ("/allOf/0/properties/items/type", ("items",)),
        ("/then/properties/a/type", ("a",)),
    ],
)
def test_a_schema_pointer_leads_to_the_value_that_it_judges(pointer: str, path: tuple[str | int, ...]) -> None:
    assert path_of(pointer) == path
