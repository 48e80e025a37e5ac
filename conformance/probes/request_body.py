"""The smallest valid request of a contract for a target, and changes to it: every probe's body is made here."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.contract import Contract
from conformance.contract.samples import sample, types_of
from conformance.probes.cost import LIMIT_FIELDS
from conformance.targets.model import Target

Path = tuple[str | int, ...]
"""Where a value stands in a body: `("messages", 0, "role")`."""


CHEAP = 2
"""Completion tokens of a probe that is not about its answer: few, and not at the bound of what may be asked for."""


class _Removed:
    """Marks a field to leave out."""


REMOVED = _Removed()


@dataclass(frozen=True, slots=True)
class RequestBody:
    """Makes request bodies: the contract's template with the target's own values, capped in cost."""

    contract: Contract
    target: Target
    _validator: list[Any] = field(default_factory=list, init=False, repr=False, compare=False)
    """The request schema's validator, once it was needed."""

    def accepts(self, instance: Any) -> bool:
        """Whether the contract's request schema, formats included, accepts a body."""
        if not self._validator:
            from jsonschema_rs import Draft202012Validator  # noqa: PLC0415 - takes 50 ms

            schema: Any = self.contract.operation.request_schema
            self._validator.append(Draft202012Validator(schema, validate_formats=True))
        return bool(self._validator[0].is_valid(instance))

    def has(self, field: str) -> bool:
        """Whether the contract's request has this field."""
        return field in self.contract.operation.properties

    @property
    def limit_field(self) -> str | None:
        """The field that limits a completion's tokens, where the contract has one."""
        return next(iter(self.limit_fields), None)

    @property
    def limit_fields(self) -> tuple[str, ...]:
        """All fields of the contract that limit a completion's tokens."""
        return tuple(name for name in LIMIT_FIELDS if self.has(name))

    @property
    def base(self) -> dict[str, Any]:
        """The template, filled in from the target; the model is left out where neither asks for one."""
        values = {"{model}": self.target.model}
        values |= {one.placeholder: self.target.value(one) for one in self.contract.parameters}
        body = {name: _filled(value, values) for name, value in self.contract.template.items()}
        if self.target.model and self.has("model"):
            body["model"] = self.target.model
        return {name: value for name, value in body.items() if value is not None}

    @property
    def configured(self) -> frozenset[str]:
        """The fields whose values an operator has configured, so that no other value is known to be served.

        A parameter that has its default is none of them: any text of the right form is as good.
        """
        parameters = [one for one in self.contract.parameters if not one.in_path]
        return frozenset(one.name for one in parameters if self.target.value(one) != one.default)

    @property
    def problem_of_base(self) -> str | None:
        """Why the contract's schema refuses the base, in a few words; None where it does not."""
        if self.accepts(self.base):
            return None
        from jsonschema import Draft202012Validator  # noqa: PLC0415 - costs 140 ms, and the fast one decides
        from jsonschema.exceptions import best_match  # noqa: PLC0415 - as above

        error = best_match(Draft202012Validator(self.contract.operation.request_schema).iter_errors(self.base))
        if error is None:
            return "its schema refuses it"
        place = ".".join(str(step) for step in error.absolute_path) or "the body"
        return f"{place} breaks `{error.validator}`"

    def capped(self, tokens: int) -> dict[str, Any]:
        """The base with at most `tokens` completion tokens, where the contract can limit them."""
        limit = {} if self.limit_field is None else {self.limit_field: tokens}
        return {**self.base, **limit}

    def asking(self, text: str, *, tokens: int, **fields: Any) -> dict[str, Any]:
        """A capped request with one user message of this text and further fields."""
        messages = [{"role": "user", "content": text}]
        return {**self.capped(tokens), "messages": messages, **fields}

    def changed(self, path: Path, value: Any, *, tokens: int = CHEAP, base: Mapping[str, Any] | None = None) -> Any:
        """A capped request that differs from the valid one at one place; `REMOVED` leaves the field out."""
        body: Any = copy.deepcopy(dict(self.capped(tokens) if base is None else base))
        if not path:
            return value
        holder, schema = body, self.contract.operation.request_schema
        for step, following in itertools.pairwise(path):
            schema = _schema_of(schema, step)
            holder = _stepped_into(holder, step, _valid(schema, following))
        _put(holder, path[-1], value)
        return body


def _filled(value: Any, values: Mapping[str, str | None]) -> Any:
    return values[value] if isinstance(value, str) and value in values else copy.deepcopy(value)


def _stepped_into(holder: Any, step: str | int, valid: Any) -> Any:
    """The container at a step; where there is none of its kind, a small valid one is put there."""
    if isinstance(holder, list):
        while len(holder) <= int(step):
            holder.append(copy.deepcopy(valid))
        if type(holder[int(step)]) is not type(valid):
            holder[int(step)] = copy.deepcopy(valid)
        return holder[int(step)]
    if type(holder.get(step)) is not type(valid):
        holder[step] = copy.deepcopy(valid)
    return holder[step]


def _schema_of(schema: Any, step: str | int) -> Any:
    """The schema of a property or of an array's items; of several alternatives, the first that has it."""
    if not isinstance(schema, Mapping):
        return True
    if isinstance(step, int) and "items" in schema:
        return schema["items"]
    if not isinstance(step, int) and step in schema.get("properties", {}):
        return schema["properties"][step]
    branches = [branch for keyword in ("anyOf", "oneOf", "allOf") for branch in schema.get(keyword, ())]
    return next((found for found in (_schema_of(branch, step) for branch in branches) if found is not True), True)


def _valid(schema: Any, step: str | int) -> Any:
    """A small valid value of the schema that one can step into: a list for an index, an object for a name."""
    kind = "array" if isinstance(step, int) else "object"
    branches = schema.get("anyOf", schema.get("oneOf", ())) if isinstance(schema, Mapping) else ()
    fitting = next((branch for branch in branches if kind in types_of(branch)), schema)
    found = sample(fitting)
    if kind == "object":
        return found if isinstance(found, dict) else {}
    if isinstance(found, list) and found:
        return found
    return [sample(_schema_of(fitting, 0))] if isinstance(fitting, Mapping) else []


def _put(holder: Any, step: str | int, value: Any) -> None:
    if value is REMOVED:
        if isinstance(holder, dict):
            holder.pop(step, None)
        return
    if isinstance(step, int):
        while len(holder) <= step:
            holder.append(None)
    holder[step] = value
