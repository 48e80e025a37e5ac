"""Judges JSON values by a schema (2020-12): quickly whether they conform, and slowly which keywords they break."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from conformance.contract.branches import chosen_branch
from conformance.contract.model import Keyword, Schema
from conformance.contract.pointers import join, look_up, split
from conformance.contract.statements import complement
from conformance.contract.vocabulary import HOLD_A_SCHEMA, HOLD_LISTS_OF_SCHEMAS, HOLD_SCHEMAS_BY_NAME
from conformance.quoting import as_json, as_path
from conformance.reading.schema_reach import SchemaReach, key_of, matcher

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

KEPT_PER_KEYWORD = 20
"""How many deviations from one keyword are reported; a hostile answer may have a million."""
_MOST_READ = 10_000
_JUDGED_AS_A_WHOLE = frozenset({"not", "contains", "propertyNames", "dependentSchemas"})
"""Keywords whose inner schemas are not requirements of their own."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONDITION = frozenset({"if", "then", "else"})


@dataclass(frozen=True, slots=True)
class SchemaDeviation:
    """One keyword that a value breaks.

    `pointer` leads to the keyword in the schema, as `Keyword.pointer` does; `name` is the missing property where the
    keyword is `required`. `instance_path` says where the value is (`choices[0].delta.role`; empty for the whole).
    `expected` and `actual` are words and JSON of at most 80 characters, safe to show.
    """

    pointer: str
    instance_path: str
    expected: str
    actual: str
    name: str | None = None

    @property
    def key(self) -> str:
        """What `keyword_key` gives for the same keyword."""
        return self.pointer if self.name is None else f"{self.pointer}#{self.name}"


def keyword_key(keyword: Keyword) -> str:
    """The key of a keyword in its schema: the pointer, followed by `#NAME` for one name of `required`."""
    return key_of(keyword.pointer, keyword.name, keyword.value)


