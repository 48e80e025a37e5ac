"""Reads from a refusal what a deployment does not take: which fields, which of them together, and which limits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from conformance.probes.model import LIMIT_FIELDS
from conformance.targets.capabilities import OPTIONAL_FIELDS

REFUSED = frozenset({400, 422})
_READ = 4096
"""How many bytes of a refusal are read."""
_UNSUPPORTED = re.compile(
    r"support|not permitted|extra_forbidden|extra (?:inputs|fields)"
    r"|(?:unknown|unrecognized|unrecognised|unexpected|additional)[ _](?:\w+ )?(?:field|parameter|argument|propert|key)"
)
_TOGETHER = re.compile(
    r"\bboth\b|together|mutually|only one of|at most one of|in combination|cannot be (?:used|combined)"
)
_BELOW = re.compile(r"minimum|at least|below|less than|too (?:small|low)|greater than|>=|\u2265")
_NUMBER = re.compile(
    r"(?:>=|\u2265|at least|minimum(?: value)?(?: of| is)?|greater than or equal to)\s*[:=]?\s*(\d{1,6})"
)
_ABOVE = re.compile(r"(?:greater than|>)\s*(\d{1,6})")
LIKELY_LEAST = 16
"""The least limit to try where a refusal says that a limit is too small, and not how small it may be."""
_MOST_LEAST = 4096


def refused_fields(sent: Any, status: int, body: bytes) -> tuple[str, ...]:
    """The optional fields of a request that its refusal names and says not to support.

    What every deployment must do (answer, take messages) cannot be declined in this way. Where the error has a
    `param` that is one of the fields, it alone is meant: others stand in the text as advice.
    """
    if status not in REFUSED or not isinstance(sent, Mapping):
        return ()
    text = _text(body)
    if not _UNSUPPORTED.search(text):
        return ()
    declined = (*OPTIONAL_FIELDS, *LIMIT_FIELDS)
    named = tuple(name for name in declined if name in sent and _names(text, name))
    places = set(_places(body))
    meant = tuple(name for name in named if name in places)
    return meant or named


def refuses_streaming(sent: Any, status: int, body: bytes) -> bool:
    """Whether a refusal of a request for a stream says that streaming is not supported."""
    asked = isinstance(sent, Mapping) and sent.get("stream") is True
    text = _text(body) if asked and status in REFUSED | {501} else ""
    return bool(_UNSUPPORTED.search(text) and re.search(r"(?<![a-z_\\])stream(?:ing|ed|s)?(?![a-z_])", text))


def refused_together(sent: Any, status: int, body: bytes) -> tuple[str, ...]:
    """The optional fields of a request that its refusal takes one at a time; empty where it says no such thing."""
    if status not in REFUSED or not isinstance(sent, Mapping):
        return ()
    text = _text(body)
    named = tuple(name for name in OPTIONAL_FIELDS if name in sent and _names(text, name))
    return named if len(named) > 1 and _TOGETHER.search(text) else ()


def least_limit(sent: Any, status: int, body: bytes) -> int | None:
    """The least token limit that a refusal of a smaller one demands; None where it refuses something else."""
    if status not in REFUSED or not isinstance(sent, Mapping):
        return None
    text = _text(body)
    limits = [(name, sent[name]) for name in LIMIT_FIELDS if isinstance(sent.get(name), int) and _names(text, name)]
    if not limits or not _BELOW.search(text):
        return None
    demanded = [int(found) for found in _NUMBER.findall(text)] + [int(found) + 1 for found in _ABOVE.findall(text)]
    fitting = [least for least in demanded if limits[0][1] < least <= _MOST_LEAST]
    if fitting:
        return fitting[0]
    return None if demanded or limits[0][1] >= LIKELY_LEAST else LIKELY_LEAST


def advised_limit(sent: Any, body: bytes) -> str | None:
    """The other field that limits tokens, which a refusal names as the one to use; None where it names none."""
    text = _text(body)
    others = (name for name in LIMIT_FIELDS if isinstance(sent, Mapping) and name not in sent)
    return next((name for name in others if _names(text, name)), None)


def error_code(body: bytes) -> str:
    """The code of an error object, in lower case; empty where it has none."""
    error = _error(body)
    return str(error.get("code") or error.get("type") or "").lower()


def error_message(body: bytes) -> str | None:
    """The message of an error in one of the common formats, as it was written; None where there is none."""
    error = _error(body)
    for name in ("message", "msg", "detail", "error_description", "title"):
        if isinstance(error.get(name), str) and error[name]:
            return str(error[name])
    return None


def _error(body: bytes) -> Mapping[str, Any]:
    document = _json(body)
    if isinstance(document, Mapping):
        inner = document.get("error")
        if isinstance(inner, Mapping):
            return inner
        return {**document, "message": inner} if isinstance(inner, str) else document
    return {}


def _places(body: bytes) -> Iterator[str]:
    """The fields that an error points at by `param`, or by the `loc` of its details."""
    error = _error(body)
    if isinstance(error.get("param"), str):
        yield re.split(r"[.\[]", error["param"].removeprefix("body."))[0]
    details = error.get("detail")
    for one in details if isinstance(details, list) else ():
        location = one.get("loc") if isinstance(one, Mapping) else None
        if isinstance(location, list):
            yield from (step for step in location if isinstance(step, str) and step != "body")


def _json(body: bytes) -> Any:
    try:
        return json.loads(body[:_READ])
    except (ValueError, RecursionError):
        return None


def _text(body: bytes) -> str:
    return body[:_READ].decode("utf-8", "replace").lower()


def _names(text: str, field: str) -> bool:
    return re.search(rf"(?<![a-z_\\]){field}(?![a-z_])", text) is not None
