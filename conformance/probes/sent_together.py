"""Combines requests that differ from the smallest one only in how they are sent, so that they cost one completion.

Each is sent by itself only where all of them together are not served, to find which was refused.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from conformance.probes.combined_probes import AT_THE_EDGE
from conformance.probes.long_answers import NO_LIMIT
from conformance.probes.model import Credential, Intent, Probe, worst_case_tokens
from conformance.targets.model import Target

_Value = TypeVar("_Value")
TOGETHER: Final = "client/together"
"""What the names of these combined requests begin with."""
_GROUPS: Final = (
    # Nobody may refuse these.
    (
        *("client/node-sdk", "client/coding-any", "client/upper-case-fields", "request/media-type-charset"),
        *("access/scheme-lower-case", "robustness/expect-continue", "request.path.*/honoured/other-case"),
    ),
    # Most of these may be refused, so that they keep the others from nothing.
    (
        *("client/no-user-agent", "client/unknown-query", "client/h2c-upgrade", "request/unknown-field"),
        *("robustness/octets-in-field", "robustness/chunked", "client/coding-deflate", "access/key-beside-other"),
    ),
)
"""The requests that go together, by names or globs; none of a group sets what another one sets."""


def sent_together(probes: Iterable[Probe], target: Target) -> tuple[Probe, ...]:
    """The probes, with each group as one, in the place of its first."""
    found = tuple(probes)
    for number, names in enumerate(_GROUPS):
        among = (one for one in found if any(fnmatch.fnmatchcase(one.name, name) for name in names))
        parts = {one.name: one for one in among if _may_be_combined(one, target)}
        if len(parts) > 1:
            first, *others = parts
            whole = _combined(f"{TOGETHER}-{number}", tuple(parts.values()))
            found = tuple(whole if one.name == first else one for one in found if one.name not in others)
    return _without_twin(found)


def _without_twin(probes: tuple[Probe, ...]) -> tuple[Probe, ...]:
    """The probes without the combined one that has no more than the request without a limit, which then stands for it.

    Their texts may differ: that nothing but what is required is enough does not depend on them.
    """
    plain = next((one for one in probes if one.name == NO_LIMIT), None)
    if plain is None:
        return probes
    fields = _beside_texts(plain.body)
    twin = next((one for one in probes if one.name.startswith(AT_THE_EDGE) and _beside_texts(one.body) == fields), None)
    if twin is None:
        return probes
    both = replace(plain, instead=twin.instead)
    return tuple(both if one is plain else one for one in probes if one is not twin)


def _beside_texts(body: Any) -> Any:
    """A request whose messages have no other members than a role and a text, without these texts."""
    messages = body.get("messages") if isinstance(body, dict) else None
    if not isinstance(messages, list) or not all(_is_plain(one) for one in messages):
        return None
    return {**body, "messages": [one["role"] for one in messages]}


def _is_plain(message: Any) -> bool:
    return isinstance(message, dict) and message.keys() == {"role", "content"} and isinstance(message["content"], str)


def _may_be_combined(probe: Probe, target: Target) -> bool:
    """Whether a request is sent to a target at all: what is left out by itself would keep others from being sent."""
    is_written = probe.script is None or target.reach.proxy is None
    return is_written and (probe.credential is Credential.OWN or not target.lacks)


def _combined(name: str, parts: Sequence[Probe]) -> Probe:
    body: dict[str, Any] = {}
    headers: dict[str, str | None] = {}
    parameters: dict[str, str | None] = {}
    for part in parts:
        parameters.update(part.parameters)
        body.update(part.body)
        headers.update(part.headers)
    return Probe(
        name=name,
        about=f"a small request that is unusual in {len(parts)} ways at once",
        intent=Intent.EITHER,
        body=body,
        path=_one_of(part.path for part in parts),
        parameters=parameters,
        headers=headers,
        field_names=_one_of(part.field_names for part in parts),
        credential=_one_of(part.credential for part in parts if part.credential is not Credential.OWN)
        or Credential.OWN,
        completion_tokens=worst_case_tokens(body),
        script=_one_of(part.script for part in parts),
        instead=tuple(parts),
        apart_unless_served=True,
    )


def _one_of(values: Iterable[_Value | None]) -> _Value | None:
    """The value that one of the parts has."""
    return next((one for one in values if one is not None), None)
