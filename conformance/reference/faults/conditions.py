"""Conditions on which a fault shows: `stream`, `not stream`, `n > 1`, `stream and one-in = 5`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any
from zlib import crc32

from conformance.reference.hooks import Holds
from conformance.reference.request_context import Asked

Fact = Callable[[Asked], Any]

_FLAGS: Mapping[str, Fact] = {
    "stream": lambda asked: asked.streams,
    "plain": lambda asked: not asked.streams,
    "usage": lambda asked: asked.wants_usage,
    "logprobs": lambda asked: asked.body.get("logprobs") is True,
    "stop": lambda asked: asked.body.get("stop") is not None,
    "limited": lambda asked: _limit(asked) is not None,
    "non-ascii": lambda asked: not asked.prompt.isascii(),
    "long-prompt": lambda asked: asked.has_long_prompt,
    "keyless": lambda asked: not {"authorization", "x-api-key"} & asked.headers.keys(),
    "gzip": lambda asked: "gzip" in asked.headers.get("accept-encoding", ""),
    "error": lambda asked: asked.status >= 400,
    "success": lambda asked: 200 <= asked.status < 300,
    "after-error": lambda asked: asked.errors_before > 0,
    "beside-others": lambda asked: asked.beside > 0,
    "malformed": lambda asked: not asked.body,
    "array": lambda asked: bytes(asked.raw).lstrip()[:1] == b"[",
    "several-turns": lambda asked: len(asked.body.get("messages") or ()) > 1,
}
_FIGURES: Mapping[str, Fact] = {
    "n": lambda asked: asked.n,
    "tokens": lambda asked: _limit(asked) or 0,
    "on-connection": lambda asked: asked.on_connection,
    "seen": lambda asked: asked.seen,
    "beside": lambda asked: asked.beside,
    "number": lambda asked: asked.number,
    "status": lambda asked: asked.status,
}
_WORDS: Mapping[str, Fact] = {
    "method": lambda asked: asked.method,
    "declared": lambda asked: asked.headers.get("content-type", "").partition(";")[0].strip().lower(),
    "path-end": lambda asked: re.split("/(?=.)", asked.path)[-1],  # with the slash that ends it, if one does
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
_SAYS = re.compile(r"says (\w+)")
_PROMPTED = re.compile(r"prompted `([^`]+)`")
_ONE_IN = "one-in"


class ConditionError(ValueError):
    """A condition cannot be read; the message says why and what could stand there."""


def condition(text: str) -> Holds:
    """The condition that a text states: terms joined by `and`, each a flag, `not` a flag, or a comparison.

    `one-in = 5` holds for one request in five: which, the request's own body decides and how often it came, so that
    it does not depend on the order in which requests at once arrive.

    Raises:
        ConditionError: a term is unknown.
    """
    terms = [_term(" ".join(term.split())) for term in re.split(r"\s+and\s+", text.strip())]
    return lambda asked: all(term(asked) for term in terms)


def _term(text: str) -> Holds:
    negated = text.startswith("not ")
    name = text.removeprefix("not ")
    if name in _FLAGS:
        flag = _FLAGS[name]
        return (lambda asked: not flag(asked)) if negated else (lambda asked: bool(flag(asked)))
    said = _SAYS.fullmatch(name)
    if said is not None:
        return lambda asked: (said[1] in asked.body) is not negated
    prompted = _PROMPTED.fullmatch(name)
    if prompted is not None:
        return lambda asked: (prompted[1] in asked.prompt) is not negated
    comparison = _COMPARISON.fullmatch(text)
    if comparison is None:
        raise ConditionError(f"`{text}` is no condition; there are {', '.join(_names())}, joined by `and`")
    return _compared(*comparison.groups())


def _compared(name: str, sign: str, value: str) -> Holds:
    compare = _OPERATORS[sign]
    if name in _WORDS:
        word = _WORDS[name]
        return lambda asked: compare(word(asked), value)
    if not re.fullmatch(r"\d{1,6}", value):
        raise ConditionError(f"`{name} {sign} {value}` compares with no whole number")
    figure = int(value)
    if name == _ONE_IN and sign == "=" and figure > 0:
        return lambda asked: (crc32(bytes(asked.raw)) + asked.seen) % figure == 0
    if name not in _FIGURES:
        raise ConditionError(f"`{name}` is no figure of a request; there are {', '.join((*_FIGURES, _ONE_IN))}")
    fact = _FIGURES[name]
    return lambda asked: compare(fact(asked), figure)


def _limit(asked: Asked) -> int | None:
    limits = (asked.body.get(name) for name in ("max_tokens", "max_completion_tokens"))
    return next((limit for limit in limits if isinstance(limit, int) and not isinstance(limit, bool)), None)


def _names() -> list[str]:
    return [*_FLAGS, "not …", "says FIELD", "prompted `TEXT`", *(f"{name} > 1" for name in _FIGURES), f"{_ONE_IN} = 5"]
