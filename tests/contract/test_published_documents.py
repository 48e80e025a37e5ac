"""What vendors' documents say and do not say: streams, annotations, parameters, keys, and several operations."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from own_documents import own_document, stored, the_post
from published_documents import CHUNK, DONE, PUBLISHED, event, request, streaming

from conformance.contract import Contract, ContractError, load_contract
from conformance.contract.model import Place, Section, Tier
from conformance.contract.priorities import MOST_IN_STANDARD
from conformance.contract.servers import server_urls


def loaded(tmp_path: Path, document: Any, name: str = "gateway.yaml") -> Contract:
    return load_contract(stored(tmp_path, document, name))


def chunk_properties(contract: Contract) -> set[str] | None:
    response = contract.operation.response(200)
    assert response is not None
    schema = response.item_schema
    return None if schema is None or isinstance(schema, bool) else set(schema.get("properties", {}))


@pytest.mark.parametrize(
    "described",
    [
        {"schema": CHUNK},
        {"schema": event(CHUNK)},
        {"itemSchema": event(CHUNK)},
        {"itemSchema": CHUNK},
        {"itemSchema": event({"type": "string", "contentSchema": CHUNK})},
        {"itemSchema": {"anyOf": [event({"type": "string", "contentSchema": CHUNK}), event(DONE)]}},
        {"itemSchema": event({"oneOf": [{"type": "string", "contentSchema": CHUNK}, DONE]})},
        {"schema": {"oneOf": [CHUNK, DONE]}},
        {"schema": {"oneOf": [event(CHUNK), event(DONE)]}},
        {"schema": {"type": "array", "items": CHUNK}},
        {"schema": {"allOf": [event(CHUNK), {"description": "An event."}]}},
    ],
    ids=str,
)
def test_the_chunk_is_found_however_the_stream_is_described(tmp_path: Path, described: dict[str, Any]) -> None:
    contract = loaded(tmp_path, streaming(**described))
    assert chunk_properties(contract) == {"id", "choices"}
    assert contract.requirement("stream.chunk.choices.required") is not None


@pytest.mark.parametrize("described", [{}, {"schema": {"type": "string"}}, {"schema": event({"type": "string"})}])
def test_a_stream_of_text_asks_nothing_of_its_chunks(tmp_path: Path, described: dict[str, Any]) -> None:
    contract = loaded(tmp_path, streaming(**described))
    assert chunk_properties(contract) is None
    assert not [row.id for row in contract.requirements if row.id.startswith("stream.chunk.")]


def test_a_chunk_that_has_data_is_no_event(tmp_path: Path) -> None:
    chunk = {"type": "object", "properties": {"data": {"type": "object"}, "choices": {"type": "array"}}}
    assert chunk_properties(loaded(tmp_path, streaming(schema=chunk))) == {"data", "choices"}


def test_events_of_several_kinds_are_a_choice(tmp_path: Path) -> None:
    failure = {"type": "object", "required": ["error"], "properties": {"error": {"type": "object"}}}
    response = loaded(tmp_path, streaming(schema={"oneOf": [event(CHUNK), event(failure)]})).operation.response(200)
    assert response is not None
    assert response.item_schema is not None
    judge = Draft202012Validator(response.item_schema)
    assert judge.is_valid({"id": "a", "choices": []})
    assert judge.is_valid({"error": {}})
    assert not judge.is_valid({})


def test_a_format_is_neither_demanded_nor_sent_wrong(tmp_path: Path) -> None:
    contract = loaded(tmp_path, PUBLISHED["formats"])
    assert contract.requirement("request.site.format") is None
    base = {"model": "m", "messages": [{"role": "user", "content": "a"}], "site": "not a URI"}
    wide = contract.operation.perhaps_valid
    assert wide is not None
    assert Draft202012Validator(wide, format_checker=Draft202012Validator.FORMAT_CHECKER).is_valid(base)


def test_a_format_is_demanded_where_its_author_says_so(tmp_path: Path) -> None:
    source = {"document": "contract", "place": "section 3", "basis": "stated"}
    site = {"type": "string", "format": "uri", "x-source": {"format": source}}
    contract = loaded(tmp_path, own_document(request(site=site)))
    assert contract.requirement("request.site.format") is not None


def test_only_an_answer_has_what_is_read_only_and_only_a_request_what_is_write_only(tmp_path: Path) -> None:
    contract = loaded(tmp_path, PUBLISHED["read and write only"])
    assert contract.requirement("request.id.required") is None
    assert contract.requirement("completion.secret.required") is None
    assert contract.requirement("completion.choices.required") is not None


def test_a_contract_of_streams_alone_leaves_whole_answers_out(tmp_path: Path) -> None:
    contract = loaded(tmp_path, PUBLISHED["streams only"])
    assert contract.template["stream"] is True
    assert not [row.id for row in contract.requirements if row.section is Section.COMPLETION]


def test_what_a_request_needs_is_read_from_every_place(tmp_path: Path) -> None:
    contract = loaded(tmp_path, PUBLISHED["parameters of every kind"])
    known = {one.name: (one.place, one.default, one.variable) for one in contract.parameters}
    assert known == {
        "deployment-id": (Place.PATH, None, "CONFORMANCE_PARAM_DEPLOYMENT_ID"),
        "api-version": (Place.QUERY, "2030-01-01", "CONFORMANCE_PARAM_API_VERSION"),
        "X-Tenant": (Place.HEADER, "blue", "CONFORMANCE_PARAM_X_TENANT"),
        "region": (Place.COOKIE, None, "CONFORMANCE_PARAM_REGION"),
    }
    rows = {row.id: row.statement for row in contract.requirements if row.keyword is not None}
    assert rows["request.query.api-version.required"] == (
        "The query has `api-version`: without it the request is refused."
    )
    assert {"request.query.api-version.enum", "request.header.x-tenant.required", "request.cookie.region.minimum"} <= (
        rows.keys()
    )
    assert not [name for name in rows if "trace" in name]


def several(**operations: str) -> dict[str, Any]:
    document = own_document(request(), completion={"type": "object"})
    post = the_post(document)
    document["paths"] = {
        path: {"post": {**copy.deepcopy(post), "operationId": name}} for name, path in operations.items()
    }
    return document


@pytest.mark.parametrize("chosen", ["second", "/b/chat/completions", "POST /b/chat/completions"])
def test_one_of_several_operations_is_chosen_by_any_of_its_names(tmp_path: Path, chosen: str) -> None:
    path = stored(tmp_path, several(first="/a/chat/completions", second="/b/chat/completions"))
    contract = load_contract(f"{path}#{chosen}")
    assert contract.operation.path == "/b/chat/completions"
    assert (contract.profile.path, contract.profile.operation) == (path, chosen)


def test_the_sentence_lists_what_looks_like_chat_first(tmp_path: Path) -> None:
    path = stored(tmp_path, several(one="/audio", two="/embeddings", three="/v2/chat"))
    with pytest.raises(ContractError, match=r"there is POST /v2/chat, POST /audio, .*--operation"):
        load_contract(path)
    with pytest.raises(ContractError, match="has no operation `four`"):
        load_contract(f"{path}#four")


def test_a_file_with_a_mark_in_its_name_is_a_file(tmp_path: Path) -> None:
    path = stored(tmp_path, own_document(), "our#gateway.yaml")
    assert load_contract(path).operation.path == "/v1/chat/completions"


def test_of_a_large_request_what_matters_most_is_judged_in_the_standard_tier(tmp_path: Path) -> None:
    inner = {f"field_{number}": {"type": "string", "maxLength": 7} for number in range(200)}
    contract = loaded(
        tmp_path, own_document(request(extra={"type": "object", "required": ["field_1"], "properties": inner}))
    )
    tiers = {row.id: row.tier for row in contract.requirements if row.keyword is not None}
    assert sum(tier is not Tier.EXHAUSTIVE for tier in tiers.values()) == MOST_IN_STANDARD
    for first in ("request.model.required", "request.messages.items.role.enum", "request.extra.field_1.required"):
        assert tiers[first] is Tier.STANDARD
    assert tiers["request.extra.field_199.max-length"] is Tier.EXHAUSTIVE


def test_servers_are_named_with_the_defaults_of_their_variables() -> None:
    servers = [
        {"url": "https://{region}.example.com/{name}", "variables": {"region": {"default": "eu"}, "name": {}}},
        {"url": "/v1"},
        "no server",
    ]
    assert server_urls({"servers": servers}) == ("https://eu.example.com/{name}",)
    assert server_urls({}) == ()


@pytest.mark.parametrize("name", PUBLISHED)
def test_reading_a_document_changes_nothing_in_it(tmp_path: Path, name: str) -> None:
    contract = loaded(tmp_path, PUBLISHED[name])
    assert contract.document == PUBLISHED[name]


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ({"type": "integer", "minimum": 5, "maximum": 3}, "`minimum` 5 is above `maximum` 3"),
        ({"type": "string", "minLength": 2, "maxLength": 1}, "`minLength` 2 is above `maxLength` 1"),
        ({"type": "integer", "enum": ["a", "b"]}, """no value of `enum` ["a", "b"] has the type "integer\""""),
        ({"type": "string", "const": 7}, "no value of `const` [7] has the type"),
    ],
)
def test_a_schema_that_nothing_fits_is_named_with_its_line(tmp_path: Path, field: dict[str, Any], words: str) -> None:
    path = stored(tmp_path, own_document(request("broken", broken=field)))
    with pytest.raises(ContractError) as refused:
        load_contract(path)
    assert words in str(refused.value)
    line = int(str(refused.value).split(":")[1])
    keyword = next(name for name in field if name != "type")
    assert f'"{keyword}"' in Path(path).read_text("utf-8").splitlines()[line - 1]


def test_an_optional_field_that_nothing_fits_stops_nobody(tmp_path: Path) -> None:
    contract = loaded(tmp_path, own_document(request(broken={"type": "integer", "minimum": 5, "maximum": 3})))
    assert contract.requirement("request.broken.minimum") is not None
