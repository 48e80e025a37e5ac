"""Faults of checking a request: its media type, its JSON, its size, and what its schema allows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from starlette.requests import Request

from conformance.contract.dialect import Dialect
from conformance.contract.model import Operation
from conformance.reference.errors import Refusal
from conformance.reference.faults.actions import ActionError, Crash, fault_action
from conformance.reference.hooks import Hooks
from conformance.reference.provider import CompletionRequest
from conformance.reference.settings import Settings
from conformance.reference.validation import RequestRules


@fault_action("json.accepts")
def accepts(hooks: Hooks, what: str) -> Hooks:
    """Takes what is not a JSON object: `nan`, `cut`, `trailing`, `utf-8`, `array`, `empty`, `two`, or `all` of them."""
    if what not in {"nan", "cut", "trailing", "utf-8", "array", "empty", "null", "two", "duplicates", "all"}:
        raise ActionError(f"`what: {what}` is unknown")
    usual = hooks.stages.parse_object

    def parse_object(body: bytes, max_depth: int) -> dict[str, Any]:
        try:
            return usual(body, max_depth)
        except Refusal:
            read = _read_loosely(body, what)
            if read is None:
                raise
            return read

    return replace(hooks, stages=replace(hooks.stages, parse_object=parse_object))


def _read_loosely(body: bytes, what: str) -> dict[str, Any] | None:
    text = body.decode("utf-8", "replace")
    kind = _broken_by(body, text)
    if what not in {kind, "all"}:
        return None
    fallback = {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 2}
    tries = (text, text.replace("NaN", "1"), text.replace(",}", "}"), text[1:-1], f'{text}"}}]}}')
    for one in tries:
        try:
            value = json.loads(one)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and "messages" in value:
            return value
    return fallback


def _broken_by(body: bytes, text: str) -> str:
    stripped = text.strip()
    kinds = (
        (not stripped, "empty"),
        ("\ufffd" in text and b"\xef\xbf\xbd" not in body, "utf-8"),
        (stripped == "null", "null"),
        (stripped.startswith("["), "array"),
        ("NaN" in text, "nan"),
        (",}" in text, "trailing"),
        (stripped.count('"messages"') > 1 and "}{" in stripped, "two"),
        (not stripped.endswith("}"), "cut"),
    )
    return next((kind for holds, kind in kinds if holds), "duplicates")


@fault_action("json.refusal")
def refusal_of_json(hooks: Hooks, status: int | None = None, *, crash: bool = False) -> Hooks:
    """Refuses what is not a JSON object with another status, or crashes on it."""
    usual = hooks.stages.parse_object

    def parse_object(body: bytes, max_depth: int) -> dict[str, Any]:
        try:
            return usual(body, max_depth)
        except Refusal as refusal:
            if crash:
                raise Crash from refusal
            refusal.status = status or refusal.status
            raise

    return replace(hooks, stages=replace(hooks.stages, parse_object=parse_object))


@fault_action("media-type.any")
def any_media_type(hooks: Hooks) -> Hooks:
    """Takes every body as JSON, whatever its declared media type."""
    return replace(hooks, stages=replace(hooks.stages, check_media_type=lambda _: None))


@fault_action("media-type.refusal")
def refusal_of_media_type(hooks: Hooks, status: int) -> Hooks:
    """Refuses wrong media types with another status."""
    usual = hooks.stages.check_media_type

    def check(fields: Any) -> None:
        try:
            usual(fields)
        except Refusal as refusal:
            refusal.status = status
            raise

    return replace(hooks, stages=replace(hooks.stages, check_media_type=check))


def with_check(hooks: Hooks, check: Callable[[Any], None], *, first: bool = True) -> Hooks:
    """Adds a check of the body, before or after the contract's schema."""
    usual = hooks.stages.check_body

    def check_body(rules: RequestRules, body: Any) -> None:
        if first:
            check(body)
        usual(rules, body)
        if not first:
            check(body)

    return replace(hooks, stages=replace(hooks.stages, check_body=check_body))


