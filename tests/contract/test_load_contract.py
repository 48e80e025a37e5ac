"""From a profile's name or a document's path to a contract: defaults, templates, and what is refused."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from own_documents import REQUEST, own_document, stored, the_post

from conformance.contract import Contract, ContractError, Section, load_contract, shipped_profiles

STREAM: dict[str, Any] = {"text/event-stream": {}}


def test_three_profiles_are_shipped() -> None:
    assert shipped_profiles() == ("kodexa", "loop-health", "openai")


@pytest.mark.parametrize("profile", ["kodexa", "loop-health", "openai"])
def test_a_shipped_contract_is_whole(profile: str) -> None:
    contract = load_contract(profile)
    assert contract.profile.name == profile
    assert contract.profile.path == f"{profile}.openapi.yaml"
    assert len(contract.profile.sha256) == 64
    agents = {Section.TOOLS, Section.STRUCTURED, Section.REASONING, Section.PARTS}
    sections = {*Section} - {Section.TRANSPORT} - (set() if profile == "openai" else agents)
    assert {row.section for row in contract.requirements} >= sections
    order = [list(Section).index(row.section) for row in contract.requirements]
    assert order == sorted(order)
    response = contract.operation.response(200)
    assert response is not None
    assert response.json_schema is not None
    assert response.item_schema is not None


@pytest.mark.parametrize("profile", ["kodexa", "loop-health", "openai"])
def test_a_shipped_template_is_a_valid_request_once_it_is_filled_in(profile: str) -> None:
    contract = load_contract(profile)
    filled = {name: "a" if value == f"{{{name}}}" else value for name, value in contract.template.items()}
    assert Draft202012Validator(contract.operation.request_schema).is_valid(filled)
    assert ("model" in filled) is (profile != "loop-health")


@pytest.mark.parametrize("name", ["nope", "OpenAI", "", "\x1b[31m", "a\nb", "x" * 5000, "\0"])
def test_an_unknown_profile_is_refused_with_the_names_that_there_are(name: str) -> None:
    with pytest.raises(ContractError) as caught:
        load_contract(name)
    assert "kodexa, loop-health, openai" in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"absent\.yaml: there is no such file"):
        load_contract(str(tmp_path / "absent.yaml"))


def test_an_own_document_has_defaults(tmp_path: Path) -> None:
    document = own_document(completion={"type": "object"})
    contract = load_contract(stored(tmp_path, document, "Our Gateway v2.openapi.yaml"))
    assert contract.profile.name == "our-gateway-v2"
    assert (contract.profile.title, contract.profile.version) == ("Our gateway", "7")
    assert contract.profile.standards == ("rfc9110", "rfc9112", "rfc8259")
    the_post(document)["responses"]["200"]["content"] |= STREAM
    streaming = load_contract(stored(tmp_path, document))
    assert streaming.profile.standards == ("whatwg-sse", "rfc9110", "rfc9112", "rfc8259")


def test_stream_rows_do_not_apply_where_no_stream_can_be_asked_for(tmp_path: Path) -> None:
    def of_streams(contract: Contract) -> list[str]:
        return [row.id for row in contract.requirements if row.section is Section.STREAM]

    silent = load_contract(stored(tmp_path, own_document()))
    assert of_streams(silent) == []
    document = own_document()
    the_post(document)["responses"]["200"]["content"] |= STREAM
    streaming = load_contract(stored(tmp_path, document))
    excluded = [row.id for row in silent.excluded if row.section is Section.STREAM]
    assert set(of_streams(streaming)) <= set(excluded)


def test_an_own_document_may_name_itself_but_not_after_a_shipped_one(tmp_path: Path) -> None:
    document = own_document()
    document["x-conformance"] = {"profile": "ours", "standards": ["openai"]}
    contract = load_contract(stored(tmp_path, document))
    assert (contract.profile.name, contract.profile.standards) == ("ours", ("openai",))
    document["x-conformance"] = {"profile": "openai"}
    with pytest.raises(ContractError, match="has the name of a shipped one"):
        load_contract(stored(tmp_path, document))
    assert load_contract(stored(tmp_path, own_document(), "kodexa.yaml")).profile.name == "own-kodexa"


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ([], "not of type"),
        ({"profile": "Our Own"}, "does not match"),
        ({"standards": "openai"}, "not of type"),
        ({"sources": {"x": {}}}, "title"),
        ({"sources": {"x": {"title": "X", "sha256": "1"}}}, "does not match"),
        ({"surprise": 1}, "surprise"),
        ({"requirements": "absent.yaml"}, "there is no such file"),
        ({"request": {"messages": []}}, "does not fit the request schema"),
        ({"request": {"model": "{model}"}}, "does not fit the request schema"),
    ],
)
def test_a_wrong_declaration_is_refused_in_one_sentence(tmp_path: Path, declared: Any, words: str) -> None:
    with pytest.raises(ContractError) as caught:
        load_contract(stored(tmp_path, own_document(**{"x-conformance": declared})))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def template_of(directory: Path, request: Any, *examples: Any) -> Any:
    document = own_document(request)
    content = the_post(document)["requestBody"]["content"]["application/json"]
    content["examples"] = {str(number): {"value": example} for number, example in enumerate(examples)}
    return load_contract(stored(directory, document)).template


def test_the_template_is_the_documents_first_example_that_fits(tmp_path: Path) -> None:
    hello = [{"role": "user", "content": "Hello"}]
    full = {"messages": hello, "model": "gpt-1", "stream": True, "temperature": 1}
    assert template_of(tmp_path, REQUEST, {"messages": []}, full) == {
        "messages": hello,
        "model": "{model}",
        "temperature": 1,
    }


def test_the_template_is_made_from_the_schema_where_there_is_no_example(tmp_path: Path) -> None:
    properties: dict[str, Any] = {
        **REQUEST["properties"],
        "brand_id": {"type": "string", "minLength": 1},
        "region": {"enum": ["eu", "us"]},
        "limit": {"type": "integer", "exclusiveMinimum": 3},
        "tags": {"type": "array", "minItems": 2, "items": {"type": "string", "format": "uuid"}},
        "level": {"type": "number", "default": 0.5},
        "extra": {"type": "object", "required": ["on"], "properties": {"on": {"type": "boolean"}}},
    }
    template = template_of(tmp_path, {**REQUEST, "required": list(properties), "properties": properties})
    assert template["messages"] == [{"role": "user", "content": "Say hello."}]
    assert (template["model"], template["brand_id"]) == ("{model}", "{brand_id}")
    assert (template["region"], template["limit"], template["level"]) == ("eu", 4, 0.5)
    assert len(template["tags"]) == 2
    assert template["extra"] == {"on": False}


def test_where_no_valid_request_can_be_made_the_author_is_asked_for_one(tmp_path: Path) -> None:
    code = {"type": "integer", "allOf": [{"multipleOf": 7}, {"multipleOf": 11}]}
    request = {**REQUEST, "required": ["code"], "properties": {**REQUEST["properties"], "code": code}}
    with pytest.raises(ContractError, match=r"write the smallest one as x-conformance\.request"):
        template_of(tmp_path, request)
    document = own_document(request)
    document["x-conformance"] = {"request": {"code": 77, "messages": [{}]}}
    assert load_contract(stored(tmp_path, document)).template["code"] == 77


def test_a_required_text_with_a_pattern_is_found(tmp_path: Path) -> None:
    properties = {**REQUEST["properties"], "code": {"type": "string", "pattern": "^[0-9]{4}-x$"}}
    template = template_of(tmp_path, {**REQUEST, "required": ["code"], "properties": properties})
    assert re.fullmatch("[0-9]{4}-x", template["code"])


def test_the_authors_template_comes_before_an_example(tmp_path: Path) -> None:
    document = own_document()
    the_post(document)["requestBody"]["content"]["application/json"]["example"] = {"messages": [{"a": 1}]}
    document["x-conformance"] = {"request": {"messages": [{"b": 1}], "model": "{model}"}}
    contract = load_contract(stored(tmp_path, document))
    assert contract.template == {"messages": [{"b": 1}], "model": "{model}"}
    assert contract.operation.examples == ({"messages": [{"a": 1}]},)


def test_loading_twice_gives_the_same_requirements() -> None:
    first, second = load_contract("openai"), load_contract("openai")
    assert first.requirements == second.requirements


schemas: st.SearchStrategy[Any] = st.recursive(
    st.booleans()
    | st.sampled_from(
        [
            {},
            {"type": "string"},
            {"type": ["integer", "null"], "minimum": 0},
            {"const": 1},
            {"enum": ["a", None]},
            {"nullable": True, "type": "string"},
            {"$ref": "#/components/schemas/A"},
            {"$ref": "#/components/schemas/B"},
            {"$ref": "#/components/schemas/Missing"},
            {"pattern": "("},
            {"pattern": "^a", "maxLength": 2},
            {"type": "nothing"},
            {"minimum": "0"},
            3,
        ]
    ),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "title": st.sampled_from(["One", "Two", ""]),
            "properties": st.dictionaries(st.sampled_from(["a", "b", "A", "a.b", "$ref", "items"]), inner, max_size=3),
            "required": st.lists(st.sampled_from(["a", "b", "x y"]), max_size=2),
            "items": inner,
            "prefixItems": st.lists(inner, min_size=1, max_size=2),
            "additionalProperties": inner,
            "anyOf": st.lists(inner, max_size=3),
            "oneOf": st.lists(inner, min_size=1, max_size=3),
            "allOf": st.lists(inner, min_size=1, max_size=3),
            "not": inner,
            "if": inner,
            "then": inner,
            "contains": inner,
            "minContains": st.integers(0, 2),
            "nullable": st.booleans(),
            "x-source": st.sampled_from([None, {"document": "gateway", "place": "p", "basis": "stated"}, {"a": 1}]),
        },
    ),
    max_leaves=12,
)

quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def outcome(path: str) -> Contract | ContractError:
    try:
        return load_contract(path)
    except ContractError as error:
        return error


@quick
@given(request=schemas, a=schemas, b=schemas, version=st.sampled_from(["3.0.3", "3.1.0", "3.2.0"]))
def test_any_schemas_give_a_contract_or_a_contract_error(
    tmp_path: Path, request: Any, a: Any, b: Any, version: str
) -> None:
    document = own_document(request, completion=b, version=version, components={"schemas": {"A": a, "B": b}})
    path = stored(tmp_path, document)
    found = outcome(path)
    if isinstance(found, ContractError):
        assert "\n" not in str(found)
        return
    ids = [row.id for row in found.requirements]
    assert len(set(ids)) == len(ids)
    again = outcome(path)
    assert isinstance(again, Contract)
    assert [(row.id, row.digest) for row in again.requirements] == [(row.id, row.digest) for row in found.requirements]
    Draft202012Validator.check_schema(found.operation.request_schema)


few = settings(quick, max_examples=25)
replacements = st.sampled_from([None, True, 3, "x", [], {}, [1], {"a": 1}, {"$ref": "#/info"}])


@few
@given(seed=st.integers(0, 2**32), value=replacements)
def test_a_document_with_one_part_replaced_gives_a_contract_or_a_contract_error(
    tmp_path: Path, seed: int, value: Any
) -> None:
    document = yaml.safe_load(
        (Path(__file__).parents[2] / "specs/profiles/kodexa/openapi.yaml").read_text(encoding="utf-8")
    )
    document["x-conformance"]["profile"] = "ours"
    spoil(document, random.Random(seed), value)
    found = outcome(stored(tmp_path, document))
    assert isinstance(found, Contract) or "\n" not in str(found)


def spoil(document: Any, choose: random.Random, value: Any) -> None:
    """Replaces one part of a document, at any depth."""
    at = document
    while True:
        steps = list(at) if isinstance(at, dict) else list(range(len(at)))
        step = choose.choice(steps)
        below = at[step]
        if not isinstance(below, (dict, list)) or not below or choose.random() < 0.2:
            at[step] = value
            return
        at = below
