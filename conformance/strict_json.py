"""Strict JSON: one document by RFC 8259, and every fault in it that a lenient parser ignores.

`load` reads what comes from outside (records, evidence, bundles) and refuses any fault; `parse` reads what a target
sent, and tells its faults.

The standard library's parser accepts NaN, duplicate names, lone surrogates and numbers beyond any double. `parse`
first uses it without hooks, which is fast, and then proves with a few counts that the text cannot hold any of these.
Only where the proof fails does it parse again with hooks.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple

from conformance.quoting import quoted

MAX_DEPTH: Final = 128
"""How deep arrays and objects may be nested; RFC 8259 §9 lets a parser set such a limit."""

MOST_VALUES: Final = 1_000_000
"""How many values, those within values included, `load` reads: an empty list of two characters takes 64 bytes."""

_TEXT_OR_MARK: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[,\[{]', re.DOTALL)
_NUMBER_LIMIT: Final = int(sys.float_info.max)
_LONGEST_INTEGER: Final = len(str(_NUMBER_LIMIT)) + 1
_TOKENS: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]|[\]}]', re.DOTALL)
"""Strings and brackets; possessive, so that a hostile text costs neither time nor memory beyond its length."""
_STRING: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)


class JsonRule(StrEnum):
    """The rules of strict JSON, each with its section of RFC 8259."""

    SYNTAX = "syntax"
    """The grammar, without NaN and Infinity (§2, §6)."""
    ONE_DOCUMENT = "one-document"
    """One value and nothing after it (§2)."""
    ENCODING = "encoding"
    """UTF-8 (§8.1)."""
    BYTE_ORDER_MARK = "byte-order-mark"
    """Must not be added (§8.1)."""
    UNIQUE_NAMES = "unique-names"
    """Names within an object should be unique (§4)."""
    SURROGATES = "surrogates"
    """No half of a surrogate pair, which receivers treat unpredictably (§8.2)."""
    NUMBERS = "numbers"
    """Numbers in the range of a double (§6)."""
    DEPTH = "depth"
    """Nesting that every parser can follow (§9)."""


class JsonFault(NamedTuple):
    """One fault of a JSON text: the rule that it breaks, and in words what came."""

    rule: JsonRule
    actual: str


class JsonReading(NamedTuple):
    """What a text holds.

    `readable` says whether it is one JSON value; if not, `value` is None. Of a duplicate name the last value is
    kept, NaN and Infinity are read as None, numbers beyond a double as the largest double of their sign, and half of a
    surrogate pair as U+FFFD, so that a value can always be judged further and written as UTF-8.
    """

    value: Any
    readable: bool = True
    faults: tuple[JsonFault, ...] = ()

    @property
    def is_one_document(self) -> bool:
        """Whether the text is one JSON value with nothing after it, whatever else is wrong with it."""
        return self.readable and all(fault.rule is not JsonRule.ONE_DOCUMENT for fault in self.faults)


class JsonError(ValueError):
    """A text is not strict JSON, or has too many values; the message says in a few words what came."""


def load(source: str | bytes, *, most_values: int = MOST_VALUES) -> Any:
    """The value of one strict JSON document, as it comes from outside.

    Raises:
        JsonError: the text breaks a rule of strict JSON, or has more than `most_values` values.
    """
    text = source
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise JsonError(f"it is not UTF-8 at byte {error.start}") from None
    text = text.strip(" \t\n\r")
    if _at_most_values(text) > most_values and _at_most_values(_STRING.sub("", text)) > most_values:
        raise JsonError(f"it has more than {most_values:,} values")
    reading = parse(text)
    if reading.faults:
        raise JsonError(reading.faults[0].actual)
    return reading.value


def _at_most_values(text: str) -> int:
    """No fewer than the values in a text, those within values included."""
    return 1 + text.count(",") + text.count("[") + text.count("{")


def parse(source: str | bytes) -> JsonReading:
    """Reads one JSON document; never raises, whatever the text is."""
    if isinstance(source, bytes):
        return _parse_bytes(source)
    value = parse_plain(source)
    return _carefully(source) if value is UNPROVEN else JsonReading(value)


def _parse_bytes(source: bytes) -> JsonReading:
    faults = []
    if source.startswith(b"\xef\xbb\xbf"):
        source = source[3:]
        faults.append(JsonFault(JsonRule.BYTE_ORDER_MARK, "a byte order mark before the document"))
    try:
        text = source.decode("utf-8")
    except UnicodeDecodeError as error:
        where = f"{quoted(source[error.start : error.end])} at byte {error.start}"
        faults.append(JsonFault(JsonRule.ENCODING, f"{where}, which is not UTF-8"))
        text = source.decode("utf-8", "replace")
    document = parse(text)
    return document._replace(faults=(*faults, *document.faults)) if faults else document


class _NotPlainError(ValueError):
    """The text has a NaN, an Infinity or a number that no double can hold."""


def _refuse_constant(name: str) -> Any:
    raise _NotPlainError(name)


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isfinite(value):
        return value
    raise _NotPlainError(digits)


UNPROVEN: Final = object()
"""The result of `parse_plain` for a text that `parse` must read more closely."""

_DECODER: Final[Any] = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
_SCAN: Final = _DECODER.scan_once
"""The C scanner alone: the decoder around it costs as much as scanning a short text."""
_PAIR: Final = re.compile(r"\\u(?<!\\\\u)[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
"""An escaped surrogate pair that no backslash before it makes something else.

