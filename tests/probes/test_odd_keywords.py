"""Every keyword of a user's own document gets requests at its boundary and beyond it, or a reason why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator
from planning_samples import MESSAGES, TARGET, write_own_document

from conformance.contract import Contract, Requirement, load_contract
from conformance.contract.samples import matching_text
from conformance.probes import Intent, Probe
from conformance.probes.keywords import keyword_probes
from conformance.probes.missing_probes import why_without_probe
from conformance.probes.request_body import RequestBody

pytestmark = pytest.mark.slow

TEXT = {"type": "string"}
WHOLE = {"type": "integer"}
PAIR = {"type": "object", "required": ["a"], "properties": {"a": WHOLE, "b": TEXT}}

BINDING = {"document": "contract", "place": "section 2", "basis": "stated"}
"""What makes a `format` more than an annotation: its author says so."""

# Each field, and the keyword of it that is looked at (below the field's own schema).
FIELDS: dict[str, tuple[dict[str, Any], str]] = {
    "unique": ({"type": "array", "items": TEXT, "uniqueItems": True}, "uniqueItems"),
    "unique_numbers": ({"type": "array", "minItems": 3, "items": WHOLE, "uniqueItems": True}, "uniqueItems"),
    "closed": ({**PAIR, "additionalProperties": False}, "additionalProperties"),
    "unevaluated": ({**PAIR, "unevaluatedProperties": False}, "unevaluatedProperties"),
    "least": ({**PAIR, "minProperties": 2}, "minProperties"),
    "most": ({**PAIR, "maxProperties": 2}, "maxProperties"),
    "dependent": ({**PAIR, "dependentRequired": {"b": ["c"]}}, "dependentRequired"),
    "dependent_schema": (
        {**PAIR, "dependentSchemas": {"b": {"required": ["c"], "properties": {"c": WHOLE}}}},
        "dependentSchemas",
    ),
    "names": ({"type": "object", "propertyNames": {"pattern": "^[a-z]+$"}}, "propertyNames"),
    "contains": ({"type": "array", "contains": {"const": "yes"}}, "contains"),
    "contains_two": ({"type": "array", "contains": WHOLE, "minContains": 2}, "minContains"),
    "contains_most": ({"type": "array", "contains": WHOLE, "maxContains": 2}, "maxContains"),
    "not_this": ({"type": "string", "not": {"const": "forbidden"}}, "not"),
    "not_both": ({**PAIR, "not": {"required": ["b"]}}, "not"),
    "condition": (
        {
            "type": "object",
            "required": ["kind"],
            "properties": {"kind": {"enum": ["plain", "rich"]}, "extra": TEXT},
            "if": {"properties": {"kind": {"const": "rich"}}},
            "then": {"required": ["extra"]},
        },
        "if",
    ),
    "one_of": (
        {
            "oneOf": [
                {"type": "object", "required": ["url"], "properties": {"url": TEXT}},
                {"type": "object", "required": ["file"], "properties": {"file": TEXT}},
            ]
        },
        "oneOf",
    ),
    "multiples": ({"oneOf": [{"type": "integer", "multipleOf": 2}, {"type": "integer", "multipleOf": 3}]}, "oneOf"),
    "tuple": (
        {"type": "array", "prefixItems": [TEXT, WHOLE], "items": False, "minItems": 2},
        "items",
    ),
    "tuple_member": ({"type": "array", "prefixItems": [TEXT, WHOLE]}, "prefixItems/1/type"),
    "by_pattern": (
        {"type": "object", "patternProperties": {"^x-": {"type": "integer", "maximum": 5}}},
        "patternProperties/^x-/maximum",
    ),
    "others": (
        {"type": "object", "additionalProperties": {"type": "integer", "minimum": 3}},
        "additionalProperties/minimum",
    ),
    "plate": ({"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3}$"}, "pattern"),
    "version": ({"type": "string", "pattern": "^v\\d+\\.\\d+$"}, "pattern"),
    "sizes": ({"enum": [256, 512, 1024]}, "enum"),
    "half": ({"type": "number", "multipleOf": 0.5, "minimum": 0, "maximum": 2}, "multipleOf"),
    **{
        name.replace("-", "_"): ({"type": "string", "format": name, "x-source": {"format": BINDING}}, "format")
        for name in ("email", "date-time", "date", "time", "uri", "ipv4", "ipv6", "hostname", "uuid", "duration")
    },
}
NOT_HONOURED: dict[str, str] = {}


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    properties = {name: schema for name, (schema, _) in FIELDS.items()}
    request = {
        "type": "object",
        "required": ["messages"],
        "properties": {"messages": MESSAGES, "max_tokens": {"type": "integer", "minimum": 1}, **properties},
    }
    return load_contract(str(write_own_document(tmp_path_factory.mktemp("odd"), request)))


@pytest.fixture(scope="module")
def body(contract: Contract) -> RequestBody:
    return RequestBody(contract, TARGET)


@pytest.fixture(scope="module")
def probes(body: RequestBody) -> list[Probe]:
    return [one for probe in keyword_probes(body) for one in (probe, *probe.instead)]


def row_of(contract: Contract, field: str) -> Requirement:
    pointer = f"/properties/{field}/{FIELDS[field][1]}"
    found = [row for row in contract.requirements if row.keyword is not None and row.keyword.pointer == pointer]
    assert len(found) == 1, pointer
    return found[0]


def of(probes: list[Probe], row: Requirement, aspect: str) -> list[Probe]:
    return [probe for probe in probes if probe.name.startswith(f"{row.id}/{aspect}/")]


def without_keyword(schema: Any, field: str) -> Any:
    """The request schema without the keyword of a field."""
    *way, last = FIELDS[field][1].split("/")
    copied: Any = {**schema, "properties": dict(schema["properties"])}
    holder = copied["properties"]
    step: Any = field
    for following in (*way, last):
        inner = holder[step]
        holder[step] = dict(inner) if isinstance(inner, dict) else list(inner)
        holder, step = holder[step], int(following) if isinstance(inner, list) else following
    for gone in (
        step,
        *(("then", "else") if step == "if" else ()),
        *(("minContains", "maxContains") if step == "contains" else ()),
    ):
        holder.pop(gone, None)
    return copied


@pytest.mark.slow
@pytest.mark.parametrize("field", FIELDS)
def test_a_request_beyond_the_boundary_breaks_this_keyword_alone(
    field: str, contract: Contract, probes: list[Probe]
) -> None:
    row = row_of(contract, field)
    enforcing = of(probes, row, "enforced")
    assert enforcing
    schema: Any = contract.operation.request_schema
    whole, lenient = Draft202012Validator(schema, validate_formats=True), without_keyword(schema, field)
    ignoring = Draft202012Validator(lenient, validate_formats=True)
    for probe in enforcing:
        assert probe.intent is Intent.REFUSED
        assert not whole.is_valid(probe.body), probe.name
    assert any(ignoring.is_valid(probe.body) for probe in enforcing), [probe.body.get(field) for probe in enforcing]


@pytest.mark.parametrize("field", FIELDS)
def test_a_request_at_the_boundary_is_valid_and_has_the_field(
    field: str, contract: Contract, probes: list[Probe]
) -> None:
    honouring = of(probes, row_of(contract, field), "honoured")
    assert honouring
    for probe in honouring:
        assert Draft202012Validator(contract.operation.request_schema, validate_formats=True).is_valid(probe.body)  # type: ignore[arg-type]
        assert field in probe.body


UNDECIDABLE: dict[str, dict[str, Any]] = {
    "essay": {"type": "string", "maxLength": 2_000_000_000},
    "impossible": {"type": "string", "pattern": "(?=a)b"},
}


@pytest.mark.parametrize("field", UNDECIDABLE)
def test_what_cannot_be_decided_has_a_reason(field: str, tmp_path: Path) -> None:
    request = {
        "type": "object",
        "required": ["messages"],
        "properties": {"messages": MESSAGES, field: UNDECIDABLE[field]},
    }
    contract = load_contract(str(write_own_document(tmp_path, request)))
    keyword = "maxLength" if field == "essay" else "pattern"
    row = next(
        row
        for row in contract.requirements
        if row.keyword is not None and row.keyword.pointer == f"/properties/{field}/{keyword}"
    )
    names = {one.name for probe in keyword_probes(RequestBody(contract, TARGET)) for one in (probe, *probe.instead)}
    assert not any(name.startswith(f"{row.id}/honoured/") for name in names)
    assert why_without_probe(row, "honoured").endswith(".")


@pytest.mark.slow
@pytest.mark.parametrize("pattern", ["^[A-Z]{3}-[0-9]{4}$", "^(red|green)/[a-f]{6}$", "[[:", "(?=a)b"])
def test_a_text_for_an_unusual_pattern_matches_and_leaves_no_file_behind(
    pattern: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    try:
        found = matching_text(pattern)
    except ValueError:
        found = None  # no pattern at all, which no document that is loaded has
    assert found is None or Draft202012Validator({"type": "string", "pattern": pattern}).is_valid(found)
    assert (found is None) is (pattern in {"[[:", "(?=a)b"})
    assert list((tmp_path / "here").iterdir()) == []
