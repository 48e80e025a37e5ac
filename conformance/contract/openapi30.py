"""Turns the schema words of OpenAPI 3.0 into those of JSON Schema 2020-12."""

from __future__ import annotations

from typing import Any

_COMBINING = ("anyOf", "oneOf", "allOf", "enum", "const", "$ref")


def modernized(schema: dict[str, Any], letter: str | None = None) -> tuple[dict[str, Any], bool]:
    """One schema object in the words of 2020-12, and whether null is allowed beside all that it says.

    `nullable` becomes the type null, a boolean `exclusiveMinimum` or `exclusiveMaximum` its number, and `example` one
    of `examples`. Documents of later versions that still use these words mean the same by them, so the version is
    not asked for. Null is allowed beside the schema when `nullable` meets keywords that cannot say it themselves:
    then the caller makes `anyOf` of the schema and null.

    With `letter`, the version of a document, `nullable` means what that version says and no more (OpenAPI 3.0.3,
    section 4.7.24.1: it adds null to a `type` beside it, and to no `enum`; from 3.1 on, it is no keyword).
    """
    result = dict(schema)
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(result.get(exclusive), bool):
            strict = result.pop(exclusive)
            if strict and bound in result:
                result[exclusive] = result.pop(bound)
    if "example" in result:
        result.setdefault("examples", [result.pop("example")])
    if result.pop("nullable", False) is not True or (letter is not None and not letter.startswith("3.0")):
        return result, False
    kinds = result.get("type")
    if not isinstance(kinds, (str, list)):
        return result, letter is None and any(keyword in result for keyword in _COMBINING)
    kinds = [kinds] if isinstance(kinds, str) else kinds
    result["type"] = kinds if "null" in kinds else [*kinds, "null"]
    if letter is None and isinstance(result.get("enum"), list) and None not in result["enum"]:
        result["enum"] = [*result["enum"], None]
    return result, False
