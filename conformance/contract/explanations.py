"""Why clients need a requirement, and how a deployment that breaks it is mended: for people, beside the rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from conformance.contract.documents import enforce, read_document
from conformance.contract.pointers import join, split
from conformance.shipped import specs_directory

SCHEMA = "explanations.schema.json"
FILE_NAME = "explanations.yaml"
_OF_THE_REQUEST = ("request", "path")


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why clients need a requirement, and how to mend what breaks it; a few sentences each."""

    why: str
    fix: str


@cache
def shipped_explanations() -> dict[str, Explanation]:
    """The explanations of the catalogue's rows, by id.

    Raises:
        ContractError: the file departs from its schema, or explains a row twice.
    """
    document = read_document(specs_directory() / FILE_NAME)
    enforce(document, SCHEMA)
    found: dict[str, Explanation] = {}
    for number, row in enumerate(document.data):
        if row["requirement"] in found:
            raise document.error(
                f"`{row['requirement']}` is explained twice; keep one", join("", number, "requirement")
            )
        found[row["requirement"]] = Explanation(row["why"], row["fix"])
    return found


def explanation(row_id: str, pointer: str | None = None) -> Explanation | None:
    """The explanation of a requirement, or None for one of a user's own rows.

    `pointer` is the schema keyword that it follows from, such as `request#/properties/n/minimum`, if it does.

    Raises:
        ContractError: as `shipped_explanations`.
    """
    if pointer is None:
        return shipped_explanations().get(row_id)
    location, _, place = pointer.partition("#")
    keyword = next(reversed(split(place)), "")
    kept = _KEPT.get(keyword, "The document states the rule, and callers rely on it.")
    if location.split(".")[0] in _OF_THE_REQUEST:
        return Explanation(f"{kept} {_WHY_OF_REQUESTS}", _FIX_OF_REQUESTS)
    return Explanation(f"{kept} {_WHY_OF_ANSWERS}", _FIX_OF_ANSWERS)


_WHY_OF_REQUESTS = (
    "What the document forbids and the server takes is handed to the model, where it becomes a 500, an answer that"
    " nobody asked for and somebody pays for, or an interface that a caller relies on; what it allows and the server"
    " refuses turns away the callers who read it."
)
_FIX_OF_REQUESTS = (
    "Validate the body by the document's own schema before anything else looks at it, rather than by rules that were"
    " copied from it; answer 400 with the error object, and name the field. Where the engine has a narrower limit,"
    " narrow the document."
)
_WHY_OF_ANSWERS = (
    "Clients are generated from this schema: an answer that departs from it fails in their deserialiser, in production"
    " and often in rare answers only."
)
_FIX_OF_ANSWERS = (
    "Build the answer from a typed model of the schema rather than passing the upstream's on, keep required members"
    " also where they are null, and validate a sample of your own answers by the document."
)
_KEPT = {
    "type": 'A value of another type is another value: "0.5" is no number, and 1 is not true.',
    "const": "There is one value that callers may rely on.",
    "enum": "The list of values is closed, so that callers can branch on it.",
    "minimum": "The lower bound is part of the interface.",
    "maximum": "The upper bound is part of the interface, and often a limit on cost.",
    "exclusiveMinimum": "The lower bound is part of the interface, and itself not allowed.",
    "exclusiveMaximum": "The upper bound is part of the interface, and itself not allowed.",
    "multipleOf": "The step of the values is part of the interface.",
    "minLength": "A text that is too short, empty for the most part, carries nothing.",
    "maxLength": "The longest text is what columns, forms and budgets are planned by.",
    "pattern": "The form of the text is what others parse it by.",
    "format": "The format is what others parse the text by.",
    "minItems": "An empty list means something else than a list with an entry.",
    "maxItems": "The greatest number of entries is what limits and costs are planned by.",
    "uniqueItems": "Entries that stand twice are counted twice.",
    "minProperties": "An empty object carries nothing.",
    "maxProperties": "The greatest number of members is what limits are planned by.",
    "required": "A member that must be there is read without asking.",
    "additionalProperties": "Members that the document does not name are misspellings, or inner matters.",
    "unevaluatedProperties": "Members that the document does not name are misspellings, or inner matters.",
    "propertyNames": "The form of the names is part of the interface.",
    "anyOf": "The document names the forms that a value may have; callers handle these and no other.",
    "oneOf": "The document names the forms that a value may have; one must fit, so that callers can tell them apart.",
    "allOf": "Several rules hold at once.",
    "not": "The document excludes a form by name.",
    "contains": "The list must have an entry of this form.",
}
