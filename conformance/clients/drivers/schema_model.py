"""A Pydantic model for a JSON Schema, as users of a client that takes models have written one."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, create_model

_PLAIN: dict[Any, Any] = {"string": str, "integer": int, "number": float, "boolean": bool, "null": None}


def model_of(schema: dict[str, Any], name: str = "Answer") -> type[BaseModel]:
    """The model of an object's schema."""
    needed = schema.get("required", ())
    fields: dict[str, Any] = {}
    for member, one in schema.get("properties", {}).items():
        kind = _type_of(one, member)
        fields[member] = (kind, ...) if member in needed else (kind | None, None)
    extra: Any = "forbid" if schema.get("additionalProperties") is False else "allow"
    return create_model(name, __config__=ConfigDict(extra=extra), **fields)


def _type_of(schema: dict[str, Any], name: str) -> Any:
    if "const" in schema:
        return Literal[schema["const"]]
    if "enum" in schema:
        return Literal[tuple(schema["enum"])]
    kind = schema.get("type")
    if kind == "object" and schema.get("properties"):
        return model_of(schema, name.title())
    if kind == "array":
        return list[_type_of(schema.get("items", {}), name)]  # type: ignore[misc]
    return _PLAIN.get(kind, Any) if isinstance(kind, str) else Any
