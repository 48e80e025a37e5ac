"""Plans of huge documents, and of small ones that demand much, take a bounded amount of work, or are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from planning_samples import ALL_BUT_GENERATED, MESSAGES, TARGET, write_own_document
from shipped_contracts import shipped_contract

from conformance.contract import Contract, ContractError, Tier, load_contract
from conformance.contract.branches import kebab
from conformance.contract.effort import TooMuchEffortError, bounded_effort, parts_of, spend
from conformance.contract.samples import LONGEST, MOST_ITEMS, matching_text, sample
from conformance.contract.slow_patterns import takes_long_to_match
from conformance.probes import Plan, ProbeError, plan
from conformance.probes.generated import generated_probes
from conformance.probes.generation_limits import is_soon_generated
from conformance.probes.missing_probes import why_without_probe
from conformance.probes.request_body import RequestBody

TEXT = {"type": "string"}
BILLION = 10**9


def contract_of(folder: Path, *, required: tuple[str, ...] = (), **fields: Any) -> Contract:
    request = {"type": "object", "required": ["messages", *required], "properties": {"messages": MESSAGES, **fields}}
    return load_contract(str(write_own_document(folder, request)))


def planned(contract: Contract) -> Plan:
    return plan(contract, TARGET, ALL_BUT_GENERATED, Tier.EXHAUSTIVE)


def names_of(found: Plan) -> set[str]:
    return {probe.name for probe in found.every_probe()}


def nested(times: int, schema: Any, around: Callable[[Any], Any]) -> Any:
    for _ in range(times):
        schema = around(schema)
    return schema


DEMANDING: dict[str, Any] = {
    "many items": {"type": "array", "minItems": BILLION, "items": TEXT},
    "many different items": {"type": "array", "minItems": BILLION, "uniqueItems": True, "items": {"type": "integer"}},
    "many items of a kind": {"type": "array", "contains": TEXT, "minContains": BILLION},
    "many items of many items": nested(6, TEXT, lambda one: {"type": "array", "minItems": 100, "items": one}),
    "many items of a large kind": {
        "type": "array",
        "minContains": 10_000,
        "contains": {"type": "array", "minItems": 5000, "items": TEXT},
    },
    "a long text": {"type": "string", "minLength": BILLION},
    "a longer text than is bounded": {"type": "string", "maxLength": BILLION},
    "a long text of a pattern": {"type": "string", "pattern": "^(ab)+$", "minLength": 90_000},
    "many members": {"type": "object", "minProperties": 10**6},
    "a number beyond all others": {"type": "number", "minimum": 1.7e308, "multipleOf": 1e-300},
    "a number between the farthest bounds": {"type": "number", "minimum": -1.7e308, "maximum": 1.7e308},
    "an integer of 308 digits": {"type": "integer", "minimum": 10**307, "multipleOf": 3},
    "a tiny step": {"type": "number", "multipleOf": 5e-324},
    "a huge step": {"type": "number", "multipleOf": 1.7e308},
    "many values": {"type": "string", "enum": [f"value-{number}" for number in range(20_000)]},
    "many that depend": {
        "type": "object",
        "dependentRequired": {f"a{one}": [f"b{other}" for other in range(50)] for one in range(100)},
    },
    "alternatives of alternatives": nested(8, TEXT, lambda one: {"oneOf": [one, {"type": "object", "const": {}}]}),
    "nots of nots": nested(60, TEXT, lambda one: {"not": one}),
    "a pattern that may take for ever": {"type": "string", "pattern": "^(?=(a+)+$)(b{30}|a{40}b)$"},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", DEMANDING)
def test_a_field_that_demands_much_is_planned_for_within_bounds(name: str, tmp_path: Path) -> None:
    contract = contract_of(tmp_path, field=DEMANDING[name])
    found = planned(contract)
    for probe in found.every_probe():
        if probe.name.startswith("request.field"):
            assert parts_of(probe.body, 2 * MOST_ITEMS) < 2 * MOST_ITEMS
            assert len(json.dumps(probe.body, allow_nan=False, ensure_ascii=False)) < 2 * LONGEST
    assert any(name.startswith("completion/") for name in names_of(found))
    drawn = [probe.body for probe in generated_probes(RequestBody(contract, TARGET), Tier.EXHAUSTIVE, 30)]
    assert len(drawn) >= 30
    assert all(json.dumps(body, allow_nan=False) for body in drawn if not isinstance(body, bytes))


def test_the_first_hundred_values_of_an_enum_are_sent(tmp_path: Path) -> None:
    values = [f"value-{number}" for number in range(150)]
    found = names_of(planned(contract_of(tmp_path, field={"enum": values})))
    assert {name for name in found if "field.enum/honoured/member-" in name} == {
        f"request.field.enum/honoured/member-{number}" for number in range(100)
    }


@pytest.mark.parametrize(
    ("keyword", "schema"),
    [
        ("minItems", {"type": "array", "minItems": BILLION}),
        ("minLength", {"type": "string", "minLength": BILLION}),
        ("minProperties", {"type": "object", "minProperties": BILLION}),
        ("minContains", {"type": "array", "contains": TEXT, "minContains": BILLION}),
    ],
)
def test_a_bound_that_no_request_reaches_is_untested_for_that_reason(keyword: str, schema: Any, tmp_path: Path) -> None:
    contract = contract_of(tmp_path, field=schema)
    row = next(row for row in contract.requirements if row.id == f"request.field.{kebab(keyword)}")
    assert not any(name.startswith(f"{row.id}/honoured") for name in names_of(planned(contract)))
    assert why_without_probe(row, "honoured") == "A request that reaches this bound would be too large to send."


def test_a_document_that_demands_too_large_a_request_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"own\.openapi\.yaml:1: no valid request can be made from the schema"):
        contract_of(tmp_path, required=("field",), field={"type": "array", "minItems": BILLION, "items": TEXT})


def test_a_document_with_too_many_keywords_is_refused(tmp_path: Path) -> None:
    fields: dict[str, Any] = {f"field{number}": {"type": "string", "minLength": 1} for number in range(2600)}
    with pytest.raises(ContractError, match=r"own\.openapi\.yaml:1: the schemas up to that of the request have more"):
        contract_of(tmp_path, **fields)


TOO_MUCH: dict[str, Any] = {
    "many alternatives": {
        "oneOf": [
            {"type": "object", "required": [f"a{number}"], "properties": {f"a{number}": {"const": number}}}
            for number in range(2400)
        ]
    },
    "many large members": {
        "type": "object",
        "minProperties": 5000,
        "additionalProperties": {"type": "array", "minItems": 5000, "items": TEXT},
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TOO_MUCH)
def test_a_document_that_takes_too_much_work_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ProbeError, match="the request schema of own is too large, or branches too much"):
        planned(contract_of(tmp_path, field=TOO_MUCH[name]))


def test_the_plans_of_the_shipped_contracts_take_a_tenth_of_the_work_that_is_allowed() -> None:
    for profile in ("openai", "kodexa", "loop-health"):
        with bounded_effort(200_000):
            plan(shipped_contract(profile), TARGET, ALL_BUT_GENERATED, Tier.EXHAUSTIVE)


def test_work_is_counted_only_where_it_is_bounded_and_the_outer_bound_counts() -> None:
    spend(10**12)
    with bounded_effort(10):
        spend(6)
        with bounded_effort(100):
            spend(4)
            with pytest.raises(TooMuchEffortError):
                spend(1)


def test_looking_for_a_sample_that_does_not_exist_ends() -> None:
    # Each level has sixty candidates, and none of them fits.
    schema = nested(12, {"not": {}}, lambda one: {"anyOf": [one, one], "not": {}})
    with bounded_effort(50_000), pytest.raises(TooMuchEffortError):
        sample(schema)
    assert sample(nested(5, {"not": {}}, lambda one: {"anyOf": [one, one], "not": {}})) is not None


@pytest.mark.parametrize(
    ("pattern", "long"),
    [
        ("^[a-z]+(-[a-z0-9]+)*$", False),
        ("^(?=.*[0-9])[a-z0-9]{8,}$", False),
        ("^(a+)+$", False),
        ("^(?=(a+)+$)b$", True),
        ("^(a|a)*(?!b)c$", True),
        (r"^(a+)+\1$", True),
        ("a" * 1001, True),
    ],
)
def test_patterns_that_may_take_for_ever_are_known_by_their_looks(pattern: str, long: bool) -> None:
    assert takes_long_to_match(pattern) is long


def test_a_text_is_found_for_a_pattern_with_an_assertion() -> None:
    assert matching_text("^(?=.*[0-9])[x-z0-9]{8,}$") == "00000000"
    assert matching_text("^(?=(a+)+$)(b{30}|a{40}b)$") is None


@pytest.mark.parametrize(
    ("schema", "soon"),
    [
        (DEMANDING["many items of many items"], False),
        (DEMANDING["many members"], False),
        (DEMANDING["a long text"], False),
        (DEMANDING["many values"], False),
        ({"type": "object", "patternProperties": {"^(?=(a+)+$)b$": TEXT}}, False),
        ({"type": "object", "properties": {"a": {"type": "array", "minItems": 1000, "items": TEXT}}}, True),
    ],
)
def test_schemathesis_is_given_what_it_can_generate_soon(schema: Any, soon: bool) -> None:
    assert is_soon_generated(schema) is soon
    assert is_soon_generated({"properties": {"field": schema}}) is soon
