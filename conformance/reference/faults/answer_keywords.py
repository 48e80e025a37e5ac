"""Faults made from the schemas of answers: for each keyword, an answer that breaks only this one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.contract.model import Contract, Keyword, Requirement, Tier
from conformance.contract.pointers import split
from conformance.contract.samples import sample
from conformance.contract.validators import definitions_of
from conformance.reference.faults.actions import FaultAction
from conformance.reference.faults.fault import Fault

_ACTIONS = {"completion": "completion.set", "stream.chunk": "chunks.set", "error": "error.set"}
_FAMILIES = {"completion": 3, "stream.chunk": 2, "error": 4}
_SERVER_ERROR = 500
_FILLED = {"completion": "completion.fill", "stream.chunk": "chunks.fill"}
_LEFT_OUT = frozenset({"function_call", "annotations", "audio", "refusal", "moderation", "metadata"})
"""Members that the reference deployment's answers do not have."""
_CUSTOM = "tool_calls.items.custom."
"""In the ids of what is judged of calls of custom tools, which the exhaustive tier alone asks for."""


def answer_keyword_faults(contract: Contract) -> Iterator[Fault]:
    """One fault for each keyword of the completion, the chunk and the errors that an answer can break alone."""
    for row in contract.requirements:
        keyword = row.keyword
        if keyword is None:
            continue
        part = "error" if keyword.location.startswith("error.") else keyword.location
        if part not in _ACTIONS:
            continue
        broken = _break(keyword)
        if broken is not None:
            yield _fault(contract, row, keyword, part, *broken)


def _is_usage_without_request(contract: Contract, keyword: Keyword) -> bool:
    """Whether the stream must have a usage without a request for it, because this contract has no way to request it."""
    of_usage = keyword.location == "stream.chunk" and keyword.pointer.startswith("/properties/usage/")
    return of_usage and "stream_options" not in contract.operation.properties


def _fault(contract: Contract, row: Requirement, keyword: Keyword, part: str, place: str, to: Any) -> Fault:
    always_usage = _is_usage_without_request(contract, keyword)
    actions = [
        *([FaultAction("events.always-usage")] if always_usage else []),
        *_filling(contract, keyword, part),
        FaultAction(_ACTIONS[part], {"at": place, "to": to}),
    ]
    status = keyword.location.removeprefix("error.")
    if status.isdigit():
        actions = [FaultAction("error.set", {"at": place, "to": to, "status": int(status)})]
        if int(status) >= _SERVER_ERROR:
            # A conforming deployment has no such answer; this one gives it to malformed JSON.
            actions.append(FaultAction("json.refusal", {"status": int(status)}))
    return Fault(
        id=f"breaks:{row.id}",
        about=f"An answer breaks only this: {row.statement}",
        family=_FAMILIES[part],
        seen=(),
        actions=tuple(actions),
        breaks=(row.id,),
        tier=Tier.EXHAUSTIVE if _CUSTOM in row.id else None,
        generated=True,
    )


def _filling(contract: Contract, keyword: Keyword, part: str) -> Iterator[FaultAction]:
    """Puts in what the keyword speaks of, where the reference deployment leaves it out."""
    schema = contract.operation.success.json_schema if part == "completion" else contract.operation.success.item_schema
    if part not in _FILLED or not isinstance(schema, Mapping):
        return
    *way, name = split(keyword.pointer)
    way = way[:-1] if name.isdigit() else way
    for place, held in _members_on(schema, way):
        if not _LEFT_OUT & {*place.split("/")}:
            continue
        made = sample(held, definitions_of(schema))
        if made == {} and isinstance(held.get("additionalProperties"), Mapping):
            made = {"member": sample(held["additionalProperties"], definitions_of(schema))}
        if isinstance(made, dict | list) and made:
            yield FaultAction(_FILLED[part], {"at": place, "to": made})


def _members_on(schema: Mapping[str, Any], way: list[str]) -> Iterator[tuple[str, Any]]:
    """The members on the way to a keyword: where each is in an answer, and its schema in the branch of the way."""
    place, current, rest = "", schema, list(way)
    while rest:
        step = rest.pop(0)
        current = current[step]
        if step == "properties":
            name = rest.pop(0)
            place, current = f"{place}/{name}", current[name]
            yield place, _branch(current, rest)
        elif step in {"items", "additionalProperties"}:
            place = f"{place}/*"
        elif step in {"anyOf", "oneOf", "allOf", "prefixItems"}:
            current = current[int(rest.pop(0))]


def _branch(schema: Any, rest: list[str]) -> Any:
    """The branch of a choice that the way goes on in."""
    while len(rest) > 1 and rest[0] in {"anyOf", "oneOf"}:
        schema, rest = schema[rest[0]][int(rest[1])], rest[2:]
    return schema


def _break(keyword: Keyword) -> tuple[str, Any] | None:
    """Where an answer is changed, and to what; None where no answer could break this keyword alone."""
    *way, name = split(keyword.pointer)
    if name.isdigit():  # one entry of `required`, or a branch
        *way, name = way
    place = _place(way)
    value = keyword.value
    if name == "required":
        return f"{place}/{value}", {"as": "absent"}
    made = _WRONG.get(name)
    return None if made is None else (place, made(value))


def _place(way: list[str]) -> str:
    """The JSON pointer into an answer for a pointer into its schema; branches of one value have the same."""
    steps: list[str] = []
    rest = list(way)
    while rest:
        step = rest.pop(0)
        if step == "properties":
            steps.append(rest.pop(0))
        elif step in {"items", "additionalProperties"}:
            steps.append("*")
        elif step in {"anyOf", "oneOf", "allOf", "prefixItems"}:
            rest.pop(0)
    return "".join(f"/{step}" for step in steps)


def _wrong_type(value: Any) -> Any:
    types = {value} if isinstance(value, str) else set(value)
    for name, wrong in (("boolean", True), ("object", {"as": "object"}), ("string", "x")):
        if name not in types:
            return wrong
    return None


_WRONG: Mapping[str, Any] = {
    "type": _wrong_type,
    "const": lambda value: f"{value}-x" if isinstance(value, str) else "x",
    "enum": lambda value: "x-unknown" if isinstance(value[0], str) else -987654,
    "minimum": lambda value: value - 1,
    "maximum": lambda value: value + 1,
    "exclusiveMinimum": lambda value: value,
    "exclusiveMaximum": lambda value: value,
    "minLength": lambda value: "x" * (value - 1),
    "maxLength": lambda value: "x" * (value + 1),
    "minItems": lambda _: [],
    "anyOf": lambda _: True,
    "oneOf": lambda _: True,
    "format": lambda _: "x",
    "pattern": lambda _: "\u0000",
}
