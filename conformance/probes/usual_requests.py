"""Says which valid requests real deployments serve: a schema often allows more than anybody has in mind.

A user's own document may allow a role of any text, a message without members, or a picture of any address. Nobody
serves these, so that none of them is sent as a request that must be served.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from conformance.contract.model import Contract
from conformance.contract.vocabulary import child_schemas

ROLES: Final = frozenset({"system", "developer", "user", "assistant"})
"""The roles of a conversation of texts, in the documents of this field."""
_OF_TOOLS: Final = frozenset({"tool", "function"})
"""Roles of messages that only follow a call."""


def is_usual(contract: Contract, body: Any) -> bool:
    """Whether a valid body of a user's own contract is one that deployments serve; those of shipped ones all are."""
    if not contract.is_own or not isinstance(body, Mapping):
        return True
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return False
    known = ROLES | _named_roles(contract)
    return all(isinstance(one, Mapping) and _is_usual_message(one, known) for one in messages)


def _named_roles(contract: Contract) -> frozenset[str]:
    """The further roles that the contract names, but for those of tools."""
    found: set[str] = set()
    ahead: list[Any] = [contract.operation.properties.get("messages", True)]
    seen: set[int] = set()
    while ahead:
        schema = ahead.pop()
        if not isinstance(schema, Mapping) or id(schema) in seen:
            continue
        seen.add(id(schema))
        role = schema.get("properties", {}).get("role")
        if isinstance(role, Mapping):
            found |= {one for one in (*role.get("enum", ()), role.get("const")) if isinstance(one, str)}
        ahead.extend(child for _, child in child_schemas(schema))
    return frozenset(found) - _OF_TOOLS


def _is_usual_message(message: Mapping[str, Any], roles: frozenset[str]) -> bool:
    if message.get("role") not in roles:
        return False
    content = message.get("content")
    if isinstance(content, list):
        return bool(content) and all(isinstance(part, Mapping) and _is_text(part) for part in content)
    return isinstance(content, str) and not message.get("tool_calls")


def _is_text(part: Mapping[str, Any]) -> bool:
    return part.get("type", "text") == "text" and isinstance(part.get("text"), str)
