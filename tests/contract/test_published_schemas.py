"""Every published schema is one, says what it is for, and has an id of its own."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from conformance.shipped import specs_directory

PATHS = sorted(specs_directory().glob("*.schema.json"))
SCHEMAS: dict[str, dict[str, Any]] = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in PATHS}


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_valid_and_says_what_it_describes(name: str) -> None:
    schema = SCHEMAS[name]
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"]


def test_no_two_schemas_have_one_id() -> None:
    ids = [schema["$id"] for schema in SCHEMAS.values() if "$id" in schema]
    assert len(set(ids)) == len(ids)
