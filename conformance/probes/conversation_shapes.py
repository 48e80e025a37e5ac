"""Probes for the shapes of conversations that clients send: who speaks first, twice, or alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from conformance.contract.model import Tier
from conformance.probes.conversations import described_members, named_roles
from conformance.probes.model import Probe, either_probe
from conformance.probes.request_body import CHEAP, RequestBody

SHAPES: Final = "request/shape/"
"""What the names of these probes begin with."""
Messages = list[dict[str, Any]]
_ASKING: Final = {"role": "user", "content": "Say hello."}
_ANSWERING: Final = {"role": "assistant", "content": "Hello."}
_AGAIN: Final = {"role": "user", "content": "Say it again."}
_PARTS: Final = {"content": [{"type": "text", "text": "Say it"}, {"type": "text", "text": " again."}]}
_BRIEF: Final = {"role": "system", "content": "Be brief."}
_KIND: Final = {"role": "developer", "content": "Be kind."}

_STANDARD: Final[Mapping[str, tuple[str, Messages]]] = {
    "two-users": ("a conversation with two messages of the user in a row", [_ASKING, _AGAIN]),
    "late-system": (
        "a conversation whose system message is not the first",
        [_ASKING, _ANSWERING, _BRIEF, _AGAIN],
    ),
    "system-only": ("a conversation of a system message alone", [{"role": "system", "content": "Say hello."}]),
    "empty-assistant": (
        "a conversation in which the assistant's message is empty",
        [_ASKING, {"role": "assistant", "content": ""}, _AGAIN],
    ),
    "named-parts": (
        "a conversation whose messages have names, and parts of text",
        [{**_ASKING, "name": "alice"}, _ANSWERING, {**_AGAIN, **_PARTS, "name": "bob"}],
    ),
    "assistant-first": ("a conversation that the assistant begins", [_ANSWERING, _AGAIN]),
}
_FURTHER: Final[Mapping[str, tuple[str, Messages]]] = {
    "system-and-developer": (
        "a conversation with a system message and a developer's message",
        [_BRIEF, _KIND, _ASKING],
    ),
    "developer": ("a conversation with a developer's message and no system message", [_KIND, _ASKING]),
    "names": (
        "a conversation whose messages have names",
        [{**_ASKING, "name": "alice"}, _ANSWERING, {**_AGAIN, "name": "bob"}],
    ),
}
STATED: Final = frozenset({f"{SHAPES}developer", f"{SHAPES}names"})
"""What the document itself speaks of: a role, and a member of messages."""


def shape_probes(body: RequestBody) -> Iterator[Probe]:
    """Conversations of the shapes that the contract's schema allows: a model's template may refuse some of them."""
    schema = body.contract.operation.properties.get("messages", True)
    known, roles = described_members(schema), named_roles(schema)
    for tier, shapes in ((Tier.STANDARD, _STANDARD), (Tier.EXHAUSTIVE, _FURTHER)):
        for name, (about, messages) in shapes.items():
            if any("name" in one for one in messages) and "name" not in known:
                continue
            if any(one["role"] == "developer" for one in messages) and "developer" not in roles:
                continue
            request = {**body.capped(CHEAP), "messages": body.woven([dict(one) for one in messages])}
            if body.accepts(request):
                yield either_probe(f"{SHAPES}{name}", about, request, tier=tier)
