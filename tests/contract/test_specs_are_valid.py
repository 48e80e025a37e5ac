"""The shipped contracts are sound OpenAPI documents and know where each of their keywords comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from shipped_specs import (
    CONSTRAINING,
    PATHS,
    PROFILES,
    SPECS,
    all_entries,
    all_schemas,
    document,
    entries,
    operation,
    root_pointers,
    validator,
)

ANNOTATIONS = frozenset(
    ["title", "default", "deprecated", "examples", "x-source", "x-tier", "contentMediaType", "contentEncoding"]
)
STRUCTURE = frozenset(["properties", "items", "$ref", "contentSchema", "allOf", "then", "else"])
BASES = ("stated", "schema", "reference", "example", "inferred")


# --- the documents ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", PROFILES)
def test_schemathesis_reads_the_document_and_finds_one_operation(profile: str) -> None:
    import schemathesis  # noqa: PLC0415 - costs a second, and one test needs it

    loaded = schemathesis.openapi.from_path(SPECS / "profiles" / profile / "openapi.yaml")
    assert list(loaded) == [PATHS[profile]]
    assert len(list(loaded.get_all_operations())) == 1
    assert loaded[PATHS[profile]]["POST"].body[0].media_type == "application/json"


@pytest.mark.parametrize("profile", PROFILES)
def test_the_document_has_the_parts_that_openapi_3_2_asks_for(profile: str) -> None:
    spec = document(profile)
    assert spec["openapi"] == "3.2.0"
    assert {"title", "version"} <= spec["info"].keys()
    assert list(spec["paths"]) == [PATHS[profile]]
    assert spec["servers"][0]["url"].startswith("https://")
    (security,) = spec["security"]
    assert security.keys() == spec["components"]["securitySchemes"].keys()
    declared = {parameter["name"] for parameter in operation(profile).get("parameters", [])}
    assert declared == set(re.findall(r"{(\w+)}", PATHS[profile]))
    assert operation(profile)["requestBody"]["required"] is True
    assert set(operation(profile)["responses"]["200"]["content"]) == {"application/json", "text/event-stream"}
    assert list(operation(profile)["responses"]["200"]["content"]["text/event-stream"]) == ["itemSchema"]
    for response in operation(profile)["responses"].values():
        assert response["description"]


@pytest.mark.parametrize("profile", PROFILES)
def test_every_schema_is_a_json_schema_of_2020_12(profile: str) -> None:
    seen = 0
    for _, schema in all_schemas(profile):
        Draft202012Validator.check_schema(schema)
        seen += 1
    assert seen > 30
    for pointer in root_pointers(profile):
        assert not validator(profile, pointer).is_valid(7), f"{pointer} constrains nothing"


@pytest.mark.parametrize("profile", PROFILES)
def test_every_keyword_is_known_to_the_tests(profile: str) -> None:
    unknown = {
        f"{where}: {keyword}"
        for where, schema in all_schemas(profile)
        for keyword in schema
        if keyword not in CONSTRAINING | ANNOTATIONS | STRUCTURE
    }
    assert not unknown


@pytest.mark.parametrize("profile", PROFILES)
def test_every_branch_has_a_short_title_that_no_other_branch_has(profile: str) -> None:
    for where, schema in all_schemas(profile):
        titles = [branch.get("title", "") for branch in schema.get("anyOf", [])]
        assert all(re.fullmatch(r"[a-z][a-z-]*", title) for title in titles), where
        assert len(set(titles)) == len(titles), where


# --- provenance ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", PROFILES)
def test_every_constraining_keyword_has_a_source(profile: str) -> None:
    without = []
    for where, schema in all_schemas(profile):
        given = entries(schema.get("x-source", {}))
        for keyword in CONSTRAINING & schema.keys():
            names = [f"required.{name}" for name in schema["required"]] if keyword == "required" else [keyword]
            without += [f"{where} {name}" for name in names if not {"*", keyword, name} & given.keys()]
    assert not without


@pytest.mark.parametrize("profile", PROFILES)
def test_every_source_entry_is_about_a_keyword_that_is_there(profile: str) -> None:
    for where, schema in all_schemas(profile):
        if "x-source" not in schema:
            assert not CONSTRAINING & schema.keys(), where
            continue
        required = {f"required.{name}" for name in schema.get("required", [])}
        keywords = CONSTRAINING & schema.keys()
        given = entries(schema["x-source"]).keys()
        assert given - {"*"} <= keywords | required, where
        assert "*" not in given or keywords - given, f"{where}: the entry for every keyword is left with none"


@pytest.mark.parametrize("profile", PROFILES)
def test_every_source_names_a_listed_document_a_place_and_a_basis(profile: str) -> None:
    listed = document(profile)["x-conformance"]["sources"]
    seen = set()
    for where, entry in all_entries(profile):
        assert entry["document"] in listed, where
        assert len(entry["place"]) > 3, where
        assert entry["basis"] in BASES, where
        assert entry.keys() - {"document", "place", "basis"} <= {"level"}, where
        assert entry.get("level", "SHOULD") == "SHOULD", f"{where}: a level that lowers is SHOULD here"
        seen.add(entry["document"])
    assert seen == set(listed), "a listed document is used"


@pytest.mark.parametrize("profile", PROFILES)
def test_every_response_parameter_and_security_scheme_has_a_source(profile: str) -> None:
    spec = document(profile)
    holders = [
        *operation(profile)["responses"].values(),
        *operation(profile).get("parameters", []),
        *spec["components"]["securitySchemes"].values(),
    ]
    assert all({"document", "place", "basis"} <= holder["x-source"].keys() for holder in holders)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_profile_names_itself_its_standards_and_its_documents(profile: str) -> None:
    conformance = document(profile)["x-conformance"]
    assert conformance["profile"] == profile
    assert {"whatwg-sse", "rfc9110", "rfc9112", "rfc8259"} <= set(conformance["standards"])
    for source in conformance["sources"].values():
        assert source["title"]
        assert "url" in source or re.fullmatch(r"[0-9a-f]{64}", source["sha256"])
    assert re.fullmatch(r"[0-9a-f]{64}", conformance["sources"][profile]["sha256"])


def bases(profile: str, prefix: str) -> set[str]:
    return {entry["basis"] for where, entry in all_entries(profile) if where.startswith(prefix)}


def test_what_no_document_says_is_inferred() -> None:
    assert bases("kodexa", "components/schemas/Error") == {"inferred"}
    assert bases("kodexa", "responses/default") == {"inferred"}
    assert bases("loop-health", "components/schemas/Chunk") == {"inferred"}
    assert bases("loop-health", "securitySchemes") == {"example"}


def test_the_openai_reference_is_a_standard_only_of_who_leans_on_it() -> None:
    assert "openai" in document("kodexa")["x-conformance"]["standards"]
    assert "openai" not in document("loop-health")["x-conformance"]["standards"]
    assert "reference" not in bases("loop-health", "")


def source_of(schema: dict[str, Any], keyword: str) -> Mapping[str, Any]:
    given = entries(schema["x-source"])
    return given[keyword] if keyword in given else given["*"]


def test_the_prose_of_kodexa_is_told_from_its_reference() -> None:
    request = document("kodexa")["components"]["schemas"]["Request"]
    origin = {
        f"{name}.{keyword}": source_of(schema, keyword)
        for name, schema in request["properties"].items()
        for keyword in CONSTRAINING & schema.keys()
    }
    assert {key for key, entry in origin.items() if entry["document"] == "kodexa" and entry["basis"] == "stated"} == {
        *(f"{name}.type" for name in request["properties"]),
        "temperature.minimum",
        "temperature.maximum",
    }
    assert {key for key, entry in origin.items() if entry["basis"] == "inferred"} == {"max_tokens.minimum"}