_MATCHES: Mapping[str, Callable[[Any], bool]] = {
    "present": lambda _: True,
    "null": lambda value: value is None,
    "text": lambda value: isinstance(value, str),
    "list": lambda value: isinstance(value, list),
    "no-list": lambda value: value is not None and not isinstance(value, list),
    "empty": lambda value: value in ("", [], {}),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "fraction": lambda value: isinstance(value, float),
    "negative": lambda value: isinstance(value, int | float) and value < 0,
    "zero": lambda value: value == 0 and not isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
}


def values_at(value: Any, place: str) -> list[Any]:
    """The values at a JSON pointer in a body, in which `*` stands for every item."""
    found = [value]
    for step in place.strip("/").split("/"):
        below: list[Any] = []
        for one in found:
            if step == "*":
                below += one if isinstance(one, list) else []
            elif isinstance(one, dict) and step in one:
                below.append(one[step])
        found = below
    return found


def _meets(body: Any, at: str, matches: str, above: float | None, equal: Any, below: float | None = None) -> bool:
    if matches == "absent":
        return not values_at(body, at)
    found = [value for value in values_at(body, at) if _MATCHES[matches](value)]
    if above is not None:
        found = [value for value in found if _MATCHES["number"](value) and value > above]
    if below is not None:
        found = [value for value in found if _MATCHES["number"](value) and value < below]
    if equal is not None:
        found = [value for value in found if value == equal and isinstance(value, bool) == isinstance(equal, bool)]
    return bool(found)


@fault_action("request.refuse")
def refuse(  # noqa: PLR0913 - each narrows what is refused, or says how
    hooks: Hooks,
    at: str,
    *,
    matches: str = "present",
    above: float | None = None,
    below: float | None = None,
    equal: Any = None,
    status: int = 400,
    message: str = "This value is not allowed.",
    reason: str = "invalid_value",
) -> Hooks:
    """Refuses a value at a JSON pointer, where it `matches`, is `above` or `below` a figure, or is `equal`."""
    if matches not in {*_MATCHES, "absent"}:
        raise ActionError(f"`matches: {matches}` is unknown; use one of {', '.join(_MATCHES)}, absent")

    def check(body: Any) -> None:
        if _meets(body, at, matches, above, equal, below):
            raise Refusal(status, reason, message, param=at.strip("/").partition("/")[0])

    return with_check(hooks, check)


@fault_action("request.refuse-together")
def refuse_together(hooks: Hooks, fields: list[str], message: str) -> Hooks:
    """Refuses a request that has several of these fields, each of which is served alone."""

    def check(body: Any) -> None:
        if isinstance(body, dict) and sum(body.get(name) is not None for name in fields) > 1:
            raise Refusal(400, "invalid_request", message)

    return with_check(hooks, check, first=False)


@fault_action("request.crash")
def crash(hooks: Hooks, at: str, *, matches: str = "present", above: float | None = None, equal: Any = None) -> Hooks:
    """Crashes on a value at a JSON pointer in the body."""

    def check(body: Any) -> None:
        if _meets(body, at, matches, above, equal):
            raise Crash

    return with_check(hooks, check)


@fault_action("request.hang")
def hang(hooks: Hooks, at: str, *, matches: str = "present", above: float | None = None, equal: Any = None) -> Hooks:
    """Never answers a request with a value at a JSON pointer in the body."""
    usual = hooks.stages.read_body

    async def read_body(request: Request, settings: Settings) -> bytes:
        body = await usual(request, settings)
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            return body
        if _meets(value, at, matches, above, equal):
            await asyncio.sleep(3600)
        return body

    return replace(hooks, stages=replace(hooks.stages, read_body=read_body))


@fault_action("request.accept")
def accept(hooks: Hooks, at: str, *, matches: str = "present", above: float | None = None, equal: Any = None) -> Hooks:
    """Skips the schema for a body with a value at a JSON pointer."""
    usual = hooks.stages.check_body

    def check_body(rules: RequestRules, body: Any) -> None:
        if not _meets(body, at, matches, above, equal):
            usual(rules, body)

    return replace(hooks, stages=replace(hooks.stages, check_body=check_body))


