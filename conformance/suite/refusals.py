"""Reads from a refusal what a target lacks: fields of a request, streams, or several fields together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from conformance.probes.model import LIMIT_FIELDS
from conformance.reading.reasoning import MEMBERS
from conformance.suite.complaint import REFUSED, Complaint, read_complaint
from conformance.targets.capabilities import OPTIONAL_FIELDS

_REFUSED_STREAM = REFUSED | {501}
_REFUSED_FIELD = REFUSED | {404, 501}
"""Routers of several deployments say with 404 that none of them takes a field."""
_UNSUPPORTED = re.compile(
    r"support|not permitted|extra_forbidden|extra (?:inputs|fields)|unavailable|not (?:yet )?(?:available|implemented)"
    r"|not enabled|requires? --[a-z]|unknown name|cannot find field"
    r"|(?:unknown|unrecognized|unrecognised|unexpected|additional)[ _](?:\w+ )?(?:field|parameter|argument|propert|key)"
)
_FORBIDDEN = re.compile(r"not (?:allowed|permitted|authori[sz]ed|available|supported)|unsupported|no(?:t have)? access")
"""What a 403 says of a field that this model, or this key, may not use, beside the field's name."""
_PLAIN_WORDS = frozenset({"user", "audio", "store"})
"""Fields whose names errors use as words: "only the roles user and assistant are supported"."""
_OTHER_NAMES = {
    "tools": re.compile(r"\btool[ _-]?(?:use|call(?:s|ing)?)\b|\bfunction[ _-]?call(?:s|ing)?\b"),
    "response_format": re.compile(r"\bstructured[ _-]outputs?\b|\bjson[ _-](?:schema|mode)\b"),
    "reasoning_effort": re.compile(r"\breasoning effort\b"),
}
"""What errors call a field that they do not name: "no endpoints found that support tool use"."""
_TOOL_CHOICE = re.compile(r"\btool[ _-]choice\b")
_TOGETHER = re.compile(
    r"\bboth\b|together|mutually|only one of|at most one of|in combination|cannot be (?:used|combined)"
)


def _names(complaint: Complaint, field: str) -> bool:
    """Whether an error is about a field; a name that is a word of any error counts only where it is meant as a name."""
    if field not in _PLAIN_WORDS:
        return complaint.names(field)
    meant = rf"[`'\"]{field}\\?[`'\"]|(?:argument|field|parameter|property|key|input)s?(?: supplied)?:? {field}\b"
    return field in complaint.fields or re.search(meant, complaint.text) is not None


def refused_fields(sent: Any, status: int, body: bytes) -> tuple[str, ...]:
    """The optional fields of a request that its refusal names and says not to support.

    What every deployment must do (answer, take messages) cannot be declined in this way. Where the error points at one
    of the fields, it alone is meant: others stand in the text as advice.
    """
    if status not in (*_REFUSED_FIELD, 403) or not isinstance(sent, Mapping):
        return ()
    complaint = read_complaint(body)
    declines = _FORBIDDEN if status == 403 else _UNSUPPORTED
    if not declines.search(complaint.text):
        return ()
    named = tuple(name for name in (*OPTIONAL_FIELDS, *LIMIT_FIELDS) if name in sent and _names(complaint, name))
    meant = tuple(name for name in named if name in complaint.fields)
    others = (name for name, words in _OTHER_NAMES.items() if name in sent and words.search(complaint.text))
    return meant or named or tuple(others)


def says_unsupported(body: bytes) -> bool:
    """Whether an error says, whatever its status, that something is not supported."""
    return _UNSUPPORTED.search(read_complaint(body).text) is not None


def refuses_automatic_choice(sent: Any, status: int, body: bytes) -> bool:
    """Whether a refusal says that the model cannot choose among tools by itself, as it does where no choice is sent."""
    if status not in _REFUSED_FIELD or not isinstance(sent, Mapping) or not sent.get("tools"):
        return False
    text = read_complaint(body).text
    is_automatic = sent.get("tool_choice", "auto") == "auto"
    return is_automatic and bool(_TOOL_CHOICE.search(text) and "auto" in text and _UNSUPPORTED.search(text))


def refuses_this_choice(sent: Any, status: int, body: bytes) -> bool:
    """Whether a refusal is about the form of the choice among tools that was sent."""
    if status not in _REFUSED_FIELD or not isinstance(sent, Mapping):
        return False
    complaint = read_complaint(body)
    return complaint.names("tool_choice") or complaint.mentions("allowed_tools")


def refuses_reasoning(sent: Any, status: int, body: bytes) -> bool:
    """Whether a refusal is about the reasoning in a message that was handed back, which no document has."""
    messages = sent.get("messages") if isinstance(sent, Mapping) else None
    if status not in REFUSED or not isinstance(messages, list):
        return False
    handed_back = any(isinstance(one, Mapping) and any(name in one for name in MEMBERS) for one in messages)
    return handed_back and read_complaint(body).mentions("reasoning(?:_content)?")


def refuses_streaming(sent: Any, status: int, body: bytes) -> bool:
    """Whether a refusal of a request for a stream says that streaming is not supported."""
    if status not in _REFUSED_STREAM or not isinstance(sent, Mapping) or sent.get("stream") is not True:
        return False
    complaint = read_complaint(body)
    return bool(_UNSUPPORTED.search(complaint.text) and complaint.mentions("stream(?:ing|ed|s)?"))


def refused_together(sent: Any, status: int, body: bytes) -> tuple[str, ...]:
    """The optional fields of a request that its refusal takes one at a time; empty where it says no such thing."""
    if status not in REFUSED or not isinstance(sent, Mapping):
        return ()
    complaint = read_complaint(body)
    named = tuple(name for name in OPTIONAL_FIELDS if name in sent and _names(complaint, name))
    return named if len(named) > 1 and _TOGETHER.search(complaint.text) else ()


def advised_limit(sent: Any, body: bytes) -> str | None:
    """The other field that limits tokens, which a refusal names as the one to use; None where it names none."""
    complaint = read_complaint(body)
    others = (name for name in LIMIT_FIELDS if isinstance(sent, Mapping) and name not in sent)
    return next((name for name in others if complaint.mentions(name)), None)
