"""Puts a value where a schema keyword applies: follows the keyword's pointer through the schema and a request."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from conformance.contract.pointers import split
from conformance.contract.samples import items_of, matching_text, sample
from conformance.contract.validators import definitions_of, kept_choice, kept_validator
from conformance.probes.keyword_cases import UNKNOWN_MEMBER, part_of_condition
from conformance.probes.request_body import REMOVED, Path

_SAME_VALUE_BY_NUMBER = frozenset({"anyOf", "oneOf", "allOf"})


_FURTHER_NAMES: Mapping[Any, str] = {"logit_bias": "0"}
"""Names of further members that mean something: tokens by their numbers."""


class UnplaceableError(Exception):
    """No request can hold a value at this place; the message says why, as the end of a sentence."""


def path_of(pointer: str) -> Path:
    """Where in a body the keyword at a schema pointer applies: `/properties/a/items/type` is `("a", 0)`."""
    steps = split(pointer)[:-1]
    path: list[str | int] = []
    position = 0
    while position < len(steps):
        step = steps[position]
        if step in ("properties", "patternProperties"):
            name = steps[position + 1]
            path.append(name if step == "properties" else matching_text(name) or name)
            position += 2
        elif step == "additionalProperties":
            path.append(further_name(path[-1] if path else None))
            position += 1
        elif step == "items":
            path.append(0)
            position += 1
        elif step == "prefixItems":
            path.append(int(steps[position + 1]))
            position += 2
        else:  # anyOf/1, allOf/0, then: they apply to the same value
            position += 2 if step in _SAME_VALUE_BY_NUMBER else 1
    return tuple(path)


def further_name(holder: Any) -> str:
    """The name of a member that a document does not name, in the object that has this name."""
    return _FURTHER_NAMES.get(holder, UNKNOWN_MEMBER)


def with_change(base: Any, root: Any, pointer: str, change: Callable[[Any], Any]) -> Any:
    """A copy of a request in which the value that the keyword at `pointer` applies to is changed.

    The path to it is filled in: a value on it that does not fit the branch of the pointer is replaced by a small value
    of that branch. `change` gets the present value (None where there is none); where it returns `REMOVED`, the value is
    left out.

    Raises:
        UnplaceableError: no name is known that matches a pattern on the path.
    """
    walk = _Walk(copy.deepcopy(base), root)
    steps = split(pointer)[:-1]
    while steps:
        taken = walk.step(*steps[:2])
        steps = steps[taken:]
    walk.put(change(walk.value))
    return walk.box[0]


def with_value(base: Any, root: Any, pointer: str, value: Any) -> Any:
    """A copy of a request with a value where the keyword at `pointer` applies; see `with_change`.

    Raises:
        UnplaceableError: no name is known that matches a pattern on the path.
    """
    return with_change(base, root, pointer, lambda _: value)


def _members(branch: Any) -> set[str]:
    """The members that a branch speaks of."""
    return {*branch.get("properties", ()), *branch.get("required", ())} if isinstance(branch, Mapping) else set()


class _Walk:
    """Where the walk is: a schema, and the container and key of the value that it applies to."""

    def __init__(self, whole: Any, root: Any) -> None:
        self.box: list[Any] = [whole]
        self._holder: Any = self.box
        self._key: Any = 0
        self._schema: Any = root
        self._definitions = definitions_of(root)

    def put(self, value: Any) -> None:
        if value is REMOVED:
            self._holder.pop(self._key, None)
        else:
            self._holder[self._key] = value

    @property
    def value(self) -> Any:
        if isinstance(self._holder, dict):
            return self._holder.get(self._key)
        return self._holder[self._key]

    def as_object(self) -> dict[str, Any]:
        found = self._holder[self._key]
        if not isinstance(found, dict):
            made = sample(self._schema, self._definitions)
            found = self._holder[self._key] = made if isinstance(made, dict) else {}
        return found

    def step(self, word: str, following: str = "") -> int:
        """Follow one keyword of the pointer; returns how many of its tokens that took."""
        if word == "properties":
            self._into_member(following, self._schema[word][following])
            return 2
        if word == "patternProperties":
            name = matching_text(following)
            if name is None:
                raise UnplaceableError(f"no name is known that matches the pattern {following[:60]!r}")
            self._into_member(name, self._schema[word][following])
            return 2
        if word == "additionalProperties":
            self._into_member(further_name(self._key), self._schema[word])
            return 1
        if word == "items":
            self._into_item(len(self._schema.get("prefixItems", ())), self._schema[word])
            return 1
        if word == "prefixItems":
            self._into_item(int(following), self._schema[word][int(following)])
            return 2
        return self._same_value(word, following)

    def _same_value(self, word: str, following: str) -> int:
        numbered = word in _SAME_VALUE_BY_NUMBER
        if word == "then":
            self._meet(self._schema["if"])
        whole, self._schema = self._schema, self._schema[word][int(following)] if numbered else self._schema[word]
        current = self._holder[self._key]
        if word in ("anyOf", "oneOf") and not kept_validator(self._schema, self._definitions)(current):
            inner = sample(self._schema, self._definitions)
            both = isinstance(inner, dict) and isinstance(current, dict)
            self._holder[self._key] = self._of_one_branch(whole, word, int(following), inner) if both else inner
        return 2 if numbered else 1

    def _of_one_branch(self, whole: Any, word: str, number: int, inner: dict[str, Any]) -> dict[str, Any]:
        """The present object with a branch's members, and without those of others where they exclude each other."""
        together: dict[str, Any] = {**self._holder[self._key], **inner}
        accepts = kept_choice(whole, word, self._definitions)
        if word == "anyOf" or accepts(together):
            return together
        own = _members(whole[word][number])
        others = set().union(*(_members(branch) for branch in whole[word])) - own
        alone = {name: value for name, value in together.items() if name not in others}
        return alone if accepts(alone) else together

    def _meet(self, condition: Any) -> None:
        """Make an object one of the kind that a condition names."""
        current = self._holder[self._key]
        if isinstance(current, dict) and not kept_validator(condition, self._definitions)(current):
            kind = part_of_condition(condition, self._definitions)
            self._holder[self._key] = {**current, **kind} if isinstance(kind, dict) else current

    def _into_member(self, name: str, schema: Any) -> None:
        holder = self.as_object()
        if name not in holder:
            holder[name] = sample(schema, self._definitions)
        self._holder, self._key, self._schema = holder, name, schema

    def _into_item(self, number: int, schema: Any) -> None:
        found = self._holder[self._key]
        if not isinstance(found, list) or len(found) <= number:
            made = sample(self._schema, self._definitions)
            enough = isinstance(made, list) and len(made) > number
            found = made if enough else items_of(self._schema, number + 1, self._definitions)
            self._holder[self._key] = found
        self._holder, self._key, self._schema = found, number, schema
