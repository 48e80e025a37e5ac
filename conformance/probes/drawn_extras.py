"""What agents and applications put beside a conversation: instructions, tools, or a form of the answer.

Each is sent in examples of its own, with little beside it. Here they meet the fields that any request may have, so that
a deployment that loses one for the other, or refuses both together, is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from random import Random
from typing import Any, Final

from conformance.probes.conversations import role_of
from conformance.probes.model import LIMIT_FIELDS
from conformance.probes.request_body import RequestBody
from conformance.probes.tools import REFRESH, city_and_day, function, streamed

_Extra = Callable[[dict[str, Any], Random], dict[str, Any]]
_ROOM: Final = 48
"""Tokens for a call, or for a document: there are deployments that refuse a request whose document they cannot end."""
_TEMPERATE: Final = 1
_SPOILING: Final = ("frequency_penalty", "presence_penalty")
"""Fields with which a model hardly ends a document, whose braces and quotes come again and again."""
_INSTRUCTION: Final = "Answer in a few words, and in JSON where you are asked for it."
_FORM: Final[Mapping[str, Any]] = {
    "type": "json_schema",
    "json_schema": {
        "name": "answer",
        "schema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    },
}


def with_extras(requests: list[dict[str, Any]], body: RequestBody, chance: Random) -> list[list[dict[str, Any]]]:
    """Requests that surely must be served, of each kind that the contract and the target have.

    There is a kind for tools and one for forms, streamed and whole; each request has one extra, and nearly all fields
    that the others have between them.
    """
    kinds: dict[tuple[str, bool], list[dict[str, Any]]] = {}
    for one, (field, extra) in product(_fuller(requests), _EXTRAS):
        if not body.has(field):
            continue
        made = extra(_instructed(one), chance)
        whole = {name: value for name, value in made.items() if name not in ("stream", "stream_options")}
        for variant in (streamed(whole, body), whole) if body.has("stream") else (whole,):
            spoken = body.spoken(variant)
            if field in spoken and body.is_surely_served(spoken):
                kinds.setdefault((field, "stream" in spoken), []).append(spoken)
    return list(kinds.values())


def _fuller(requests: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Each request with the fields that the two behind it have besides."""
    for first, second, third in zip(requests, requests[1:], requests[2:], strict=False):
        added = {name: value for name, value in {**third, **second}.items() if name not in LIMIT_FIELDS}
        yield {**added, **first}


def _instructed(request: dict[str, Any]) -> dict[str, Any]:
    """The request with an instruction as its first message, where it has none."""
    messages = request.get("messages")
    if not isinstance(messages, list) or role_of(messages[0]) in ("system", "developer"):
        return request
    return {**request, "messages": [{"role": "system", "content": _INSTRUCTION}, *messages]}


def with_room(request: dict[str, Any]) -> dict[str, Any]:
    """A request with room for what its extra asks for; one without extra as it is."""
    if not {"tools", "response_format"} & request.keys():
        return request
    return {name: _ROOM if name in LIMIT_FIELDS and value is not None else value for name, value in request.items()}


def _tools(request: dict[str, Any], chance: Random) -> dict[str, Any]:
    choice: dict[str, Any] = chance.choice(({}, {"tool_choice": "auto"}))
    return {**_temperate(request), "tools": [*city_and_day(), function(REFRESH, {"type": "object"})], **choice}


def _schema(request: dict[str, Any], _chance: Random) -> dict[str, Any]:
    return {**_uncut(request), "response_format": dict(_FORM)}


def _object(request: dict[str, Any], _chance: Random) -> dict[str, Any]:
    return {**_uncut(request), "response_format": {"type": "json_object"}}


def _uncut(request: dict[str, Any]) -> dict[str, Any]:
    """The request without what may end a document early, as a quote may, and what is listed for each of its tokens."""
    left_out = ("stop", "logprobs", "top_logprobs")
    return {name: value for name, value in _temperate(request).items() if name not in left_out}


def _temperate(request: dict[str, Any]) -> dict[str, Any]:
    """The request with what lets a model write a call or a document as it should."""
    kept = {name: value for name, value in request.items() if name not in _SPOILING}
    return {**kept, "temperature": min(kept["temperature"], _TEMPERATE)} if "temperature" in kept else kept


_EXTRAS: Final[Sequence[tuple[str, _Extra]]] = (
    ("tools", _tools),
    ("response_format", _schema),
    ("response_format", _object),
)
