"""The smallest valid request of a contract for a target, and changes to it: every probe's body is made here."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from conformance.contract import Contract
from conformance.contract.validators import Accepts, definitions_of, validator_for
from conformance.probes.challenge import Challenge
from conformance.probes.common_requests import is_common
from conformance.probes.conversations import TOOL, in_context, knows_calls, tools_for
from conformance.probes.model import LIMIT_FIELDS
from conformance.probes.usual_requests import is_usual
from conformance.quoting import as_path
from conformance.targets.capabilities import STREAMING
from conformance.targets.model import Target

Path = tuple[str | int, ...]
"""Where a value stands in a body: `("messages", 0, "role")`."""


CHEAP = 2
"""Completion tokens of a probe that is not about its answer: few, and not the least that a request may have."""


class _Removed:
    """Marks a field to leave out."""


REMOVED = _Removed()

SEED: Final = 20261130
"""What random requests are drawn by, where neither a challenge nor the operator says otherwise."""
COMPANIONS: Mapping[str, Mapping[str, Any]] = {
    "stream_options": {"stream": True},
    "top_logprobs": {"logprobs": True},
    "max_completion_tokens": {"max_tokens": REMOVED},
    "tool_choice": {"tools": [TOOL]},
    "parallel_tool_calls": {"tools": [TOOL]},
    "function_call": {"functions": [TOOL["function"]]},
    "audio": {"modalities": ["text", "audio"]},
    "modalities": {"audio": {"voice": "alloy", "format": "wav"}},
}
"""Fields that the OpenAI Chat Completions reference ties to another field."""
_MANY_CHOICES = 8
_QUOTED = 60
_CALLER = "user"
"""The field of the OpenAI API that names a request's caller, as deployments like to write into logs and headers."""


