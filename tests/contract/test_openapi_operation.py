"""Which operation of a document is under test, and what its parts become."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from own_documents import REQUEST, own_document, stored, the_post

from conformance.contract import Contract, ContractError, load_contract
from conformance.probes import check_request
from conformance.probes.plan import ProbeError
from conformance.targets import Target

TEXT = {"type": "string"}
TEXT_BODY: dict[str, Any] = {"content": {"text/plain": {}}}


def loaded(directory: Path, document: Any) -> Contract:
    return load_contract(stored(directory, document))


def refusal(directory: Path, document: Any) -> ContractError:
    with pytest.raises(ContractError) as caught:
        loaded(directory, document)
    return caught.value


def with_properties(**properties: Any) -> dict[str, Any]:
    """The plain request schema with further properties."""
    return {**REQUEST, "properties": {**REQUEST["properties"], **properties}}


def test_the_post_that_ends_with_chat_completions_is_taken_among_others(tmp_path: Path) -> None:
    document = own_document(path="/api/{tenant}/chat/completions")
    document["paths"]["/v1/embeddings"] = {"post": {"responses": {}}}
    document["paths"]["/v1/models"] = {"get": {"responses": {}}}
    operation = loaded(tmp_path, document).operation
    assert (operation.method, operation.path) == ("POST", "/api/{tenant}/chat/completions")


NAMED: dict[str, Any] = {"x-conformance": {"operation": "POST /v1/{tenant}/chat"}}


def test_the_operation_that_the_document_names_is_taken_whatever_its_path(tmp_path: Path) -> None:
    document = own_document(path="/v1/{tenant}/chat", **NAMED)
    document["paths"]["/v1/chat/completions"] = own_document()["paths"]["/v1/chat/completions"]
    contract = loaded(tmp_path, document)
    assert contract.operation.path == "/v1/{tenant}/chat"
    assert contract.template["messages"]


def test_a_named_operation_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    document = own_document(path="/talk", **NAMED)
    refused = str(refusal(tmp_path, document))
    assert "has no operation `POST /v1/{tenant}/chat`; it has POST /talk" in refused
    assert re.search(r"gateway\.yaml:\d+: ", refused)
    document["x-conformance"]["operation"] = "/talk"
    assert "does not match" in str(refusal(tmp_path, document))


EMBEDDINGS = {
    "type": "object",
    "required": ["model", "input"],
    "properties": {"model": {"type": "string"}, "input": {"type": "string"}},
}


def test_an_only_operation_that_is_not_chat_completions_is_refused(tmp_path: Path) -> None:
    refused = str(refusal(tmp_path, own_document(EMBEDDINGS, path="/v1/embeddings")))
    assert "no POST path ends with /chat/completions (there is POST /v1/embeddings)" in refused
    assert "name the one to judge with --operation, or in x-conformance.operation" in refused


def test_no_messages_are_made_up_for_an_operation_that_has_none(tmp_path: Path) -> None:
    named: dict[str, Any] = {"x-conformance": {"operation": "POST /v1/embeddings"}}
    contract = loaded(tmp_path, own_document(EMBEDDINGS, path="/v1/embeddings", **named))
    assert contract.template == {"model": "{model}", "input": "a"}
    with pytest.raises(ProbeError, match="has no list of messages"):
        check_request(contract, Target("http://127.0.0.1:9", model="m"))


def test_a_document_without_the_operation_names_what_it_has(tmp_path: Path) -> None:
    document = own_document(path="/a")
    document["paths"]["/b"] = document["paths"]["/a"]
    assert "POST /a, POST /b" in str(refusal(tmp_path, document))
    document = own_document()
    document["paths"]["/x/chat/completions"] = document["paths"]["/v1/chat/completions"]
    assert "several operations are chat completions" in str(refusal(tmp_path, document))
    assert "no path has a POST" in str(refusal(tmp_path, own_document() | {"paths": {"/a": {"get": {}}}}))


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "not an OpenAPI document"),
        ({"a": 1}, "`openapi: 3.x.y` is missing"),
        ({"swagger": "2.0"}, "Swagger 2"),
        ({"openapi": "4.0.0"}, "use 3.0, 3.1 or 3.2"),
        ({"openapi": "3.1.0"}, "no `paths`"),
        ({"openapi": "3.1.0", "paths": {"/a": 3}}, "an object should stand here"),
        ({"openapi": "3.1.0", "paths": {"/chat/completions": {"post": {}}}}, "no `requestBody`"),
        (
            {"openapi": "3.1.0", "paths": {"/chat/completions": {"post": {"requestBody": TEXT_BODY}}}},
            "json body",
        ),
    ],
)
def test_what_is_no_such_document_is_refused_in_one_sentence(tmp_path: Path, document: Any, words: str) -> None:
    error = refusal(tmp_path, document)
    assert words in str(error)
    assert str(error).startswith(f"{tmp_path}/gateway.yaml:")
    assert "\n" not in str(error)


def test_local_references_are_replaced_by_what_they_name(tmp_path: Path) -> None:
    document = own_document({"$ref": "#/components/schemas/Request"})
    document["components"] = {
        "schemas": {
            "Request": {
                **REQUEST,
                "properties": {**REQUEST["properties"], "user": {"$ref": "#/components/schemas/U~1s"}},
            },
            "U/s": {"type": "string", "maxLength": 5},
        }
    }
    schema = loaded(tmp_path, document).operation.properties["user"]
    assert isinstance(schema, dict)
    assert (schema["type"], schema["maxLength"]) == ("string", 5)


def test_a_schema_that_contains_itself_stays_a_reference_that_validators_follow(tmp_path: Path) -> None:
    tree = {
        "type": "object",
        "properties": {"below": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}},
    }
    document = own_document(
        completion={"type": "object", "properties": {"tree": {"$ref": "#/components/schemas/Tree"}}}
    )
    document["components"] = {"schemas": {"Tree": tree}}
    contract = loaded(tmp_path, document)
    response = contract.operation.response(200)
    assert response is not None
    assert response.json_schema is not None
    judge = Draft202012Validator(response.json_schema)
    assert judge.is_valid({"tree": {"below": [{"below": []}]}})
    assert not judge.is_valid({"tree": {"below": [{"below": 3}]}})
    ids = [row.id for row in contract.requirements if row.id.startswith("completion.tree")]
    assert ids == ["completion.tree.type", "completion.tree.below.type"]


def test_a_root_that_contains_itself_keeps_its_properties_in_sight(tmp_path: Path) -> None:
    schema = with_properties(next={"$ref": "#/components/schemas/R"})
    document = own_document({"$ref": "#/components/schemas/R"}, components={"schemas": {"R": schema}})
    assert "next" in loaded(tmp_path, document).operation.properties


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"$ref": "other.yaml#/A"}, "refers to another document"),
        ({"$ref": "#/components/schemas/Nowhere"}, "leads nowhere"),
        ({"$ref": "#anchor"}, "names an anchor"),
        ({"$ref": 3}, "a $ref is text"),
        ({"$ref": "#/components/schemas/Loop"}, "without end"),
        ({"$ref": "#/components/schemas/Ping"}, "without end"),
        ({"$dynamicRef": "#x"}, "not supported"),
        ({"type": "text"}, "`type` should be"),
        ({"type": ["string", "string"]}, "`type` should be"),
        ({"maximum": "2"}, "`maximum` should be a number"),
        ({"minLength": -1}, "`minLength` should be"),
        ({"required": "model"}, "list of property names"),
        ({"properties": []}, "`properties` should be"),
        ({"properties": {"a": 3}}, "a schema is an object"),
        ({"anyOf": []}, "`anyOf` should be"),
        ({"items": [{"type": "string"}]}, "`items` should be"),
        ({"enum": []}, "`enum` should be"),
        ({"properties": {"a": {"pattern": "("}}}, "`pattern` should be a regular expression"),
        ({"patternProperties": {"(": {}}}, "`patternProperties` should be"),
        (3, "a schema is an object"),
    ],
)
def test_a_broken_schema_is_refused_with_its_line(tmp_path: Path, schema: Any, words: str) -> None:
    document = own_document(schema)
    loop = {"anyOf": [{"$ref": "#/components/schemas/Loop"}, TEXT]}
    document["components"] = {
        "schemas": {
            "Loop": loop,
            "Ping": {"$ref": "#/components/schemas/Pong"},
            "Pong": {"$ref": "#/components/schemas/Ping"},
        }
    }
    error = refusal(tmp_path, document)
    assert words in str(error)
    assert error.line is not None
    assert error.line > 1


def test_the_line_of_a_bad_pattern_is_that_of_the_pattern(tmp_path: Path) -> None:
    document = own_document({"$ref": "#/components/schemas/R"})
    document["components"] = {"schemas": {"R": {"type": "object", "properties": {"a": {"pattern": "("}}}}}
    error = refusal(tmp_path, document)
    assert error.path is not None
    assert error.line is not None
    assert '"pattern": "("' in error.path.read_text().splitlines()[error.line - 1]


def test_schemas_that_multiply_are_refused(tmp_path: Path) -> None:
    def step(number: int) -> dict[str, Any]:
        inner = {"$ref": f"#/components/schemas/S{number + 1}"}
        return {"type": "object", "properties": {"a": inner, "b": inner}}

    steps: dict[str, Any] = {f"S{number}": step(number) for number in range(40)}
    document = own_document({"$ref": "#/components/schemas/S0"}, components={"schemas": {**steps, "S40": TEXT}})
    assert "once its references are followed" in str(refusal(tmp_path, document))


def test_a_chain_of_references_without_measure_is_refused(tmp_path: Path) -> None:
    steps: dict[str, Any] = {f"S{n}": {"items": {"$ref": f"#/components/schemas/S{n + 1}"}} for n in range(300)}
    document = own_document({"$ref": "#/components/schemas/S0"}, components={"schemas": {**steps, "S300": TEXT}})
    assert "nested more than" in str(refusal(tmp_path, document))


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0", "3.2.0"])
def test_words_of_openapi_3_0_become_those_of_2020_12(tmp_path: Path, version: str) -> None:
    properties = {
        "low": {"type": "number", "minimum": 0, "exclusiveMinimum": True},
        "high": {"type": "number", "maximum": 2, "exclusiveMaximum": False},
        "kind": {"type": "string", "enum": ["a"], "nullable": True},
        "either": {"nullable": True, "oneOf": [{"type": "string"}, {"type": "integer"}]},
    }
    document = own_document(with_properties(**properties), version=version)
    operation = loaded(tmp_path, document).operation
    assert operation.perhaps_valid is not None
    surely, perhaps = Draft202012Validator(operation.request_schema), Draft202012Validator(operation.perhaps_valid)
    base: dict[str, Any] = {"messages": [{}]}
    for good in ({"low": 0.1}, {"high": 2}, {"kind": "a"}, {"either": 1}):
        assert surely.is_valid({**base, **good}), good
        assert perhaps.is_valid({**base, **good}), good
    for bad in ({"low": 0}, {"high": 2.1}, {"kind": "b"}, {"either": 1.5}):
        assert not surely.is_valid({**base, **bad}), bad
        assert not perhaps.is_valid({**base, **bad}), bad
    for open_to_doubt in ({"kind": None}, {"either": None}):
        assert not surely.is_valid({**base, **open_to_doubt}), open_to_doubt
        assert perhaps.is_valid({**base, **open_to_doubt}), open_to_doubt


@pytest.mark.parametrize(("version", "says_so"), [("3.0.3", True), ("3.1.0", False), ("3.2.0", False)])
def test_nullable_adds_null_to_a_type_where_the_version_has_this_word(
    tmp_path: Path, version: str, says_so: bool
) -> None:
    document = own_document(with_properties(name={"type": "string", "nullable": True}), version=version)
    operation = loaded(tmp_path, document).operation
    assert operation.perhaps_valid is not None
    assert Draft202012Validator(operation.request_schema).is_valid({"messages": [{}], "name": None}) is says_so
    assert Draft202012Validator(operation.perhaps_valid).is_valid({"messages": [{}], "name": None})


def test_what_stands_beside_a_reference_counts_from_3_1_on(tmp_path: Path) -> None:
    name = {"$ref": "#/components/schemas/Name", "minLength": 2}
    schema = with_properties(name=name)
    components = {"schemas": {"Name": {"type": "string", "maxLength": 3}}}
    base: dict[str, Any] = {"messages": [{}]}
    for version, refused in (("3.0.3", False), ("3.1.0", True)):
        document = own_document(schema, version=version, components=components)
        judge = Draft202012Validator(loaded(tmp_path, document).operation.request_schema)
        assert judge.is_valid({**base, "name": "a"}) is not refused
        assert not judge.is_valid({**base, "name": "abcd"})


def test_all_of_is_merged_so_that_properties_are_in_sight(tmp_path: Path) -> None:
    more = {"type": "object", "required": ["user"], "properties": {"user": {"type": "string"}}}
    operation = loaded(
        tmp_path, own_document({"allOf": [REQUEST, more], "properties": {"n": {"type": "integer"}}})
    ).operation
    assert {"messages", "user", "n"} <= operation.properties.keys()
    judge = Draft202012Validator(operation.request_schema)
    assert judge.is_valid({"messages": [{}], "user": "a", "n": 1})
    bad: dict[str, Any]
    for bad in (
        {"messages": [{}]},
        {"user": "a"},
        {"messages": [{}], "user": 1},
        {"messages": [{}], "user": "a", "n": "1"},
    ):
        assert not judge.is_valid(bad), bad


def test_all_of_that_cannot_be_merged_keeps_its_meaning(tmp_path: Path) -> None:
    closed = {"type": "object", "properties": {"messages": {}}, "additionalProperties": False}
    operation = loaded(tmp_path, own_document({"allOf": [REQUEST, closed]})).operation
    judge = Draft202012Validator(operation.request_schema)
    assert judge.is_valid({"messages": [{}]})
    assert not judge.is_valid({"messages": [{}], "temperature": 1})


def test_a_type_or_null_becomes_one_type(tmp_path: Path) -> None:
    either = {"description": "How hot.", "anyOf": [{"type": "number", "maximum": 2}, {"type": "null"}]}
    contract = loaded(tmp_path, own_document(with_properties(t=either)))
    assert contract.operation.properties["t"]["type"] == ["number", "null"]  # type: ignore[index]
    assert contract.requirement("request.t.maximum") is not None


def test_an_object_schema_of_an_event_stream_before_3_2_is_that_of_its_events(tmp_path: Path) -> None:
    for schema, taken in (({"type": "object", "required": ["id"]}, True), (TEXT, False)):
        document = own_document(completion={"type": "object"})
        the_post(document)["responses"]["200"]["content"]["text/event-stream; charset=utf-8"] = {"schema": schema}
        response = loaded(tmp_path, document).operation.response(200)
        assert response is not None
        assert (response.item_schema is not None) is taken
        assert response.media_types == ("application/json", "text/event-stream; charset=utf-8")


def test_an_item_schema_is_that_of_the_data_also_where_it_describes_the_whole_event(tmp_path: Path) -> None:
    chunk = {"type": "object", "required": ["id"]}
    event = {"type": "object", "properties": {"data": {"type": "string", "contentSchema": chunk}}}
    for item in (chunk, event):
        document = own_document(completion={"type": "object"}, version="3.2.0")
        the_post(document)["responses"]["200"]["content"]["text/event-stream"] = {"itemSchema": item}
        contract = loaded(tmp_path, document)
        assert contract.requirement("stream.chunk.id.required") is not None


def test_path_parameters_come_from_the_path_and_from_the_operation(tmp_path: Path) -> None:
    document = own_document(path="/{orgId}/{zone}/{other}/chat/completions")
    item = document["paths"]["/{orgId}/{zone}/{other}/chat/completions"]
    item["parameters"] = [
        {"name": "orgId", "in": "path", "schema": TEXT},
        {"name": "zone", "in": "path", "schema": {"type": "string", "enum": ["a"]}},
        {"name": "zone", "in": "query", "schema": {"type": "integer"}},
    ]
    item["post"]["parameters"] = [{"$ref": "#/components/parameters/Org"}]
    document["components"] = {
        "parameters": {"Org": {"name": "orgId", "in": "path", "schema": {"type": "string", "format": "uuid"}}}
    }
    contract = loaded(tmp_path, document)
    assert list(contract.operation.path_parameters) == ["orgId", "zone", "other"]
    assert contract.operation.path_parameters["other"] is True
    row = contract.requirement("request.path.zone.enum")
    assert row is not None
    assert row.keyword is not None
    assert (row.keyword.location, row.keyword.pointer) == ("path.zone", "/enum")
    assert contract.requirement("request.path.org-id.format") is None  # an annotation


def test_responses_keep_their_keys_and_errors_become_requirements(tmp_path: Path) -> None:
    document = own_document(completion={"type": "object"})
    error = {"content": {"application/problem+json": {"schema": {"type": "object", "required": ["title"]}}}}
    the_post(document)["responses"] |= {"4XX": error, "default": error, "x-note": "none", "302": error}
    contract = loaded(tmp_path, document)
    assert [response.status for response in contract.operation.responses] == ["200", "4XX", "default", "302"]
    assert contract.requirement("error.4xx.title.required") is not None
    assert contract.requirement("error.default.title.required") is not None
    assert not [row.id for row in contract.requirements if ".302." in row.id]
    the_post(document)["responses"] = {"ok": error}
    assert "is not a status" in str(refusal(tmp_path, document))
