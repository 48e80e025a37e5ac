"""Reads from a refusal that a target takes less than the contract allows: a smaller number, or a shorter prompt.

A contract lets a deployment have limits of its own, as long as it says so. What a machine reads decides first (`param`,
`code`, and the places and types of other frameworks' errors), then the words, whoever wrote them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from conformance.probes.model import LIMIT_FIELDS
from conformance.suite.complaint import REFUSED, Complaint, read_complaint
from conformance.targets.capabilities import OPTIONAL_FIELDS

_TOO_LONG = (400, 413, 422)
_LONG_REQUEST = 256
"""Bytes from which a request may exceed a model's context: no model reads fewer than some dozen tokens."""

_NUMBER = r"(-?\d+(?:\.\d+)?)"
_LONE_NUMBER = re.compile(rf"(?<!\w)(?<!\d\.){_NUMBER}(?![\w]|\.\d)")
_MOST = re.compile(
    r"(?:at most|up to|no more than|exceeds?|less than(?: or equal to)?|<=|<|\u2264"
    r"|max(?:imum)?(?: value)?(?: of| is)?|limit(?:ed)?(?: of| to| is)?"
    rf"|between {_NUMBER} and)\s*[:=]?\s*{_NUMBER}"
)
_LEAST = re.compile(
    r"(?:at least|no less than|greater than(?: or equal to)?|>=|>|\u2265"
    rf"|minimum(?: value)?(?: of| is)?|between)\s*[:=]?\s*{_NUMBER}"
)
_STRICTLY_ABOVE = re.compile(r"greater than\s*[:=]?\s*-?\d|>(?!=)")
_TOO_SMALL = re.compile(r"below|too (?:small|low|few)|minimum")
LIKELY_LEAST = 16
"""The least limit to try where a refusal says that a limit is too small, and not how small it may be."""
_MOST_LEAST = 4096
_CODE_OF_MOST = re.compile(r"above|max|exceed|too_(?:big|high|large|long|many)|less_than")
_CODE_OF_LEAST = re.compile(r"below|min|too_(?:small|low|short|few)|greater_than")
_CONTEXT = re.compile(
    r"context[ _-]?(?:length|size|window|limit)|maximum context|(?:prompt|input) is too long|too many (?:\w+ )?tokens"
    r"|exceeds? [^.]{0,60}\btokens\b"
)

_FEW, _MANY = 8, 512
"""Limits between which nearly all of a limit is expected to be counted where it was reached."""
_HELD_BACK = 3
"""Tokens of each choice that need not be counted."""


def limit_of_its_own(sent: Any, status: int, body: bytes) -> str | None:
    """What a target says it takes less of than a valid request has, in words that follow "it takes"."""
    if declared_too_long(sent, status, body):
        return "only what fits into its context"
    for field in (*OPTIONAL_FIELDS, *LIMIT_FIELDS) if isinstance(sent, Mapping) else ():
        limit = declared_limit(field, sent.get(field), status, body)
        if limit is not None:
            return f"`{field}` only within a limit of its own ({limit})"
    return None


def declared_limit(field: str, sent: Any, status: int, body: bytes) -> str | None:
    """The target's own limit for an optional field, as it declares it when it refuses a value beyond that limit.

    The refusal must name the field, in its `param` or its words, and show the limit: by a sentence (`n must be at most
    4`), by a code (`integer_above_max_value`), or by numbers that all lie on one side of what was sent. The limit must
    be narrower than what was sent: a target that refuses 128 with "at most 128" contradicts itself.
    """
    amount = len(sent) if isinstance(sent, list) else sent
    if field not in {*OPTIONAL_FIELDS, *LIMIT_FIELDS} or status not in REFUSED or not _is_number(amount):
        return None
    complaint = read_complaint(body)
    if not complaint.names(field):
        return None
    for most in (match.groups()[-1] for match in _MOST.finditer(complaint.text)):
        if float(most) < amount:
            return f"at most {most}"
    for least in (match.group(1) for match in _LEAST.finditer(complaint.text)):
        if float(least) > amount:
            return f"at least {least}"
    return _limit_by_code(complaint, field, amount)


