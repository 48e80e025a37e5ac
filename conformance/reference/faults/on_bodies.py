"""Faults of reading a request: its media type, its JSON, its size, and what the schema has against it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from starlette.requests import Request

from conformance.reference.errors import Refusal
from conformance.reference.faults.actions import Crash, DeedError, deed
from conformance.reference.hooks import Seams
from conformance.reference.settings import Settings
from conformance.reference.validation import RequestRules


@deed("json.accepts")
def accepts(seams: Seams, what: str) -> Seams:
    """Parses what is no JSON object: `nan`, `cut`, `trailing`, `utf-8`, `array`, `empty`, `two`, or `all` of them."""
    if what not in {"nan", "cut", "trailing", "utf-8", "array", "empty", "null", "two", "duplicates", "all"}:
        raise DeedError(f"`what: {what}` is unknown")
    usual = seams.stages.parse_object

    def parse_object(body: bytes, max_depth: int) -> dict[str, Any]:
        try:
            return usual(body, max_depth)
        except Refusal:
            read = _read_loosely(body, what)
            if read is None:
                raise
            return read

    return replace(seams, stages=replace(seams.stages, parse_object=parse_object))


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


@deed("json.refusal")
def refusal_of_json(seams: Seams, status: int | None = None, *, crash: bool = False) -> Seams:
    """Refuses what is no JSON object with another status, or stumbles over it."""
    usual = seams.stages.parse_object

    def parse_object(body: bytes, max_depth: int) -> dict[str, Any]:
        try:
            return usual(body, max_depth)
        except Refusal as refusal:
            if crash:
                raise Crash from refusal
            refusal.status = status or refusal.status
            raise

    return replace(seams, stages=replace(seams.stages, parse_object=parse_object))


@deed("media-type.any")
def any_media_type(seams: Seams) -> Seams:
    """Takes a body as JSON whatever it is declared as."""
    return replace(seams, stages=replace(seams.stages, check_media_type=lambda _: None))


@deed("media-type.refusal")
def refusal_of_media_type(seams: Seams, status: int) -> Seams:
    """Refuses another media type with another status."""
    usual = seams.stages.check_media_type

    def check(fields: Any) -> None:
        try:
            usual(fields)
        except Refusal as refusal:
            refusal.status = status
            raise

    return replace(seams, stages=replace(seams.stages, check_media_type=check))


def with_check(seams: Seams, check: Callable[[Any], None], *, first: bool = True) -> Seams:
    """Checks a body further, before or after the contract's schema."""
    usual = seams.stages.check_body

    def check_body(rules: RequestRules, body: Any) -> None:
        if first:
            check(body)
        usual(rules, body)
        if not first:
            check(body)

    return replace(seams, stages=replace(seams.stages, check_body=check_body))


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
    """The values at a place of a body, `*` standing for every item."""
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


def _meets(body: Any, at: str, matches: str, above: float | None, equal: Any) -> bool:
    if matches == "absent":
        return not values_at(body, at)
    found = [value for value in values_at(body, at) if _MATCHES[matches](value)]
    if above is not None:
        found = [value for value in found if _MATCHES["number"](value) and value > above]
    if equal is not None:
        found = [value for value in found if value == equal and isinstance(value, bool) == isinstance(equal, bool)]
    return bool(found)


@deed("request.refuse")
def refuse(  # noqa: PLR0913 - each narrows what is refused, or says how
    seams: Seams,
    at: str,
    *,
    matches: str = "present",
    above: float | None = None,
    equal: Any = None,
    status: int = 400,
    message: str = "This value is not allowed.",
    reason: str = "invalid_value",
) -> Seams:
    """Refuses a value at a place of the body: one that is `present`, `null`, `text`, `above` a figure, or `equal`."""
    if matches not in {*_MATCHES, "absent"}:
        raise DeedError(f"`matches: {matches}` is unknown; there are {', '.join(_MATCHES)}, absent")

    def check(body: Any) -> None:
        if _meets(body, at, matches, above, equal):
            raise Refusal(status, reason, message, param=at.strip("/").partition("/")[0])

    return with_check(seams, check)


@deed("request.crash")
def crash(seams: Seams, at: str, *, matches: str = "present", above: float | None = None, equal: Any = None) -> Seams:
    """Stumbles over a value at a place of the body."""

    def check(body: Any) -> None:
        if _meets(body, at, matches, above, equal):
            raise Crash

    return with_check(seams, check)


@deed("request.hang")
def hang(seams: Seams, at: str, *, matches: str = "present", above: float | None = None, equal: Any = None) -> Seams:
    """Never answers a request with a value at a place of the body."""
    usual = seams.stages.read_body

    async def read_body(request: Request, settings: Settings) -> bytes:
        body = await usual(request, settings)
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            return body
        if _meets(value, at, matches, above, equal):
            await asyncio.sleep(3600)
        return body

    return replace(seams, stages=replace(seams.stages, read_body=read_body))


@deed("request.accept")
def accept(seams: Seams, at: str, *, matches: str = "present", above: float | None = None, equal: Any = None) -> Seams:
    """Accepts whatever the schema has against a body that has a value at a place."""
    usual = seams.stages.check_body

    def check_body(rules: RequestRules, body: Any) -> None:
        if not _meets(body, at, matches, above, equal):
            usual(rules, body)

    return replace(seams, stages=replace(seams.stages, check_body=check_body))


@deed("request.refusal")
def other_refusal(seams: Seams, status: int | None = None, *, crash: bool = False) -> Seams:
    """Refuses what the schema does not allow with another status, or stumbles over it."""
    usual = seams.stages.check_body

    def check_body(rules: RequestRules, body: Any) -> None:
        try:
            usual(rules, body)
        except Refusal as refusal:
            if crash:
                raise Crash from refusal
            refusal.status = status or refusal.status
            raise

    return replace(seams, stages=replace(seams.stages, check_body=check_body))


@deed("request.known-fields-only")
def known_fields_only(seams: Seams, status: int = 400, *, crash: bool = False) -> Seams:
    """Refuses fields that the contract does not name."""
    usual = seams.stages.check_body

    def check_body(rules: RequestRules, body: Any) -> None:
        usual(rules, body)
        if isinstance(body, dict) and any(name.startswith("x_") for name in body):
            if crash:
                raise Crash
            raise Refusal(status, "unknown_field", "The body has a field that is not known.")

    return replace(seams, stages=replace(seams.stages, check_body=check_body))


@deed("request.largest")
def largest(seams: Seams, size: int, status: int = 413) -> Seams:
    """Refuses bodies over a size."""
    usual = seams.stages.read_body

    async def read_body(request: Request, settings: Settings) -> bytes:
        body = await usual(request, settings)
        if len(body) > size:
            raise Refusal(status, "request_too_large", f"The request body is larger than {size} bytes.")
        return body

    return replace(seams, stages=replace(seams.stages, read_body=read_body))


@deed("request.accept-all")
def accept_all(seams: Seams) -> Seams:
    """Accepts whatever the schema has against a body."""
    return replace(seams, stages=replace(seams.stages, check_body=lambda *_: None))