@fault_action("request.refusal")
def other_refusal(hooks: Hooks, status: int | None = None, *, crash: bool = False) -> Hooks:
    """Refuses what the schema does not allow with another status, or crashes on it."""
    usual = hooks.stages.check_body

    def check_body(rules: RequestRules, body: Any) -> None:
        try:
            usual(rules, body)
        except Refusal as refusal:
            if crash:
                raise Crash from refusal
            refusal.status = status or refusal.status
            raise

    return replace(hooks, stages=replace(hooks.stages, check_body=check_body))


@fault_action("request.known-fields-only")
def known_fields_only(hooks: Hooks, status: int = 400, *, crash: bool = False) -> Hooks:
    """Refuses fields that the contract does not define."""
    usual = hooks.stages.check_body

    def check_body(rules: RequestRules, body: Any) -> None:
        usual(rules, body)
        if isinstance(body, dict) and any(name.startswith("x_") for name in body):
            if crash:
                raise Crash
            raise Refusal(status, "unknown_field", "The body has a field that is not known.")

    return replace(hooks, stages=replace(hooks.stages, check_body=check_body))


@fault_action("request.largest")
def largest(
    hooks: Hooks, size: int, status: int = 413, message: str | None = None, reason: str = "request_too_large"
) -> Hooks:
    """Refuses bodies larger than `size` bytes."""
    usual = hooks.stages.read_body

    async def read_body(request: Request, settings: Settings) -> bytes:
        body = await usual(request, settings)
        if len(body) > size:
            raise Refusal(status, reason, message or f"The request body is larger than {size} bytes.")
        return body

    return replace(hooks, stages=replace(hooks.stages, read_body=read_body))


@fault_action("request.accept-all")
def accept_all(hooks: Hooks) -> Hooks:
    """Skips the schema."""
    return replace(hooks, stages=replace(hooks.stages, check_body=lambda *_: None))


_LAST_MODEL = "x_last_model"


@fault_action("media-type.exact")
def exact_media_type(hooks: Hooks) -> Hooks:
    """Takes only `application/json` in lower case and without a charset as the media type."""
    usual = hooks.stages.check_media_type

    def check(fields: Any) -> None:
        given = list(fields)
        usual(given)
        if (b"content-type", b"application/json") not in given:
            raise Refusal(415, "unsupported_media_type", "The Content-Type must be application/json.")

    return replace(hooks, stages=replace(hooks.stages, check_media_type=check))


@fault_action("media-type.needed")
def media_type_needed(hooks: Hooks) -> Hooks:
    """Crashes on a body without a media type."""
    usual = hooks.stages.check_media_type

    def check(fields: Any) -> None:
        given = list(fields)
        if not any(name == b"content-type" for name, _ in given):
            raise Crash
        usual(given)

    return replace(hooks, stages=replace(hooks.stages, check_media_type=check))


@fault_action("model.smuggled")
def smuggled_model(hooks: Hooks) -> Hooks:
    """Where a body has `model` twice, checks the first and runs the last."""
    usual = hooks.stages

    def parse_object(body: bytes, max_depth: int) -> dict[str, Any]:
        try:
            return usual.parse_object(body, max_depth)
        except Refusal:
            if body.count(b'"model"') < 2:
                raise
            first: dict[str, Any] = json.loads(body, object_pairs_hook=lambda pairs: dict(reversed(pairs)))
            return {**first, _LAST_MODEL: json.loads(body)["model"]}

    def interpret(
        operation: Operation, dialect: Dialect, settings: Settings, *, scores_tokens: bool, body: Mapping[str, Any]
    ) -> CompletionRequest:
        request = usual.interpret(operation, dialect, settings, scores_tokens=scores_tokens, body=body)
        return replace(request, model=body.get(_LAST_MODEL, request.model))

    return replace(hooks, stages=replace(usual, parse_object=parse_object, interpret=interpret))