class SchemaJudge:
    """Judges values by one schema. Its parts are built when they are first needed."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._fast_branches: dict[int, Any] = {}

    def conforms(self, instance: Any, /) -> bool:
        """Whether a value fits the schema, formats included."""
        try:
            return self._is_valid(instance)
        except UnicodeEncodeError:
            return self._is_valid(_encodable(instance))

    def deviations(self, instance: Any, /) -> tuple[SchemaDeviation, ...]:
        """The keywords that a value breaks: at most 20 deviations of each, in the schema's order; none if it conforms.

        For a value that fits no branch of an `anyOf` or `oneOf`, the deviations are those from the one branch that
        takes such values; where there is none, the `anyOf` or `oneOf` itself is reported.
        """
        if self.conforms(instance):
            return ()
        found = tuple(self._kept(self._explained(instance)))
        return found or tuple(self._kept(self._found_fast(instance)))

    def reached(self, instance: Any, /) -> frozenset[str]:
        """The keys (`keyword_key`) of the keywords that judged a value of the instance, kept or broken."""
        return self._reach.reached(instance)

    @cached_property
    def branches(self) -> tuple[SchemaJudge, ...]:
        """The judges of the branches, where the schema is a choice and says nothing else."""
        schema = self.schema
        keyword = next((one for one in ("anyOf", "oneOf") if isinstance(schema, Mapping) and one in schema), None)
        if keyword is None or not isinstance(schema, Mapping):
            return ()
        shared = {name: schema[name] for name in ("$defs",) if name in schema}
        return tuple(SchemaJudge({**one, **shared}) for one in schema[keyword] if isinstance(one, Mapping))

    @cached_property
    def _fast(self) -> Any:
        return _fast_validator(self.schema)

    @cached_property
    def _is_valid(self) -> Callable[[Any], bool]:
        is_valid: Callable[[Any], bool] = self._fast.is_valid
        return is_valid

    @cached_property
    def _slow(self) -> Any:
        return _explaining_class()(self.schema)

    @cached_property
    def _reach(self) -> SchemaReach:
        return SchemaReach(self.schema, self._branch_accepts)

    def _branch_accepts(self, branch: Schema, value: Any) -> bool:
        validator = self._fast_branches.get(id(branch))
        if validator is None:
            definitions = self.schema.get("$defs") if isinstance(self.schema, Mapping) else None
            whole = {**branch, "$defs": definitions} if definitions and isinstance(branch, Mapping) else branch
            validator = self._fast_branches[id(branch)] = _fast_validator(whole)
        return _accepts(validator, value)

    def _kept(self, deviations: Iterable[SchemaDeviation]) -> Iterator[SchemaDeviation]:
        counts: Counter[str] = Counter()
        seen: set[SchemaDeviation] = set()
        for number, deviation in enumerate(deviations):
            if number >= _MOST_READ:
                return
            if deviation in seen or counts[deviation.key] >= KEPT_PER_KEYWORD:
                continue
            seen.add(deviation)
            counts[deviation.key] += 1
            yield deviation

    def _explained(self, instance: Any) -> Iterator[SchemaDeviation]:
        try:
            for error in self._slow.iter_errors(instance):
                yield from self._found_slowly(error)
        except (re.error, RecursionError):
            # Python does not know the pattern, or the value is too deep: the fast validator reports it.
            yield from self._found_fast(instance)

    def _found_slowly(self, error: ValidationError) -> Iterator[SchemaDeviation]:
        if error.validator in ("anyOf", "oneOf") and error.context:
            branches: Any = error.validator_value
            number = chosen_branch(branches, error.instance)
            inner = [
                found for one in error.context if one.schema_path[0] == number for found in self._found_slowly(one)
            ]
            # A keyword that only selects a branch is not a requirement of its own: then the choice is reported.
            if inner and all(found.key in self._reach.keys for found in inner):
                yield from inner
                return
        pointer = _keyword_pointer(self.schema, error.absolute_schema_path)
        path = as_path(error.absolute_path)
        if error.validator in ("minContains", "maxContains"):
            pointer = join(pointer.rsplit("/", 1)[0], str(error.validator))
        yield from _deviations(self.schema, pointer, path, error.instance)

    def _found_fast(self, instance: Any) -> Iterator[SchemaDeviation]:
        for error in self._fast.iter_errors(_encodable(instance)):
            pointer = _keyword_pointer(self.schema, error.schema_path)
            yield from _deviations(self.schema, pointer, as_path(error.instance_path), error.instance)


def _deviations(root: Schema, pointer: str, path: str, value: Any) -> Iterator[SchemaDeviation]:
    keyword = (split(pointer) or ("",))[-1]
    try:
        holder, setting = look_up(root, pointer.rsplit("/", 1)[0]), look_up(root, pointer)
    except KeyError:
        holder, setting = True, None
    if keyword == "required" and isinstance(setting, list) and isinstance(value, dict):
        for name in setting:
            if name not in value:
                yield SchemaDeviation(pointer, path, complement(keyword, name), as_json(value), name)
        return
    if keyword == "additionalProperties" and setting is False and isinstance(value, dict):
        actual = f"with {as_json(_unnamed(holder, value))}"
    else:
        actual = as_json(value)
    yield SchemaDeviation(pointer, path, _expected(keyword, setting), actual)


def _expected(keyword: str, setting: Any) -> str:
    if setting is False and keyword not in ("items", "additionalProperties", "unevaluatedProperties"):
        return "nothing here"
    return complement(keyword, setting)


def _unnamed(schema: Any, value: Mapping[str, Any]) -> list[str]:
    """The first properties of a value that a schema does not name."""
    named = schema.get("properties", {})
    patterns = [matcher(pattern) for pattern in schema.get("patternProperties", {})]
    return [name for name in value if name not in named and not any(matches(name) for matches in patterns)][:20]


def _keyword_pointer(root: Schema, path: Iterable[str | int]) -> str:
    """The pointer of the broken keyword, from the path that a validator took through the schema.

    A path through a `$ref` continues at what it names. A path into a condition, or into a schema that is not a
    requirement of its own, ends at the keyword that holds it.
    """
    tokens = [str(token) for token in path]
    pointer, position = "", 0
    while position < len(tokens):
        token = tokens[position]
        if token == "$ref":  # noqa: S105 - jsonschema-rs names each reference on its way, jsonschema does not
            position += 1
            continue
        pointer, schema = _referenced(root, pointer, token)
        if token in _CONDITION and isinstance(schema, Mapping) and "if" in schema:
            return join(pointer, "if")
        pointer = join(pointer, token)
        if token in _JUDGED_AS_A_WHOLE or not isinstance(schema, Mapping):
            return pointer
        position += 1
        if token in HOLD_SCHEMAS_BY_NAME or token in HOLD_LISTS_OF_SCHEMAS:
            if position < len(tokens):
                pointer = join(pointer, tokens[position])
            position += 1
        elif token not in HOLD_A_SCHEMA:
            return pointer
    return pointer


def _referenced(root: Schema, pointer: str, token: str) -> tuple[str, Any]:
    """The schema at a pointer, or the one that it refers to where the token is not a keyword of its own."""
    for _ in range(100):
        try:
            schema = look_up(root, pointer)
        except KeyError:
            return pointer, None
        if not isinstance(schema, Mapping) or "$ref" not in schema or token in schema:
            return pointer, schema
        pointer = unquote(str(schema["$ref"])[1:])
    return pointer, None


def _accepts(validator: Any, instance: Any) -> bool:
    try:
        return bool(validator.is_valid(instance))
    except UnicodeEncodeError:
        return bool(validator.is_valid(_encodable(instance)))


def _encodable(value: Any) -> Any:
    """The value with every lone surrogate replaced by a character of the same length: jsonschema-rs refuses them."""
    whole: list[Any] = [None]
    ahead: list[tuple[Any, str | int, Any]] = [(whole, 0, value)]
    while ahead:  # Not by recursion: the value may be nested deeper than Python's stack.
        holder, key, one = ahead.pop()
        if isinstance(one, str):
            holder[key] = _SURROGATE.sub("\ufffd", one)
        elif isinstance(one, list):
            holder[key] = [None] * len(one)
            ahead.extend((holder[key], number, inner) for number, inner in enumerate(one))
        elif isinstance(one, dict):
            holder[key] = {}
            ahead.extend((holder[key], _SURROGATE.sub("\ufffd", name), inner) for name, inner in one.items())
        else:
            holder[key] = one
    return whole[0]


def _fast_validator(schema: Schema) -> Any:
    from jsonschema_rs import Draft202012Validator  # noqa: PLC0415 - takes 50 ms

    anything: Any = schema
    return Draft202012Validator(anything, validate_formats=True, retriever=_nothing_from_outside)


def _nothing_from_outside(uri: str) -> Any:
    raise ValueError(f"the schema refers to `{uri}`, which is outside of it")


@cache
def _explaining_class() -> Any:
    """The validator of jsonschema; the fast one judges patterns, formats and multiples, so that both agree."""
    from jsonschema import Draft202012Validator, ValidationError  # noqa: PLC0415 - takes 150 ms
    from jsonschema.validators import extend  # noqa: PLC0415

    def by_fast_one(keyword: str) -> Any:
        def check(_validator: Any, setting: Any, value: Any, _schema: Any) -> Iterator[Any]:
            if not _accepts(_single(keyword, setting), value):
                yield ValidationError(f"breaks {keyword}")

        return check

    extended: Any = extend
    return extended(
        Draft202012Validator, {keyword: by_fast_one(keyword) for keyword in ("pattern", "format", "multipleOf")}
    )


@cache
def _single(keyword: str, setting: str | float) -> Any:
    return _fast_validator({keyword: setting})
