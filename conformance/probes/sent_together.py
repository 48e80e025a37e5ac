"""Combines requests that differ from the smallest one only in how they are sent, so that they cost one completion.

Each is sent by itself only where all of them together are not served, to find which was refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeVar

from conformance.probes.model import Credential, Intent, Probe, worst_case_tokens
from conformance.targets.model import Target

_Value = TypeVar("_Value")
TOGETHER: Final = "client/together"
"""What the names of these combined requests begin with."""
_GROUPS: Final = (
    # Nobody may refuse these.
    (
        *("client/node-sdk", "client/coding-any", "client/upper-case-fields", "request/media-type-charset"),
        *("access/scheme-lower-case", "robustness/expect-continue"),
    ),
    # Most of these may be refused, so that they keep the others from nothing.
    (
        *("client/no-user-agent", "client/unknown-query", "client/h2c-upgrade", "request/unknown-field"),
        "robustness/chunked",
    ),
)
"""The requests that go together; none of a group sets what another one sets."""


def sent_together(probes: Iterable[Probe], target: Target) -> tuple[Probe, ...]:
    """The probes, with each group as one, in the place of its first."""
    found = tuple(probes)
    for number, names in enumerate(_GROUPS):
        parts = {one.name: one for one in found if one.name in names and _may_be_combined(one, target)}
        if len(parts) > 1:
            first, *others = parts
            whole = _combined(f"{TOGETHER}-{number}", tuple(parts.values()))
            found = tuple(whole if one.name == first else one for one in found if one.name not in others)
    return found


def _may_be_combined(probe: Probe, target: Target) -> bool:
    """Whether a request is sent to a target at all: what is left out by itself would keep others from being sent."""
    is_written = probe.script is None or target.reach.proxy is None
    return is_written and (probe.credential is Credential.OWN or not target.lacks)


def _combined(name: str, parts: Sequence[Probe]) -> Probe:
    body: dict[str, Any] = {}
    headers: dict[str, str | None] = {}
    for part in parts:
        body.update(part.body)
        headers.update(part.headers)
    return Probe(
        name=name,
        about=f"a small request that is unusual in {len(parts)} ways at once",
        intent=Intent.EITHER,
        body=body,
        path=_one_of(part.path for part in parts),
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