@dataclass(frozen=True)
class RequestBody:
    """Makes request bodies: the contract's template with the target's own values, capped in cost."""

    contract: Contract
    target: Target
    challenge: Challenge | None = None
    """The certifier's challenge from which the texts of the requests follow, where there is one."""
    seed: int | None = None
    """What is drawn at random follows from it, where an operator has given one."""

    def seed_of(self, purpose: str, usual: int) -> int:
        """The seed for what is drawn: that of the challenge or the operator's, where there is one."""
        if self.challenge is not None:
            return self.challenge.seed(purpose)
        return usual if self.seed in (None, SEED) else self.seed

    @cached_property
    def accepts(self) -> Accepts:
        """Whether the contract's request schema, formats included, accepts a body."""
        return validator_for(self.contract.operation.request_schema)

    @cached_property
    def _may_accept(self) -> Accepts:
        wide = self.contract.operation.perhaps_valid
        return self.accepts if wide is None else validator_for(wide)

    def may_be_served(self, body: Any) -> bool:
        """Whether a deployment that keeps the contract serves a body: it is valid, and one that somebody sends."""
        return self.accepts(body) and is_usual(self.contract, body)

    def is_surely_served(self, body: Any) -> bool:
        """Whether whatever deployment has the fields of a body serves it: nothing in it is a matter of the model."""
        return self.may_be_served(body) and is_common(body, self.required)

    def forbids(self, body: Any) -> bool:
        """Whether the contract surely forbids a body: whatever its author may have meant, it is not valid."""
        return not self.accepts(body) and not self._may_accept(body)

    @property
    def definitions(self) -> Mapping[str, Any]:
        """What a `$ref` in the request schema leads to."""
        return definitions_of(self.contract.operation.request_schema)

    def has(self, field: str) -> bool:
        """Whether the contract's request has this field."""
        return field in self._properties

    @cached_property
    def _properties(self) -> Mapping[str, Any]:
        return self.contract.operation.properties

    @cached_property
    def limit_field(self) -> str | None:
        """The field that limits a completion's tokens, where the contract has one."""
        return next(iter(self.limit_fields), None)

    @cached_property
    def limit_fields(self) -> tuple[str, ...]:
        """All fields of the contract that limit a completion's tokens, as far as the target takes them.

        Where it takes none of them, the one that it asks for in its refusal.
        """
        taken = tuple(name for name in LIMIT_FIELDS if self.has(name) and name not in self.target.lacks)
        other = self.target.dialect.limit_field
        return taken or ((other,) if other is not None else ())

    @cached_property
    def required(self) -> frozenset[str]:
        """The fields without which the contract refuses a request."""
        return frozenset(self.contract.operation.required)

    @property
    def caller(self) -> str | None:
        """The field that names a request's caller, where the contract has one."""
        names = (_CALLER, *(one.name for one in self.contract.parameters if one.names_caller))
        return next((name for name in names if self.has(name)), None)

    @property
    def base(self) -> dict[str, Any]:
        """The template, filled in from the target; without a model where neither has one.

        A challenge is woven into its last question, and into the caller's name where nobody has configured one.
        """
        base = self._filled_template
        if self.challenge is None:
            return base
        if isinstance(base.get("messages"), list):
            base["messages"] = self.woven(base["messages"])
        return self.naming_caller(base) if self.caller in base and self.caller not in self.configured else base

    @property
    def _filled_template(self) -> dict[str, Any]:
        values = {"{model}": self.target.model}
        values |= {one.placeholder: self.target.value(one) for one in self.contract.parameters}
        body = {name: _filled(value, values) for name, value in self.contract.template.items()}
        if self.target.model and self.has("model"):
            body["model"] = self.target.model
        return {name: value for name, value in body.items() if value is not None}

    @property
    def configured(self) -> frozenset[str]:
        """The fields whose values an operator has configured, so that no other value is known to be served.

        A parameter that has its default is not one of them: any text of the right form is as good.
        """
        parameters = [one for one in self.contract.parameters if one.in_body]
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
        return f"{as_path(error.absolute_path) or 'the body'} breaks `{error.validator}`"

    def capped(self, tokens: int) -> dict[str, Any]:
        """The base with at most `tokens` completion tokens, where the contract can limit them."""
        limit = {} if self.limit_field is None else {self.limit_field: self.limit(tokens)}
        return {**self.base, **limit}

    def limit(self, tokens: int) -> int:
        """The limit to send for an answer of at most `tokens`: the least that the target takes, and room to think.

        A model that thinks gets more only where its answer matters.
        """
        dialect = self.target.dialect
        return max(tokens + (dialect.thinking if tokens > CHEAP else 0), dialect.least_limit)

    def is_spoken(self, fields: Mapping[str, Any]) -> bool:
        """Whether the target, by its dialect, takes these fields together with these values."""
        dialect, lacks = self.target.dialect, self.target.lacks
        if STREAMING in lacks and fields.get("stream") is True:
            return False
        if any(_lacks(lacks, name) or _is_below(name, value, dialect.least_limit) for name, value in fields.items()):
            return False
        return not any(sum(name in fields for name in group) > 1 for group in dialect.apart)

    def spoken(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """A valid request as the target takes it: without fields that it refuses, limited as it takes limits."""
        if self.is_spoken(request):
            return dict(request)
        lacks, limit = self.target.lacks, self.limit_field
        kept = {name: value for name, value in request.items() if not _lacks(lacks, name)}
        if STREAMING in lacks:
            kept = {name: value for name, value in kept.items() if name not in {"stream", "stream_options"}}
        limits = [value for name in LIMIT_FIELDS if isinstance(value := request.get(name), int)]
        if limits and limit is not None:
            kept = {name: value for name, value in kept.items() if name not in LIMIT_FIELDS}
            kept[limit] = self.limit(limits[0])
        for first, *others in self.target.dialect.apart:
            kept = {name: value for name, value in kept.items() if first not in kept or name not in others}
        return kept

    def without(self, field: str, *, tokens: int = CHEAP) -> dict[str, Any]:
        """A capped request without one of its fields."""
        return {name: value for name, value in self.capped(tokens).items() if name != field}

    def asking(self, text: str, *, tokens: int, **fields: Any) -> dict[str, Any]:
        """A capped request with one user message of this text and further fields."""
        messages = self.woven([{"role": "user", "content": text}])
        return {**self.capped(tokens), "messages": messages, **fields}

    def woven(self, messages: list[Any]) -> list[Any]:
        """A conversation with the challenge in its last question, where there is one and the contract allows it."""
        if self.challenge is None:
            return messages
        woven = with_last_text(messages, self.challenge.woven)
        return woven if self.accepts({**self._filled_template, "messages": woven}) else messages

    def naming_caller(self, request: dict[str, Any]) -> dict[str, Any]:
        """The request with the challenge as its caller's name, where there is one and the contract allows it."""
        if self.challenge is None or self.caller is None:
            return request
        named = {**request, self.caller: self.challenge.caller}
        return named if self.is_spoken(named) and self.accepts(named) else request

    def around(self, path: Path) -> dict[str, Any]:
        """A valid request in which the field at a path may be set: with the fields that it needs beside it."""
        companions = COMPANIONS.get(str(path[0]), {}) if path else {}
        around = {**self.capped(CHEAP), **companions}
        return {name: value for name, value in around.items() if value is not REMOVED}

    @cached_property
    def _knows_calls(self) -> bool:
        """Whether the contract's messages may call tools."""
        return knows_calls(self.contract.operation.properties.get("messages", True))

    def in_context(self, changed: Any) -> tuple[Any, int]:
        """A request with what calls of tools in its conversation need, and how many messages came before the first."""
        messages = changed.get("messages") if isinstance(changed, dict) and self._knows_calls else None
        if not isinstance(messages, list) or not messages:
            return changed, 0
        completed, before = in_context(messages)
        tools = tools_for(completed)
        beside = {"tools": tools} if tools and self.has("tools") and "tools" not in changed else {}
        return {**changed, "messages": completed, **beside}, before

    def cheapest(self, changed: Any) -> Any:
        """The same request, with one token for each choice where it wants many choices."""
        limit = self.limit_field
        return (
            {**changed, limit: self.limit(1)}
            if limit is not None and wants_many(changed) and limit in changed
            else changed
        )


def with_last_text(messages: list[Any], change: Callable[[str], str]) -> list[Any]:
    """The messages with the text of the user's last one changed; an empty text stays empty."""
    users = [number for number, one in enumerate(messages) if isinstance(one, Mapping) and one.get("role") == "user"]
    if not users:
        return messages
    last = users[-1]
    content = _with_text(messages[last].get("content"), change)
    return [*messages[:last], {**messages[last], "content": content}, *messages[last + 1 :]]


def _with_text(content: Any, change: Callable[[str], str]) -> Any:
    """A message's content, a text or a list of parts, with its first text changed."""
    if isinstance(content, str) and content:
        return change(content)
    if isinstance(content, list):
        for number, part in enumerate(content):
            if isinstance(part, Mapping) and isinstance(part.get("text"), str) and part["text"]:
                return [*content[:number], {**part, "text": change(part["text"])}, *content[number + 1 :]]
    return content


def _filled(value: Any, values: Mapping[str, str | None]) -> Any:
    return values[value] if isinstance(value, str) and value in values else copy.deepcopy(value)


def _lacks(lacks: Collection[str], name: str) -> bool:
    """Whether the target takes no such field, or not the one that it is tied to."""
    companions = COMPANIONS.get(name, {})
    return name in lacks or any(one in lacks for one, value in companions.items() if value is not REMOVED)


def _is_below(name: str, value: Any, least: int) -> bool:
    """Whether a field limits a completion to fewer tokens than the target takes."""
    return name in LIMIT_FIELDS and isinstance(value, int) and not isinstance(value, bool) and value < least


def wants_many(body: Any) -> bool:
    """Whether a request wants so many choices that they cost."""
    choices = body.get("n") if isinstance(body, Mapping) else None
    return type(choices) is int and choices > _MANY_CHOICES


def describe_change(path: Path, value: Any) -> str:
    """What is special about a request: "a request with `temperature` set to 2.00005", "a request without `model`"."""
    if not path:
        return f"a request whose body is {json.dumps(value, ensure_ascii=False)}"
    if value is REMOVED:
        return f"a request without `{as_path(path)}`"
    text = json.dumps(value, ensure_ascii=False)
    quoted = text if len(text) <= _QUOTED else f"a value of {len(text)} characters"
    return f"a request with `{as_path(path)}` set to {quoted}"
