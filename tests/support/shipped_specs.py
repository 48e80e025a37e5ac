"""The shipped contracts as plain data, read without the product's own loader, for the tests of these documents."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

SPECS = Path(__file__).parents[2] / "specs"
PROFILES = ("kodexa", "loop-health", "openai")
PATHS = {
    "kodexa": "/api/organizations/{orgId}/ai/chat/completions",
    "loop-health": "/v1/chat/completions",
    "openai": "/chat/completions",
}
CONSTRAINING = frozenset(
    [
        *["type", "enum", "const", "multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
        *["minLength", "maxLength", "pattern", "format", "minItems", "maxItems", "uniqueItems", "minProperties"],
        *["maxProperties", "required", "additionalProperties", "unevaluatedProperties", "anyOf", "oneOf", "not", "if"],
        *["dependentRequired", "propertyNames", "contains", "minContains", "maxContains"],
    ]
)


@cache
def document(profile: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((SPECS / "profiles" / profile / "openapi.yaml").read_text(encoding="utf-8"))
    return loaded


def operation(profile: str) -> dict[str, Any]:
    found: dict[str, Any] = document(profile)["paths"][PATHS[profile]]["post"]
    return found


def root_pointers(profile: str) -> Iterator[str]:
    """The pointer of each schema that the operation itself holds: parameters, request, responses."""
    base = f"/paths/{PATHS[profile].replace('/', '~1')}/post"
    for number in range(len(operation(profile).get("parameters", []))):
        yield f"{base}/parameters/{number}/schema"
    yield f"{base}/requestBody/content/application~1json/schema"
    for status, response in operation(profile)["responses"].items():
        for media_type, content in response["content"].items():
            for key in content:
                yield f"{base}/responses/{status}/content/{media_type.replace('/', '~1')}/{key}"


def schemas(schema: Any, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """A schema object and all below it."""
    yield where, schema
    for name, below in schema.get("properties", {}).items():
        yield from schemas(below, f"{where}/properties/{name}")
    if "items" in schema:
        yield from schemas(schema["items"], f"{where}/items")
    for number, branch in enumerate(schema.get("anyOf", [])):
        yield from schemas(branch, f"{where}/anyOf/{number}")


def all_schemas(profile: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, schema in document(profile)["components"]["schemas"].items():
        yield from schemas(schema, f"components/schemas/{name}")
    for parameter in operation(profile).get("parameters", []):
        yield from schemas(parameter["schema"], f"parameters/{parameter['name']}")
    for status, response in operation(profile)["responses"].items():
        for content in response["content"].values():
            for key, schema in content.items():
                yield from schemas(schema, f"responses/{status}/{key}")


def entries(source: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """An `x-source` in its long form."""
    return {"*": source} if "document" in source else source


def all_entries(profile: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every single source that a document gives, with the place where it gives it; null is none."""
    holders: list[tuple[str, Mapping[str, Any]]] = list(all_schemas(profile))
    spec = document(profile)
    holders += [(f"responses/{status}", held) for status, held in operation(profile)["responses"].items()]
    holders += [(f"parameters/{held['name']}", held) for held in operation(profile).get("parameters", [])]
    holders += [(f"securitySchemes/{name}", held) for name, held in spec["components"]["securitySchemes"].items()]
    for where, holder in holders:
        given = entries(holder.get("x-source", {})).items()
        yield from ((f"{where} {key}", entry) for key, entry in given if entry is not None)


@cache
def validator(profile: str, pointer: str) -> Draft202012Validator:
    """A validator for the schema at a pointer of the document, formats included."""
    registry: Registry[Any] = Registry().with_resource("urn:spec", DRAFT202012.create_resource(document(profile)))
    return Draft202012Validator(
        {"$ref": f"urn:spec#{pointer}"}, registry=registry, format_checker=Draft202012Validator.FORMAT_CHECKER
    )


def accepts(profile: str, schema: str, instance: Any) -> bool:
    return validator(profile, f"/components/schemas/{schema}").is_valid(instance)


def changed(instance: Any, path: str, value: Any) -> Any:
    """The instance with another value at a dotted path; `...` takes the member out."""
    result = copy.deepcopy(instance)
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    holder = result
    for step in steps:
        holder = holder[step]
    if value is ...:
        del holder[last]
    else:
        holder[last] = value
    return result


def cases(table: Mapping[str, list[tuple[str, Any]]]) -> list[Any]:
    return [
        pytest.param(profile, path, value, id=f"{profile} {path} {'left out' if value is ... else repr(value)[:40]}")
        for profile, rows in table.items()
        for path, value in rows
    ]