It begins with what it must have, not with what must not stand before, so that the engine can search for that.
"""
_SPACED_COLON: Final = re.compile(r"[ \t\n\r]:")
_LONG_DIGITS: Final = re.compile(r"[0-9]{309}")
_SHORT: Final = 2 * MAX_DEPTH
"""A text of so many characters can hold neither deeper nesting nor 309 digits, the fewest beyond a double."""


def parse_plain(text: str, least_names: Callable[[Any], int] | None = None) -> Any:
    """The value of a text that is surely strict JSON without white space around it; else `UNPROVEN`.

    This is `parse` for volume: it makes no `JsonReading` for each of a million chunks. A caller that knows where such
    values have their objects can count their members sooner: `least_names` gives a number that is never above that of
    all members of a value.
    """
    if len(text) > _SHORT and not _is_plain(text):
        return UNPROVEN
    # One character is found ten times as fast as two, and most texts have no backslash.
    if "\\" in text and "\\u" in text and not _has_only_pairs(text):
        return UNPROVEN
    try:
        value, end = _SCAN(text, 0)
    except (ValueError, StopIteration, RecursionError):
        return UNPROVEN
    if end != len(text):
        return UNPROVEN
    # Every member has a colon outside strings: as many colons as names that are left mean that no name came twice.
    if least_names is not None and least_names(value) == text.count(":"):
        return value
    return value if _has_unique_names(text, value) else UNPROVEN


def _is_plain(text: str) -> bool:
    """Whether a longer text surely is not nested too deep and has no integer beyond any double."""
    return _depth(text) <= MAX_DEPTH and not _LONG_DIGITS.search(text)


def _has_only_pairs(text: str) -> bool:
    """Whether every escaped surrogate is surely one of a pair; decoding rules out a raw one."""
    if "\\ud" not in text and "\\uD" not in text:
        return True
    text = _PAIR.sub("", text)
    return "\\ud" not in text and "\\uD" not in text


def _has_unique_names(text: str, value: Any) -> bool:
    """Whether no object can have a name twice."""
    if type(value) is not dict and type(value) is not list:
        return True
    # Where strings have colons too, those after a quotation mark count, if no white space can stand between the two.
    colons = text.count(":")
    names = _count_names(value, colons)
    return names == colons or (names == text.count('":') and not _SPACED_COLON.search(text))


def _count_names(value: dict[str, Any] | list[Any], most: int) -> int:
    """The number of members in all objects of an array or object, which has `most` of them at most."""
    ahead = [value]
    names = len(value) if type(value) is dict else 0
    if names == most:
        return names
    for one in ahead:  # grows while it is read, which is faster than recursion
        items: Iterable[Any] = one.values() if type(one) is dict else one
        for item in items:
            kind = type(item)
            if kind is dict:
                names += len(item)
                if names == most:
                    return names  # whatever is left has none
                ahead.append(item)
            elif kind is list:
                ahead.append(item)
    return names


@dataclass(slots=True)
class _Hooks:
    """Collects the faults that the parser meets."""

    faults: dict[JsonRule, str] = field(default_factory=dict)

    def note(self, rule: JsonRule, actual: str) -> None:
        self.faults.setdefault(rule, actual)

    def members(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs):
            seen: set[str] = set()
            for name, _ in pairs:
                if name in seen:
                    self.note(JsonRule.UNIQUE_NAMES, f"the name {quoted(name)} twice in one object")
                seen.add(name)
        return value

    def constant(self, name: str) -> None:
        self.note(JsonRule.SYNTAX, f"{name}, which is not a JSON value")

    def integer(self, digits: str) -> int:
        if len(digits) <= _LONGEST_INTEGER:
            value = int(digits)
            if -_NUMBER_LIMIT <= value <= _NUMBER_LIMIT:
                return value
        self.note(JsonRule.NUMBERS, f"the number {quoted(digits, 40)}, which no double can hold")
        return -_NUMBER_LIMIT if digits.startswith("-") else _NUMBER_LIMIT

    def real(self, digits: str) -> float:
        value = float(digits)
        if math.isfinite(value):
            return value
        self.note(JsonRule.NUMBERS, f"the number {quoted(digits, 40)}, which no double can hold")
        return math.copysign(sys.float_info.max, value)


def _carefully(text: str) -> JsonReading:
    """Reads a text and checks every rule."""
    if not text.strip(" \t\n\r"):
        return _unreadable(JsonRule.SYNTAX, "no JSON value: the text is empty")
    depth = _depth(text)
    if depth > MAX_DEPTH:
        return _unreadable(JsonRule.DEPTH, f"arrays and objects nested {depth} deep")
    hooks = _Hooks()
    decoder = json.JSONDecoder(
        object_pairs_hook=hooks.members,
        parse_constant=hooks.constant,
        parse_int=hooks.integer,
        parse_float=hooks.real,
    )
    try:
        value = decoder.decode(text)
    except json.JSONDecodeError as error:
        rule = JsonRule.ONE_DOCUMENT if error.msg == "Extra data" else JsonRule.SYNTAX
        problem = "more after the document" if rule is JsonRule.ONE_DOCUMENT else f"not JSON ({error.msg})"
        return _unreadable(rule, f"{problem} at character {error.pos} of {quoted(text)}")
    lone = _lone_surrogate(value)
    if lone is not None:
        hooks.note(JsonRule.SURROGATES, f"half of a surrogate pair in {quoted(lone)}")
        value = _mended(value)
    return JsonReading(value, faults=tuple(JsonFault(rule, actual) for rule, actual in hooks.faults.items()))


def _unreadable(rule: JsonRule, actual: str) -> JsonReading:
    return JsonReading(None, readable=False, faults=(JsonFault(rule, actual),))


def _depth(text: str) -> int:
    """How deep brackets outside strings are nested; 0 where so few of them open that it cannot be too deep."""
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return 0
    depth = deepest = 0
    for token in _TOKENS.finditer(text):
        mark = token[0]
        if mark in ("[", "{"):
            depth += 1
            if depth > deepest:  # noqa: PLR1730 - a call of `max` takes as long as all the rest
                deepest = depth
        elif mark in ("]", "}"):
            depth -= 1
    return deepest


def _lone_surrogate(value: Any) -> str | None:
    """The first string in a value, names included, that has half of a surrogate pair."""
    if isinstance(value, str):
        return value if _SURROGATE.search(value) else None
    items = (*value, *value.values()) if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((found for found in map(_lone_surrogate, items) if found is not None), None)


def _mended(value: Any) -> Any:
    """The value with U+FFFD for each half of a surrogate pair."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_mended(name): _mended(item) for name, item in value.items()}
    return [_mended(item) for item in value] if isinstance(value, list) else value


_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def has_more_values(text: str, most: int) -> bool:
    """Whether a JSON text has more than about `most` values, those inside of others included, without reading it.

    Read, each takes far more memory than its bytes.
    """
    if sum(text.count(mark) for mark in ",[{") <= most:
        return False
    found = 0
    for match in _TEXT_OR_MARK.finditer(text):
        # A comma or opening bracket outside of strings comes before all values but the first, and few other places.
        found += match[0] in ",[{"
        if found > most:
            return True
    return False
