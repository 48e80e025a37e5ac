"""Small OpenAPI documents of a user, for the tests of the loaders."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

REQUEST: dict[str, Any] = {
    "type": "object",
    "required": ["messages"],
    "properties": {
        "model": {"type": "string"},
        "messages": {"type": "array", "minItems": 1, "items": {"type": "object"}},
        "temperature": {"type": "number", "minimum": 0, "maximum": 2},
    },
}


def own_document(
    request: Any = None,
    *,
    completion: Any = None,
    version: str = "3.1.0",
    path: str = "/v1/chat/completions",
    **parts: Any,
) -> dict[str, Any]:
    """A document with one chat-completions operation; `parts` are put beside `paths`."""
    schema = copy.deepcopy(REQUEST if request is None else request)
    content: dict[str, Any] = {}
    if completion is not None:
        content["application/json"] = {"schema": completion}
    return {
        "openapi": version,
        "info": {"title": "Our gateway", "version": "7"},
        "paths": {
            path: {
                "post": {
                    "requestBody": {"content": {"application/json": {"schema": schema}}},
                    "responses": {"200": {"description": "A completion.", "content": content}},
                }
            }
        },
        **parts,
    }


def the_post(document: Mapping[str, Any]) -> dict[str, Any]:
    """The operation object of a document that `own_document` made."""
    (item,) = document["paths"].values()
    post: dict[str, Any] = item["post"]
    return post


def stored(directory: Path, document: Any, name: str = "gateway.yaml") -> str:
    """Writes a document as JSON, which is YAML too, and gives its path."""
    path = directory / name
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")
    return str(path)
