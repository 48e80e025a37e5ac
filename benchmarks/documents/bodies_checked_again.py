"""Checks planned bodies by python-jsonschema and the document as it was written: no code that made them takes part."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from conformance.contract import Contract
from conformance.probes import Intent, Plan

_DOCUMENT = "urn:document"


@dataclass(frozen=True)
class WrongBody:
    """A body that is not what it is sent as, by its probe."""

    probe: str
    intent: str
    body: str


class Independent:
    """Reads the request schema of a contract's document anew."""

    def __init__(self, contract: Contract) -> None:
        self.checked = 0
        document = _in_2020_12(copy.deepcopy(dict(contract.document)))
        registry = Registry().with_resource(_DOCUMENT, DRAFT202012.create_resource(document))
        schema = {"$ref": f"{_DOCUMENT}#{_pointer(document, contract.operation.path)}"}
        self._validator = Draft202012Validator(schema, registry=registry)

    def wrong(self, plan: Plan) -> Iterator[WrongBody]:
        """The bodies that are sent as valid and are not, and those that break a keyword and are valid."""
        for probe in plan.every_probe():
            if not isinstance(probe.body, dict):
                continue
            breaks_keyword = probe.intent is Intent.REFUSED and "/enforced/" in probe.name and not probe.parameters
            if probe.intent is not Intent.SERVED and not breaks_keyword:
                continue
            try:
                is_valid = self._validator.is_valid(json.loads(json.dumps(probe.body)))
            except re.error:
                continue  # a pattern that Python does not know
            self.checked += 1
            if is_valid is not (probe.intent is Intent.SERVED):
                yield WrongBody(probe.name, probe.intent.value, json.dumps(probe.body)[:300])


def _pointer(document: Any, path: str) -> str:
    """Where the schema of the request's JSON body stands, along references."""
    at = f"/paths/{_escaped(path)}"
    at = f"{_followed(document, at)}/post"
    at = _followed(document, f"{_followed(document, at)}/requestBody")
    content = _at(document, at)["content"]
    media_type = next(one for one in content if one.partition(";")[0].strip().lower().endswith("json"))
    return f"{at}/content/{_escaped(media_type)}/schema"


def _followed(document: Any, pointer: str) -> str:
    found = _at(document, pointer)
    while isinstance(found, Mapping) and "$ref" in found:
        pointer = str(found["$ref"])[1:]
        found = _at(document, pointer)
    return pointer


def _at(document: Any, pointer: str) -> Any:
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        document = document[int(key)] if isinstance(document, list) else document[key]
    return document


def _escaped(token: str) -> str:
    return token.replace("~", "~0").replace("/", "~1")


def _in_2020_12(value: Any, version: str | None = None) -> Any:
    """The words of OpenAPI 3.0 in those of JSON Schema 2020-12, by the letter (OpenAPI 3.0.3, section 4.7.24)."""
    version = version or str(value.get("openapi", ""))
    if isinstance(value, list):
        return [_in_2020_12(one, version) for one in value]
    if not isinstance(value, dict):
        return value
    if version.startswith("3.0"):
        if isinstance(value.get("$ref"), str):
            value = {"$ref": value["$ref"]}
        if value.get("nullable") is True and isinstance(value.get("type"), str):
            value["type"] = [value["type"], "null"]
    properties = value.get("properties")
    if isinstance(properties, dict) and isinstance(value.get("required"), list):
        # What is read only is required in an answer alone (OpenAPI 3.0.3, section 4.7.24.1).
        of_answers = {name for name, one in properties.items() if isinstance(one, dict) and one.get("readOnly") is True}
        value["required"] = [name for name in value["required"] if name not in of_answers]
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(value.get(exclusive), bool):
            strict = value.pop(exclusive)
            if strict and bound in value:
                value[exclusive] = value.pop(bound)
    return {name: _in_2020_12(one, version) for name, one in value.items()}
