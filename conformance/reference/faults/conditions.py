"""Conditions under which a fault applies: `stream`, `not stream`, `n > 1`, `stream and one-in = 5`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from zlib import crc32

from conformance.contract.media_types import essence
from conformance.reference.hooks import RequestCondition
from conformance.reference.request_context import RequestContext

Fact = Callable[[RequestContext], Any]

_MARK_IN_PATTERN: Final = re.compile(r'"pattern":"[^"]*\\\\[-/!@#%&:;<>=~,]')
"""A pattern of a schema, in the bytes of a body, with an escape of a mark that needs none."""
_FLAGS: Mapping[str, Fact] = {
    "stream": lambda context: context.streams,
    "plain": lambda context: not context.streams,
    "usage": lambda context: context.wants_usage,
    "logprobs": lambda context: context.body.get("logprobs") is True,
    "stop": lambda context: context.body.get("stop") is not None,
    "limited": lambda context: _limit(context) is not None,
    "non-ascii": lambda context: not context.prompt.isascii(),
    "long-prompt": lambda context: context.has_long_prompt,
    "queried": lambda context: context.query != "",
    "keyless": lambda context: not {"authorization", "x-api-key"} & context.headers.keys(),
    "gzip": lambda context: "gzip" in context.headers.get("accept-encoding", ""),
    "error": lambda context: context.status >= 400,
    "success": lambda context: 200 <= context.status < 300,
    "after-error": lambda context: context.errors_before > 0,
    "beside-others": lambda context: context.concurrent > 0,
    "malformed": lambda context: not context.body,
    "array": lambda context: bytes(context.raw).lstrip()[:1] == b"[",
    "tools": lambda context: bool(context.body.get("tools")),
    "call-due": lambda context: context.body.get("tool_choice") not in (None, "none", "auto"),
    "auto-choice": lambda context: context.body.get("tool_choice") == "auto",
    "named-choice": lambda context: _choice_kind(context) in ("function", "custom"),
    "allowed-tools": lambda context: _choice_kind(context) == "allowed_tools",
    "custom-tools": lambda context: any(tool.get("type") == "custom" for tool in context.body.get("tools") or ()),
    "one-call": lambda context: "both at once" not in context.prompt and context.n == 1,
    "large-body": lambda context: len(context.raw) > _LARGE,
    "escapes-marks": lambda context: _MARK_IN_PATTERN.search(context.raw.decode("utf-8", "replace")) is not None,
    "several-turns": lambda context: len(context.body.get("messages") or ()) > 1,
}
_LARGE = 700
"""Bytes of a body above which it counts as large."""
_FIGURES: Mapping[str, Fact] = {
    "n": lambda context: context.n,
    "tokens": lambda context: _limit(context) or 0,
    "on-connection": lambda context: context.on_connection,
    "seen": lambda context: context.occurrence,
    "beside": lambda context: context.concurrent,
    "number": lambda context: context.number,
    "status": lambda context: context.status,
}
_WORDS: Mapping[str, Fact] = {
    "method": lambda context: context.method,
    "accepts": lambda context: context.headers.get("accept", ""),
    "declared": lambda context: essence(context.headers.get("content-type")),
    "path-end": lambda context: re.split("/(?=.)", context.path)[-1],  # with the slash that ends it, if one does
}
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
_COMPARISON = re.compile(r"([a-z-]+)\s*(!=|>=|<=|=|>|<)\s*(\S+)")
_HAS_FIELD = re.compile(r"says (\w+)")
_SENDS = re.compile(r"sends ([a-z0-9-]+)")
_PROMPTED = re.compile(r"prompted `([^`]+)`")
_ONE_IN = "one-in"


def _choice_kind(context: RequestContext) -> str | None:
    """What a choice among tools names, where it names something."""
    choice = context.body.get("tool_choice")
    return choice.get("type") if isinstance(choice, Mapping) else None


class ConditionError(ValueError):
    """A condition cannot be read; the message says why, and what is possible."""


def condition(text: str) -> RequestCondition:
    """Parse a condition: terms joined by `and`, each a flag, `not` and a flag, or a comparison.

    `one-in = 5` holds for one request in five. The request's body, and how often it has arrived, decide which, so
    that it does not depend on the order in which concurrent requests arrive.

    Raises:
        ConditionError: a term is unknown.
    """
    terms = [_term(" ".join(term.split())) for term in re.split(r"\s+and\s+", text.strip())]
    return lambda context: all(term(context) for term in terms)


def _term(text: str) -> RequestCondition:
    negated = text.startswith("not ")
    name = text.removeprefix("not ")
    if name in _FLAGS:
        flag = _FLAGS[name]
        return (lambda context: not flag(context)) if negated else (lambda context: bool(flag(context)))
    field = _HAS_FIELD.fullmatch(name)
    if field is not None:
        return lambda context: (field[1] in context.body) is not negated
    sent = _SENDS.fullmatch(name)
    if sent is not None:
        return lambda context: (sent[1] in context.headers) is not negated
    prompted = _PROMPTED.fullmatch(name)
    if prompted is not None:
        return lambda context: (prompted[1] in context.prompt) is not negated
    comparison = _COMPARISON.fullmatch(text)
    if comparison is None:
        raise ConditionError(f"`{text}` is not a condition; there are {', '.join(_names())}, joined by `and`")
    return _compared(*comparison.groups())


def _compared(name: str, sign: str, value: str) -> RequestCondition:
    compare = _OPERATORS[sign]
    if name in _WORDS:
        word = _WORDS[name]
        return lambda context: compare(word(context), value)
    if not re.fullmatch(r"\d{1,6}", value):
        raise ConditionError(f"`{name} {sign} {value}` does not compare with a whole number")
    figure = int(value)
    if name == _ONE_IN and sign == "=" and figure > 0:
        return lambda context: (crc32(bytes(context.raw)) + context.occurrence) % figure == 0
    if name not in _FIGURES:
        raise ConditionError(f"`{name}` is not a figure of a request; there are {', '.join((*_FIGURES, _ONE_IN))}")
    fact = _FIGURES[name]
    return lambda context: compare(fact(context), figure)


def _limit(context: RequestContext) -> int | None:
    limits = (context.body.get(name) for name in ("max_tokens", "max_completion_tokens"))
    return next((limit for limit in limits if isinstance(limit, int) and not isinstance(limit, bool)), None)


def _names() -> list[str]:
    forms = ("not …", "says FIELD", "sends HEADER", "prompted `TEXT`")
    return [*_FLAGS, *forms, *(f"{name} > 1" for name in _FIGURES), f"{_ONE_IN} = 5"]
