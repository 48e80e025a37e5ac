"""The smallest valid request of a contract for a target, and changes to it: every probe's body is made here."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.contract import Contract
from conformance.target.model import Target

Path = tuple[str | int, ...]
"""Where a value stands in a body: `("messages", 0, "role")`."""

_LIMIT_FIELDS = ("max_tokens", "max_completion_tokens")


class _Removed:
    """Marks a field to leave out."""


REMOVED = _Removed()


@dataclass(frozen=True, slots=True)
class RequestBody:
    """Makes request bodies: the contract's template with the target's own values, capped in cost."""

    contract: Contract
    target: Target

    def has(self, field: str) -> bool:
        """Whether the contract's request has this field."""
        return field in self.contract.operation.properties

    @property
    def limit_field(self) -> str | None:
        """The field that limits a completion's tokens, where the contract has one."""
        return next((name for name in _LIMIT_FIELDS if self.has(name)), None)

    @property
    def base(self) -> dict[str, Any]:
        """The template, filled in from the target; the model is left out where neither asks for one."""
        values = {
            "{model}": self.target.model,
            "{brand_id}": self.target.brand_id,
            "{requested_by}": self.target.requested_by,
        }
        body = {name: _filled(value, values) for name, value in self.contract.template.items()}
        if self.target.model and self.has("model"):
            body["model"] = self.target.model
        return {name: value for name, value in body.items() if value is not None}

    def capped(self, tokens: int) -> dict[str, Any]:
        """The base with at most `tokens` completion tokens, where the contract can limit them."""
        limit = {} if self.limit_field is None else {self.limit_field: tokens}
        return {**self.base, **limit}

    def asking(self, text: str, *, tokens: int, **fields: Any) -> dict[str, Any]:
        """A capped request with one user message of this text and further fields."""
        messages = [{"role": "user", "content": text}]
        return {**self.capped(tokens), "messages": messages, **fields}

    def changed(self, path: Path, value: Any, *, tokens: int = 1, base: Mapping[str, Any] | None = None) -> Any:
        """A capped request that differs from the valid one at one place; `REMOVED` leaves the field out."""
        body: Any = copy.deepcopy(dict(self.capped(tokens) if base is None else base))
        if not path:
            return value
        holder = body
        for step, following in zip(path[:-1], path[1:], strict=True):
            holder = _stepped_into(holder, step, following)
        _put(holder, path[-1], value)
        return body


def _filled(value: Any, values: Mapping[str, str | None]) -> Any:
    return values[value] if isinstance(value, str) and value in values else copy.deepcopy(value)


def _stepped_into(holder: Any, step: str | int, following: str | int) -> Any:
    empty: Any = [] if isinstance(following, int) else {}
    if isinstance(step, int):
        if not isinstance(holder, list):
            raise TypeError(f"no list at step {step}")
        while len(holder) <= step:
            holder.append(empty)
        if not isinstance(holder[step], (dict, list)):
            holder[step] = empty
        return holder[step]
    if not isinstance(holder.get(step), list if isinstance(following, int) else dict):
        holder[step] = empty
    return holder[step]


def _put(holder: Any, step: str | int, value: Any) -> None:
    if value is REMOVED:
        if isinstance(holder, dict):
            holder.pop(step, None)
        return
    if isinstance(step, int):
        while len(holder) <= step:
            holder.append(None)
    holder[step] = value


def schema_at(schema: Any, path: Sequence[str]) -> Any:
    """The schema of a property by its path of names, or True where there is none."""
    for name in path:
        if not isinstance(schema, Mapping):
            return True
        schema = schema.get("properties", {}).get(name, True)
    return schema
