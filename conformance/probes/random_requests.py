"""Makes valid requests from the request schema, fast and at random: usual and odd values in usual combinations.

What a schema cannot say (which fields go together, what a conversation is, what only the target knows) is kept; and
everything that is made must fit the contract's own schema before it is sent.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any, Final

from conformance.contract.priorities import OF_CLIENTS
from conformance.contract.samples import main_type, sample, types_of
from conformance.contract.validators import Accepts, validator_for
from conformance.probes.common_requests import MATTER_OF_THE_MODEL, without_uncommon_fields
from conformance.probes.conversations import usual_message
from conformance.probes.keyword_values import boundary_cases
from conformance.probes.model import LIMIT_FIELDS
from conformance.probes.request_body import COMPANIONS, REMOVED, RequestBody

_TOKENS = 2
_TRIES = 4
_SHARE = 0.3
"""How many of the optional fields a request has, on average."""
_SHARE_OF_USUAL = 0.5
"""The same where only few requests are drawn, so that most pairs of fields meet in one of them."""
_WORDS = (
    *("hello", "Say", "the", "number", "seven", "please", "a", "I", "0", "-1", "true", "null", "NaN", "undefined"),
    *(
        "na\u00efve",
        "\u4f60\u597d",
        "\u0645\u0631\u062d\u0628\u0627",
        "\U0001f468\u200d\U0001f469",
        "e\u0301",
        "\u00df",
        "\u0130",
    ),
    *("<b>bold</b>", "{{ 7*7 }}", "${HOME}", "'; --", "\\", '"', "'", "[DONE]", "data: {}", "%00", "../..", "```"),
)
_SEPARATORS = (" ", " ", " ", "\n", "\t", "", "\r\n", "  ")
_MOST_ITEMS = 100
"""Items that an array may demand; of one that demands more, the usual sample is taken."""
_LONG = 2000
"""Characters that a text may demand, likewise."""
_MOST_VALUES = 2000
"""Values of one request that are made at random; the others are usual samples."""
_NAME = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"


_OF_MANY: Final = 1000
"""The largest whole number of a request that is to be served by whoever has the field."""


def random_requests(body: RequestBody, count: int, chance: Random, *, usual: bool = False) -> list[Any]:
    """So many different valid bodies; fewer where the schema does not allow so many.

    With `usual`, they have fields and numbers that any deployment takes: what clients send, nothing that is a matter of
    the model, no null, and no whole number that some engine cannot hold.
    """
    maker = _Maker(body, chance, usual=usual)
    found: dict[str, Any] = {}
    for _ in range(_TRIES * count):
        if len(found) >= count:
            break
        made = maker.request()
        if body.is_surely_served(made):
            found.setdefault(json.dumps(made, ensure_ascii=False), made)
    return list(found.values())


class _Maker:
    """Makes requests of one contract; the boundary values, samples and validators of its schemas are made once."""

    def __init__(self, body: RequestBody, chance: Random, *, usual: bool = False) -> None:
        self._body = body
        self._is_usual = usual
        self._share = _SHARE_OF_USUAL if usual else _SHARE
        self._chance = chance
        self._definitions = body.definitions
        self._boundaries: dict[int, list[Any]] = {}
        self._validators: dict[int, Accepts] = {}
        self._samples: dict[int, Any] = {}
        self._possible: dict[int, bool] = {}
        self._own = {"model", *body.configured}
        if usual:
            parameters = {one.name for one in body.contract.parameters if one.in_body}
            others = {name for name in body.contract.operation.properties if name not in OF_CLIENTS}
            self._own |= parameters | ((MATTER_OF_THE_MODEL | others) - body.required)
        self._left = 0

    def request(self) -> dict[str, Any]:
        """One request, cheap to serve."""
        self._left = _MOST_VALUES
        properties = self._body.contract.operation.properties
        made = copy.deepcopy(self._body.capped(_TOKENS))
        for name, schema in properties.items():
            if name in self._own or (name not in made and self._chance.random() > self._share):
                continue
            if name == "messages":
                made[name] = self._messages(schema)
            elif name not in LIMIT_FIELDS and name != "n" and self._is_possible(schema):
                made[name] = self.value(schema)
        self._limit(made, properties)
        if self._is_usual and made.get("logprobs") is False:
            made["logprobs"] = True  # what is not asked for meets nothing
        return self._together(without_uncommon_fields(made, self._body.required))

    def _limit(self, made: dict[str, Any], properties: Mapping[str, Any]) -> None:
        """Limit the request to one or two tokens of one or two choices."""
        names = [name for name in LIMIT_FIELDS if name in properties]
        if names:
            chosen = self._chance.choice(names)
            for name in names:
                made.pop(name, None)
            made[chosen] = self._chance.choice((1, _TOKENS))
        if "n" in properties and self._chance.random() < _SHARE:
            made["n"] = self._chance.choice((1, 1, 2))

    def _together(self, made: dict[str, Any]) -> dict[str, Any]:
        """The same without fields whose companion is missing, with its members in random order."""
        for name, companions in COMPANIONS.items():
            bound = {one: value for one, value in companions.items() if value is not REMOVED}
            if name in made and any(made.get(one) != value for one, value in bound.items()):
                del made[name]
        members = list(made.items())
        self._chance.shuffle(members)
        return dict(members)

    def _messages(self, schema: Any) -> list[Any]:
        """A conversation that the user ends, of as many turns as the schema allows."""
        item = schema.get("items", True) if isinstance(schema, Mapping) else True
        most = int(schema.get("maxItems", 7)) if isinstance(schema, Mapping) else 1
        properties = usual_message(item)["properties"]
        roles = properties.get("role", {}).get("enum", ()) if isinstance(properties.get("role"), Mapping) else ()
        turns = ["user"]
        while len(turns) + 2 <= most and self._chance.random() < self._share and {"user", "assistant"} <= set(roles):
            turns = ["user", "assistant", *turns]
        instructing = [role for role in ("system", "developer") if role in roles]
        if instructing and len(turns) < most and self._chance.random() < self._share:
            turns = [self._chance.choice(instructing), *turns]
        if "content" not in properties or not roles:
            return copy.deepcopy(self._body.base["messages"])
        return [{"role": role, "content": self._content(properties["content"])} for role in turns]

    def _content(self, schema: Any) -> Any:
        """Text that is not empty, or parts of it where the schema knows them."""
        made = self.value(schema)
        if made and isinstance(made, str) and made.strip():
            return made
        if isinstance(made, list) and made and all(isinstance(part, dict) and part.get("text") for part in made):
            return made
        return f"Say {self.text(1, 40)}."

    def value(self, schema: Any) -> Any:
        """A value of a schema: at its boundary, or anywhere inside."""
        if not isinstance(schema, Mapping):
            return self.text(1, 20)
        self._left -= 1
        if self._left < 0 or int(schema.get("minItems", 0)) > _MOST_ITEMS or int(schema.get("minLength", 0)) > _LONG:
            return copy.deepcopy(self._usual(schema))
        boundary = self._boundary_values(schema)
        if boundary and not self._is_usual and self._chance.random() < _SHARE:
            return copy.deepcopy(self._chance.choice(boundary))
        made = self._inside(schema)
        return made if self._accepts(schema)(made) else copy.deepcopy(self._usual(schema))

    def _is_possible(self, schema: Any) -> bool:
        """Whether a value of a schema is known: a field without one is left out."""
        if not isinstance(schema, Mapping):
            return True
        if id(schema) not in self._possible:
            self._possible[id(schema)] = self._accepts(schema)(self._usual(schema))
        return self._possible[id(schema)]

    def _usual(self, schema: Mapping[str, Any]) -> Any:
        if id(schema) not in self._samples:
            self._samples[id(schema)] = sample(schema, self._definitions)
        return self._samples[id(schema)]

    def _accepts(self, schema: Mapping[str, Any]) -> Accepts:
        if id(schema) not in self._validators:
            self._validators[id(schema)] = validator_for(schema, self._definitions)
        return self._validators[id(schema)]

    def _boundary_values(self, schema: Mapping[str, Any]) -> list[Any]:
        known = self._boundaries.get(id(schema))
        if known is None:
            cases = (case.value for keyword in schema for case in boundary_cases(keyword, schema, self._definitions))
            known = self._boundaries[id(schema)] = [value for value in cases if value != ""]
        return known

    def _inside(self, schema: Mapping[str, Any]) -> Any:
        for keyword in ("anyOf", "oneOf"):
            if schema.get(keyword):
                branches = [one for one in schema[keyword] if not (self._is_usual and _is_null(one))]
                return self.value(self._chance.choice(branches or schema[keyword]))
        written = [schema["const"]] if "const" in schema else schema.get("enum")
        if written:
            return self._chance.choice(written)
        kinds = types_of(schema) if "type" in schema else (main_type(schema),)
        if self._is_usual and len(kinds) > 1:
            kinds = tuple(kind for kind in kinds if kind != "null")
        return self._of_kind(self._chance.choice(kinds), schema)

    def _of_kind(self, kind: str, schema: Mapping[str, Any]) -> Any:
        if kind in ("integer", "number"):
            return self._number(schema, whole=kind == "integer")
        if kind == "string":
            least = max(1, int(schema.get("minLength", 1)))
            return self.text(least, max(least, min(60, int(schema.get("maxLength", 60)))))
        if kind == "array":
            return list(self._items(schema))
        if kind == "object":
            return self._object(schema)
        return self._chance.random() < 0.5 if kind == "boolean" else None

    def _items(self, schema: Mapping[str, Any]) -> Iterator[Any]:
        least = int(schema.get("minItems", 0))
        count = self._chance.randint(least, max(least, min(4, int(schema.get("maxItems", 4)))))
        yield from (self.value(schema.get("items", True)) for _ in range(count))

    def _object(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        required = schema.get("required", ())
        properties = schema.get("properties", {})
        chosen = [name for name in properties if name in required or self._chance.random() < _SHARE]
        return {name: self.value(properties[name]) for name in chosen}

    def _number(self, schema: Mapping[str, Any], *, whole: bool) -> int | float:
        low = schema.get("minimum", schema.get("exclusiveMinimum", -100))
        high = schema.get("maximum", schema.get("exclusiveMaximum", max(low, 0) + 100))
        if whole and self._is_usual and low <= _OF_MANY and high >= 0:
            low, high = max(low, 0), min(high, _OF_MANY)
        if whole:
            return self._chance.randint(math.ceil(low), max(math.ceil(low), math.floor(high)))
        return round(self._chance.uniform(low, high), self._chance.choice((0, 1, 2, 7)))

    def text(self, least: int, most: int) -> str:
        """Words of many scripts, with characters that break careless code; no lone surrogate and no NUL."""
        text = ""
        while len(text) < max(least, self._chance.randint(least, most)):
            text += self._chance.choice(_WORDS) + self._chance.choice(_SEPARATORS)
        return text[:most] if text[:most].strip() else "a" * least


def _is_null(schema: Any) -> bool:
    """Whether a schema allows null alone."""
    return isinstance(schema, Mapping) and schema.get("type") == "null"
