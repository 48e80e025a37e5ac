"""Judging values by a schema: which keywords they break, and which they were judged by at all."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from conformance.contract import load_contract
from conformance.contract.derive import located_schemas, places
from conformance.quoting import as_path
from conformance.reading.schema import KEPT_PER_KEYWORD, SchemaJudge, keyword_key
from conformance.reading.schema_reach import key_of

STOP = {
    "anyOf": [
        {"title": "string", "type": "string", "minLength": 1},
        {"title": "array", "type": "array", "maxItems": 2, "items": {"type": "string"}},
        {"type": "null"},
    ]
}


def message(role: str, **more: Any) -> dict[str, Any]:
    properties = {"role": {"const": role}, **more}
    return {"type": "object", "required": ["role", *more], "properties": properties}


MESSAGE = {"oneOf": [message("user", content={"type": "string"}), message("tool", call={"type": "integer"})]}


def reported(schema: Any, instance: Any) -> list[tuple[str, str]]:
    return [(one.key, one.instance_path) for one in SchemaJudge(schema).deviations(instance)]


@pytest.mark.parametrize(
    ("schema", "instance", "expected"),
    [
        ({"type": "object"}, {}, []),
        ({"type": "object"}, 3, [("/type", "")]),
        ({"type": "integer"}, 1.0, []),
        ({"type": "integer"}, 1.5, [("/type", "")]),
        ({"type": "integer"}, True, [("/type", "")]),
        ({"type": "number", "maximum": 2}, 2.00005, [("/maximum", "")]),
        ({"type": "integer", "maximum": 5}, 10**40, [("/maximum", "")]),
        ({"multipleOf": 0.1}, 0.3, []),
        ({"multipleOf": 0.1}, 0.35, [("/multipleOf", "")]),
        ({"const": 1}, True, [("/const", "")]),
        ({"enum": [0, None]}, False, [("/enum", "")]),
        ({"required": ["a", "b", "c"]}, {"b": 1}, [("/required#a", ""), ("/required#c", "")]),
        ({"properties": {"a/b": {"type": "null"}}}, {"a/b": 1}, [("/properties/a~1b/type", '["a/b"]')]),
        ({"items": {"properties": {"x": {"minimum": 1}}}}, [{"x": 0}], [("/items/properties/x/minimum", "[0].x")]),
        ({"prefixItems": [True, {"type": "null"}]}, [1, 2], [("/prefixItems/1/type", "[1]")]),
        ({"prefixItems": [True], "items": False}, [1, 2], [("/items", "")]),
        ({"properties": {"a": {}}, "additionalProperties": False}, {"a": 1, "b": 2}, [("/additionalProperties", "")]),
        ({"additionalProperties": {"type": "null"}}, {"b": 2}, [("/additionalProperties/type", "b")]),
        ({"patternProperties": {"^x": {"type": "null"}}}, {"x1": 2}, [("/patternProperties/^x/type", "x1")]),
        ({"allOf": [{}, {"minLength": 2}]}, "a", [("/allOf/1/minLength", "")]),
        (
            {"unevaluatedProperties": False, "allOf": [{"properties": {"a": {}}}]},
            {"b": 1},
            [("/unevaluatedProperties", "")],
        ),
        ({"not": {"type": "string"}}, "a", [("/not", "")]),
        ({"if": {"type": "string"}, "then": {"minLength": 2, "pattern": "b"}}, "a", [("/if", "")]),
        ({"if": {"type": "string"}, "else": {"properties": {"a": {"type": "null"}}}}, {"a": 1}, [("/if", "a")]),
        ({"contains": {"type": "null"}}, [1], [("/contains", "")]),
        ({"contains": {"type": "null"}, "maxContains": 1}, [None, None], [("/maxContains", "")]),
        ({"contains": {"type": "null"}, "minContains": 2}, [None], [("/minContains", "")]),
        ({"propertyNames": {"maxLength": 1}}, {"ab": 1}, [("/propertyNames", "")]),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, [("/dependentRequired", "")]),
        ({"dependentSchemas": {"a": {"required": ["b"]}}}, {"a": 1}, [("/dependentSchemas", "")]),
        ({"format": "uuid"}, "no", [("/format", "")]),
        ({"format": "date-time"}, "2026-11-01T10:00:00Z", []),
        ({"format": "unixtime"}, "no", []),
        ({"pattern": r"^\p{L}+$"}, "äö", []),
        ({"pattern": r"^\p{L}+$"}, "12", [("/pattern", "")]),
        ({"uniqueItems": True}, [1, 1.0], [("/uniqueItems", "")]),
        (False, 1, [("", "")]),
        (True, 1, []),
    ],
)
def test_each_keyword_is_reported_by_its_pointer(schema: Any, instance: Any, expected: list[tuple[str, str]]) -> None:
    assert reported(schema, instance) == expected
    assert SchemaJudge(schema).conforms(instance) is not bool(expected)


@pytest.mark.parametrize(
    ("schema", "instance", "expected"),
    [
        (STOP, "a", []),
        (STOP, None, []),
        (STOP, "", [("/anyOf/0/minLength", "")]),
        (STOP, ["a", "b", 3], [("/anyOf/1/maxItems", ""), ("/anyOf/1/items/type", "[2]")]),
        (STOP, 7, [("/anyOf", "")]),
        (MESSAGE, {"role": "user", "content": "a"}, []),
        (MESSAGE, {"role": "user", "content": 1}, [("/oneOf/0/properties/content/type", "content")]),
        (MESSAGE, {"role": "tool"}, [("/oneOf/1/required#call", "")]),
        (MESSAGE, {"role": "pilot"}, [("/oneOf", "")]),
        (MESSAGE, {"content": "a"}, [("/oneOf", "")]),
        (MESSAGE, [], [("/oneOf", "")]),
        ({"oneOf": [{"minimum": 1}, {"maximum": 5}]}, 3, [("/oneOf", "")]),
        ({"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, {}, [("/anyOf", "")]),
        ({"anyOf": [{"anyOf": [{"type": "string"}]}, {"type": "null"}]}, 1, [("/anyOf/0/anyOf", "")]),
    ],
)
def test_for_a_choice_the_branch_that_takes_such_values_is_reported_or_itself(
    schema: Any, instance: Any, expected: list[tuple[str, str]]
) -> None:
    assert reported(schema, instance) == expected


def test_a_recursive_schema_is_reported_by_its_definition() -> None:
    tree = {"type": "object", "properties": {"below": {"items": {"$ref": "#/$defs/Tree"}}}}
    schema = {"properties": {"tree": {"$ref": "#/$defs/Tree"}}, "$defs": {"Tree": tree}}
    instance = {"tree": {"below": [{"below": [3]}]}}
    assert reported(schema, instance) == [("/$defs/Tree/type", "tree.below[0].below[0]")]
    assert "/$defs/Tree/type" in SchemaJudge(schema).reached({"tree": {}})
    assert SchemaJudge(schema).reached({}) == frozenset()


def test_a_deviation_says_what_was_expected_and_what_came() -> None:
    schema = {
        "required": ["id"],
        "properties": {"n": {"maximum": 2}, "kind": {"enum": ["a", "b"]}},
        "additionalProperties": False,
    }
    found = {
        one.key: (one.expected, one.actual) for one in SchemaJudge(schema).deviations({"n": 3, "kind": "c", "z": 0})
    }
    assert found == {
        "/required#id": ("an object with `id`", '{"n": 3, "kind": "c", "z": 0}'),
        "/properties/n/maximum": ("at most 2", "3"),
        "/properties/kind/enum": ("one of `a`, `b`", '"c"'),
        "/additionalProperties": ("an object without properties that the contract does not name", 'with ["z"]'),
    }


@pytest.mark.parametrize(
    "hostile",
    [
        "x" * 10**6,
        "\x1b[31m\u202e\ud800<script>" * 20,
        ["a" * 1000] * 1000,
        {"k" * 10**6: 1},
        [[[[[[[[[1]]]]]]]]] * 999,
    ],
)
def test_what_came_is_quoted_short_and_harmless(hostile: Any) -> None:
    (found,) = SchemaJudge({"type": "null"}).deviations(hostile)
    assert len(found.actual) <= 80
    assert found.actual.replace("…", "").isascii()
    assert found.actual.isprintable()


def test_a_hostile_name_is_quoted_short_and_harmless() -> None:
    (found,) = SchemaJudge({"additionalProperties": {"type": "null"}}).deviations({"\x1b]" + "n" * 10**5: 1})
    assert len(found.instance_path) < 100
    assert found.instance_path.isprintable()


def test_lone_surrogates_are_judged_by_their_length() -> None:
    judge = SchemaJudge({"type": "object", "properties": {"a": {"type": "string", "maxLength": 1}}})
    assert judge.conforms({"a": "\ud800"})
    assert [one.key for one in judge.deviations({"a": "\ud800\udfff"})] == ["/properties/a/maxLength"]


def test_a_value_of_great_depth_is_judged() -> None:
    deep: Any = 1
    for _ in range(5000):
        deep = {"a": deep}
    tree = {"type": "object", "properties": {"a": {"$ref": "#/$defs/T"}}}
    judge = SchemaJudge({"$ref": "#/$defs/T", "$defs": {"T": tree}})
    assert not judge.conforms(deep)
    assert {one.pointer for one in judge.deviations(deep)} == {"/$defs/T/type"}
    assert judge.reached(deep) == {"/$defs/T/type"}


def test_a_million_mistakes_are_reported_a_few_times_and_hide_no_other() -> None:
    schema = {"prefixItems": [{"items": {"type": "string"}}, {"type": "string"}]}
    began = time.perf_counter()
    found = SchemaJudge(schema).deviations([[1] * 3000, 2])
    assert time.perf_counter() - began < 5
    keys = [one.key for one in found]
    assert keys.count("/prefixItems/0/items/type") == KEPT_PER_KEYWORD
    assert keys.count("/prefixItems/1/type") == 1


@pytest.mark.parametrize(
    ("instance", "expected"),
    [
        (3, {"/type"}),
        ({}, {"/type", "/required#id"}),
        ({"id": 1}, {"/type", "/required#id", "/properties/id/type"}),
        ({"n": None}, {"/type", "/required#id", "/properties/n/type"}),
        ({"n": 5}, {"/type", "/required#id", "/properties/n/type", "/properties/n/maximum"}),
        ({"list": []}, {"/type", "/required#id", "/properties/list/minItems"}),
        ({"list": [0]}, {"/type", "/required#id", "/properties/list/minItems", "/properties/list/items/type"}),
        ({"other": ""}, {"/type", "/required#id", "/additionalProperties/maxLength"}),
        ({"x-a": 1}, {"/type", "/required#id", "/patternProperties/^x-/type"}),
    ],
)
def test_a_keyword_is_reached_where_a_value_of_its_kind_is(instance: Any, expected: set[str]) -> None:
    schema = {
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": {"type": "string"},
            "n": {"type": ["number", "null"], "maximum": 2},
            "list": {"minItems": 1, "items": {"type": "string"}},
        },
        "patternProperties": {"^x-": {"type": "string"}},
        "additionalProperties": {"maxLength": 3},
    }
    assert SchemaJudge(schema).reached(instance) == expected


def test_of_a_choice_only_the_branch_that_judges_the_value_is_reached() -> None:
    stop = SchemaJudge(STOP)
    assert stop.reached("a") == {"/anyOf", "/anyOf/0/minLength"}
    assert stop.reached(["a"]) == {"/anyOf", "/anyOf/1/maxItems", "/anyOf/1/items/type"}
    assert stop.reached(None) == {"/anyOf"}
    assert stop.reached(3) == {"/anyOf"}
    messages = SchemaJudge(MESSAGE)
    assert messages.reached({"role": "tool"}) == {"/oneOf", "/oneOf/1/required#call"}
    alike = SchemaJudge({"anyOf": [{"properties": {"a": {"minimum": 1}}}, {"properties": {"a": {"maximum": -1}}}]})
    assert alike.reached({"a": 5}) == {"/anyOf", "/anyOf/0/properties/a/minimum"}
    assert alike.reached({"a": 0}) == {"/anyOf"}


@pytest.mark.parametrize(
    ("steps", "path"),
    [
        ([], ""),
        (["choices", 0, "delta", "role"], "choices[0].delta.role"),
        ([1, "a b"], '[1]["a b"]'),
        (["é"], '["\\u00e9"]'),
    ],
)
def test_paths_are_written_as_people_know_them(steps: list[str | int], path: str) -> None:
    assert as_path(steps) == path


@pytest.mark.parametrize("profile", ["kodexa", "loop-health", "openai"])
def test_keys_are_those_of_the_contracts_requirements(profile: str) -> None:
    contract = load_contract(profile)
    for location, schema in located_schemas(contract.operation):
        keys = {
            keyword_key(row.keyword)
            for row in contract.requirements
            if row.keyword is not None and row.keyword.location == location
        }
        if (profile, location) == ("loop-health", "error.default"):
            assert not keys  # inferred, for other tools: its page has no requirement for other errors than 400 and 500
            continue
        broken = {one.key for one in SchemaJudge(schema).deviations([])}
        assert broken
        assert broken <= keys
        # What a named condition says of its kinds are requirements of their own; the condition itself is none.
        reached = {one for one in SchemaJudge(schema).reached(contract.template) if not one.endswith("/if")}
        assert reached <= keys


leaves = st.sampled_from(
    [
        {},
        True,
        {"type": "string"},
        {"type": ["integer", "null"], "minimum": 1},
        {"type": "number", "multipleOf": 0.5},
        {"enum": [1, "a", None]},
        {"const": "a"},
        {"pattern": "^a", "maxLength": 2},
        {"$ref": "#/$defs/T"},
    ]
)
schemas: st.SearchStrategy[Any] = st.recursive(
    leaves,
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["object", "array", ["object", "array", "string"]]),
            "properties": st.dictionaries(st.sampled_from(["a", "b", "then", "$ref"]), inner, max_size=3),
            "required": st.lists(st.sampled_from(["a", "b"]), max_size=2, unique=True),
            "items": inner,
            "prefixItems": st.lists(inner, min_size=1, max_size=2),
            "additionalProperties": inner | st.just(False),
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "b"]), inner, max_size=2),
            "anyOf": st.lists(inner, min_size=1, max_size=3),
            "oneOf": st.lists(inner, min_size=1, max_size=3),
            "allOf": st.lists(inner, min_size=1, max_size=2),
            "not": inner,
            "if": inner,
            "then": inner,
            "contains": inner,
            "minContains": st.integers(0, 2),
            "maxContains": st.integers(0, 2),
            "propertyNames": inner,
            "unevaluatedProperties": st.just(False),
            "minItems": st.integers(0, 2),
            "maxProperties": st.integers(0, 2),
            "uniqueItems": st.booleans(),
        },
    ),
    max_leaves=10,
)
scalars = st.none() | st.booleans() | st.integers(-2, 3) | st.sampled_from([0.5, 1.0, "", "a", "ab", "abc", "\ud800"])
names = st.sampled_from(["a", "b", "c", "then", "$ref"])
instances: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
T = {"type": "object", "properties": {"a": {"$ref": "#/$defs/T"}, "b": {"type": "string"}}}


@settings(deadline=None)
@given(schemas, instances)
def test_judge_and_jsonschema_agree_on_every_value(schema: Any, instance: Any) -> None:
    whole = {**schema, "$defs": {"T": T}} if isinstance(schema, dict) else schema
    judge = SchemaJudge(whole)
    conforms = Draft202012Validator(whole).is_valid(instance)
    assert judge.conforms(instance) is conforms
    deviations = judge.deviations(instance)
    assert (deviations == ()) is conforms
    keys = {key_of(f"{place.pointer}/{name}", name, value) for place in places(whole) for name, value in place.judged()}
    reached = judge.reached(instance)
    assert reached <= keys
    assert {one.key for one in deviations} <= reached
