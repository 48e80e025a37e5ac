"""Says which valid requests real deployments serve: a schema often allows more than anybody has in mind.

A user's own document may allow a role of any text, a message without members, or a picture of any address. Nobody
serves these, so that none of them is sent as a request that must be served.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from conformance.contract.model import Contract
from conformance.probes.conversations import OF_RESULTS, called_by, in_context, named_roles, role_of

ROLES: Final = frozenset({"system", "developer", "user", "assistant"})
"""The roles of a conversation of texts, in the documents of this field."""
_ID: Final = re.compile(r"[\w-]{1,40}", re.ASCII)
"""Ids of calls as deployments make them: some take no others back."""
_OF_FEW: Final = ("refusal", "audio", "function_call", "prompt_cache_breakpoint")
"""Members of messages that only their own maker is known to take."""


def is_usual(contract: Contract, body: Any) -> bool:
    """Whether a valid body of a user's own contract is one that deployments serve; those of shipped ones all are."""
    if not contract.is_own or not isinstance(body, Mapping):
        return True
    messages = body.get("messages")
    return isinstance(messages, list) and is_usual_conversation(messages, ROLES | _named_roles(contract))


def is_usual_conversation(messages: Sequence[Any], roles: frozenset[str] = ROLES) -> bool:
    """Whether a conversation is one that deployments serve: text in known roles, and calls with their results."""
    if not messages or len(in_context(messages)[0]) > len(messages):
        return False
    known: set[str] = set()
    for message in messages:
        if not isinstance(message, Mapping) or not _is_usual_message(message, roles, known):
            return False
        ids = called_by(message)
        if len({*ids} - known) < len(ids):
            return False
        known |= {*ids}
    return True


def _named_roles(contract: Contract) -> frozenset[str]:
    """The further roles that the contract names, but for those of tools."""
    return named_roles(contract.operation.properties.get("messages", True)) - {*OF_RESULTS}


def _is_usual_message(message: Mapping[str, Any], roles: frozenset[str], called: set[str]) -> bool:
    if any(message.get(name) is not None for name in _OF_FEW):
        return False
    role, content = role_of(message), message.get("content")
    if role == "tool":
        return message.get("tool_call_id") in called and _is_text(content)
    if role not in roles:
        return False
    calls = message.get("tool_calls")
    if calls:
        return (content is None or _is_text(content)) and isinstance(calls, list) and all(map(_is_usual_call, calls))
    return _is_text(content)


def _is_text(content: Any) -> bool:
    """Whether the content of a message is text, in one piece or in parts."""
    if isinstance(content, list):
        return bool(content) and all(isinstance(part, Mapping) and _is_text_part(part) for part in content)
    return isinstance(content, str)


def _is_text_part(part: Mapping[str, Any]) -> bool:
    few = any(part.get(name) is not None for name in _OF_FEW)
    return part.get("type", "text") == "text" and isinstance(part.get("text"), str) and not few


def _is_usual_call(call: Any) -> bool:
    """Whether a call is one of a function, with an object as its arguments."""
    if not isinstance(call, Mapping) or call.get("type") != "function":
        return False
    function, call_id = call.get("function"), call.get("id")
    if not isinstance(call_id, str) or not _ID.fullmatch(call_id):
        return False
    try:
        return isinstance(function, Mapping) and isinstance(json.loads(function["arguments"]), dict)
    except (KeyError, TypeError, ValueError):
        return False
