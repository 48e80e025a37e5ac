"""Probes for the shapes of conversations that clients send: who speaks first, twice, or alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Final

from conformance.contract.model import Tier
from conformance.probes.conversations import described_members, named_roles
from conformance.probes.model import Probe, either_probe
from conformance.probes.request_body import CHEAP, RequestBody

SHAPES: Final = "request/shape/"
"""What the names of these probes begin with."""
SEVERAL: Final = f"{SHAPES}several"
"""One conversation of several of these shapes."""
ENDS_WITH_ASSISTANT: Final = "request/ends-with-assistant"
"""A conversation whose last message is the assistant's, which many models refuse to go on with."""
BLANK: Final = "request/blank-"
"""What the names of conversations begin with that have a message without words, which a model may refuse."""
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
    "empty-part": (
        "a conversation in which one of several parts of text is empty",
        [{**_ASKING, "content": [{"type": "text", "text": ""}, {"type": "text", "text": "Say hello."}]}],
    ),
    "assistant-first": ("a conversation that the assistant begins", [_ANSWERING, _AGAIN]),
    "content-first": (
        "a conversation whose messages have their content before their role",
        [dict(reversed(one.items())) for one in (_ASKING, _ANSWERING, _AGAIN)],
    ),
}
_JOINED: Final[Messages] = [
    _ANSWERING,
    _ASKING,
    {"role": "assistant", "content": ""},
    *_STANDARD["content-first"][1],
    _AGAIN,
    _ANSWERING,
    _BRIEF,
    _AGAIN,
]
"""All of these shapes in one conversation, but for that without a user, and those that follow."""
_JOINED_WHERE_POSSIBLE: Final = ("named-parts", "empty-part")
"""Shapes that follow these where the contract has what they need."""
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
_BLANK: Final[Mapping[str, tuple[str, Messages]]] = {
    "system": ("a conversation whose system message is empty", [{"role": "system", "content": ""}, _ASKING]),
    "user": (
        "a conversation in which a message of the user is white space",
        [{"role": "user", "content": " \n"}, _ANSWERING, _ASKING],
    ),
}
STATED: Final = frozenset({f"{SHAPES}developer", f"{SHAPES}names", f"{SHAPES}content-first"})
"""What a document itself speaks of: a role, a member of messages, and that members have no order (RFC 8259, 4)."""


def shape_probes(body: RequestBody) -> Iterator[Probe]:
    """Conversations of the shapes that the contract's schema allows: a model's template may refuse some of them."""
    standard = {name: _probe(name, *shape, body, Tier.STANDARD) for name, shape in _STANDARD.items()}
    ends = (*_blank(body), *_ends_with_assistant(body))
    joined = tuple(probe for name, probe in standard.items() if probe is not None and name != "system-only")
    several = _several(body, joined, ends)
    yield from [several] if several is not None else (*joined, *ends)
    if standard["system-only"] is not None:
        yield standard["system-only"]
    further = [_probe(name, *shape, body, Tier.EXHAUSTIVE) for name, shape in _FURTHER.items()]
    yield from (probe for probe in further if probe is not None)


def _ends_with_assistant(body: RequestBody) -> tuple[Probe, ...]:
    request = _asking([_ASKING, _ANSWERING], body)
    about = "a conversation whose last message is the assistant's"
    return (either_probe(ENDS_WITH_ASSISTANT, about, request),) if body.accepts(request) else ()


def _blank(body: RequestBody) -> tuple[Probe, ...]:
    asked = ((name, about, _asking(messages, body)) for name, (about, messages) in _BLANK.items())
    return tuple(either_probe(f"{BLANK}{name}", about, one) for name, about, one in asked if body.accepts(one))


def _probe(name: str, about: str, messages: Messages, body: RequestBody, tier: Tier) -> Probe | None:
    """A conversation of a shape; None where the contract has no such messages."""
    schema = body.contract.operation.properties.get("messages", True)
    if any("name" in one for one in messages) and "name" not in described_members(schema):
        return None
    if any(one["role"] == "developer" for one in messages) and "developer" not in named_roles(schema):
        return None
    request = _asking(messages, body)
    return either_probe(f"{SHAPES}{name}", about, request, tier=tier) if body.accepts(request) else None


def _several(body: RequestBody, joined: tuple[Probe, ...], ends: tuple[Probe, ...]) -> Probe | None:
    """A conversation of all these shapes; None where the contract allows none that long, or with a name."""
    possible = {probe.name.removeprefix(SHAPES) for probe in joined}
    further = [[_ANSWERING, *_STANDARD[name][1]] for name in _JOINED_WHERE_POSSIBLE if name in possible]
    names = {probe.name for probe in ends}
    last = [_ANSWERING] if ENDS_WITH_ASSISTANT in names else []
    blank = [messages[0] for name, (_, messages) in _BLANK.items() if f"{BLANK}{name}" in names]
    request = _asking([*blank, *_JOINED, *chain.from_iterable(further), *last], body)
    parts = (*joined, *ends)
    if len(joined) < 2 or not body.accepts(request):
        return None
    about = f"a conversation of {len(parts)} unusual shapes at once"
    return either_probe(SEVERAL, about, request, instead=parts, apart_unless_served=True)


def _asking(messages: Messages, body: RequestBody) -> dict[str, Any]:
    return {**body.capped(CHEAP), "messages": body.woven([dict(one) for one in messages])}