def least_limit(sent: Any, status: int, body: bytes) -> int | None:
    """The least number of tokens that a refusal of a smaller limit demands; None where it refuses something else."""
    if status not in REFUSED or not isinstance(sent, Mapping):
        return None
    complaint = read_complaint(body)
    limits = [sent[name] for name in LIMIT_FIELDS if _is_number(sent.get(name)) and complaint.names(name)]
    if not limits:
        return None
    demanded = [
        math.floor(float(match[1])) + 1 if _STRICTLY_ABOVE.match(match[0]) else math.ceil(float(match[1]))
        for match in _LEAST.finditer(complaint.text)
    ]
    fitting = [least for least in demanded if limits[0] < least <= _MOST_LEAST]
    if fitting:
        return fitting[0]
    too_small = _TOO_SMALL.search(complaint.text) or _CODE_OF_LEAST.search(complaint.codes)
    return LIKELY_LEAST if too_small and not demanded and limits[0] < LIKELY_LEAST else None


def _limit_by_code(complaint: Complaint, field: str, amount: float) -> str | None:
    """The limit that an error shows by its code, or by its numbers where its `param` names the field."""
    numbers = set(map(float, _LONE_NUMBER.findall(complaint.said)))
    most, least = _bounds(_MOST, complaint.said), _bounds(_LEAST, complaint.said)
    if amount in most | least:
        return None  # it names the very value that it refuses as a bound
    below = [one for one in numbers - least if one < amount]
    above = [one for one in numbers - most if one > amount]
    if _CODE_OF_MOST.search(complaint.codes):
        return f"at most {max(below):g}" if below else f"less than {amount:g}"
    if _CODE_OF_LEAST.search(complaint.codes):
        return f"at least {min(above):g}" if above else f"more than {amount:g}"
    if field in complaint.fields and below and not above:
        return f"at most {max(below):g}"
    if field in complaint.fields and above and not below:
        return f"at least {min(above):g}"
    return None


def _bounds(pattern: re.Pattern[str], text: str) -> set[float]:
    """The bounds of one side that the words of an error name."""
    return {float(match.groups()[-1]) for match in pattern.finditer(text)}


def declared_too_long(sent: Any, status: int, body: bytes) -> bool:
    """Whether a refusal says that a long request exceeds what the model can read."""
    if status not in _TOO_LONG or len(json.dumps(sent)) < _LONG_REQUEST:
        return False
    return says_too_long(body)


def says_too_long(body: bytes) -> bool:
    """Whether an error says that a request exceeds what the model can read."""
    complaint = read_complaint(body)
    return "context_length" in complaint.codes or _CONTEXT.search(complaint.text) is not None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def judged_limit(sent: Any) -> int | None:
    """The token limit of each choice of a request, if it is one that decides anything.

    One below 1, which a schema may allow, means nothing.
    """
    body = sent if isinstance(sent, Mapping) else {}
    counts = (limit for name in LIMIT_FIELDS if type(limit := body.get(name)) is int and limit > 0)
    return min(counts, default=None)


def least_used(limit: int, choices: int, *, shows_reasoning: bool = False) -> int:
    """The fewest completion tokens that a usage may count where every choice ended at its limit.

    Some do not count what they hold back at the end: of a character in four tokens three, and the token that ends a
    text is none of it. Where reasoning is shown, some count the text alone; and a large limit may be beyond what the
    model's context leaves. There, as where the limit is not much more than that itself, half of it is enough.
    """
    if shows_reasoning or not _FEW <= limit <= _MANY:
        return math.ceil(limit * choices / 2)
    return choices * (limit - _HELD_BACK)
