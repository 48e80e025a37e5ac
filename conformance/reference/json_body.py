"""Parses a request body as strict JSON: what two parsers could read differently is refused (RFC 8259)."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from conformance.reference.errors import Refusal

_STRINGS_AND_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)


def parse_object(body: bytes, max_depth: int) -> dict[str, Any]:
    """The JSON object in `body`.

    Raises:
        Refusal: 400; the body is empty, not UTF-8, not one JSON text, not an object, nested deeper than `max_depth`,
            or has duplicate names, numbers outside of JSON or of a double, or lone surrogates.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refusal(f"The request body is not valid UTF-8 (at byte {error.start}).") from error
    if not text.strip(" \t\r\n"):
        raise _refusal("The request body is empty; send a JSON object.")
    _refuse_depth(text, max_depth)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique_names,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_integer,
        )
    except json.JSONDecodeError as error:
        raise _refusal(
            f"The request body is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        ) from error
    if not isinstance(value, dict):
        raise _refusal("The request body must be a JSON object.")
    if "\\u" in text:
        _refuse_lone_surrogates(value)
    return value


def _refusal(message: str) -> Refusal:
    return Refusal(400, "invalid_json", message)


def _refuse_depth(text: str, max_depth: int) -> None:
    """Check the depth before parsing, so that deep nesting cannot exhaust the stack of a recursive parser."""
    if text.count("[") + text.count("{") <= max_depth:
        return
    depth = 0
    for match in _STRINGS_AND_BRACKETS.finditer(text):
        if match[0] in "[{":
            depth += 1
            if depth > max_depth:
                raise _refusal(f"The request body is nested deeper than {max_depth} levels.")
        elif match[0] in "]}":
            depth -= 1


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # RFC 8259 section 4: how a parser handles a repeated name is unpredictable. Two layers of a gateway that choose
    # differently would authorize one value and act on the other.
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _refusal("The request body has an object with a duplicate name.")
    return value


def _refuse_constant(_constant: str) -> NoReturn:
    raise _refusal("The request body has a number that JSON does not know (NaN or Infinity).")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise _refusal("The request body has a number that is too large.")
    return value


def _integer(digits: str) -> int:
    if len(digits) > 400:  # beyond what a double can hold; int() takes quadratic time
        raise _refusal("The request body has a number that is too large.")
    return int(digits)


def _refuse_lone_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise _refusal("The request body has a string with half of a surrogate pair.") from error
