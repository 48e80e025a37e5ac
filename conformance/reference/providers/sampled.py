"""Documents that fit a schema, the same for the same schema every time, with text outside of ASCII where it may be."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from conformance.contract.effort import TooMuchEffortError, bounded_effort
from conformance.contract.samples import matching_text, sample
from conformance.contract.validators import validator_for
from conformance.reference.errors import Refusal

_TEXT: Final = 'Grüße, 世界 👩\u200d👧 "e\u0301"'
"""Umlauts, CJK, an emoji with a joiner, a combining mark and quotation marks: what is cut or escaped wrongly."""
_MOST_WORK: Final = 200_000
_MOST_TEXTS: Final = 50


def document_of(schema: Mapping[str, Any]) -> Any:
    """A value that fits a schema.

    Raises:
        Refusal: 400 where none is found in a reasonable time.
    """
    definitions = {**schema.get("$defs", {}), "#": schema}
    try:
        with bounded_effort(_MOST_WORK):
            accepts = validator_for(schema)
            found = copy.deepcopy(sample(schema, definitions))
            if not schema or schema.get("type") == "object":
                found = found if isinstance(found, dict) else {}
            if accepts(found):
                return _with_other_text(found, accepts)
    except (TooMuchEffortError, ValueError) as error:
        raise _not_found() from error
    raise _not_found()


def json_of(schema: Mapping[str, Any]) -> str:
    """The JSON text of a value that fits a schema; an object for the schema that says nothing.

    Raises:
        Refusal: 400 where none is found in a reasonable time.
    """
    return json.dumps(document_of(schema), ensure_ascii=False)


def text_of_grammar(grammar: Mapping[str, Any], otherwise: str) -> str:
    """A text that fits a grammar, a regular expression, or another text where there is none.

    Raises:
        Refusal: 400 where none is found.
    """
    if not grammar:
        return otherwise
    found = matching_text(str(grammar.get("definition")))
    if found is None:
        raise _not_found()
    return found


def _with_other_text(value: Any, accepts: Any) -> Any:
    """The value with other text in each place where the schema takes any."""
    for holder, key in list(_texts(value))[:_MOST_TEXTS]:
        kept, holder[key] = holder[key], _TEXT
        if not accepts(value):
            holder[key] = kept
    return value


def _texts(value: Any) -> Iterator[tuple[Any, Any]]:
    """Where in a value texts are: what holds each of them, and its key there."""
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in items:
        if isinstance(one, str):
            yield value, key
        else:
            yield from _texts(one)


def _not_found() -> Refusal:
    return Refusal(400, "invalid_value", "No value was found that fits the schema or grammar that is asked for.")
