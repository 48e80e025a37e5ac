"""Reads a certification policy: what a programme demands, as specs/policy.schema.json describes it."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from conformance.contract import Document, enforce, read_document
from conformance.contract.model import Tier
from conformance.contract.pointers import join
from conformance.moments import span
from conformance.shipped import policy_path, shipped_policies, shipped_profiles

SCHEMA = "policy.schema.json"
_LONGEST_VALIDITY = timedelta(days=366)
_EITHER = "either"


@dataclass(frozen=True, slots=True)
class AllowedWaiver:
    """Requirements (an id or a glob) that may be waived, until a day where one is named."""

    requirement: str
    because: str
    until: date | None = None

    def allows(self, requirement_id: str, today: date) -> bool:
        """Whether a requirement may be waived today."""
        in_time = self.until is None or today <= self.until
        return in_time and fnmatch.fnmatchcase(requirement_id, self.requirement)


@dataclass(frozen=True, slots=True)
class Policy:
    """What a programme demands; `sha256` is the digest of its file."""

    name: str
    title: str
    sha256: str
    profiles: dict[str, tuple[str, ...]]
    """The profiles that are certified, each with the releases that are accepted; none means any frozen one."""
    tier: Tier
    require_all: bool
    waivers: tuple[AllowedWaiver, ...]
    agreeing: int
    apart: timedelta
    within: timedelta
    challenge: bool
    signed: bool
    ran_by: str
    tls: bool
    subject: tuple[str, ...]
    validity: timedelta
    reference: bool = False

    def accepts_runner(self, ran_by: str) -> bool:
        """Whether runs may have been made by the certifier, or the vendor."""
        return self.ran_by in (_EITHER, ran_by)

    def allows_waiving(self, requirement_ids: Iterable[str], today: date) -> str | None:
        """The first of these requirements that may not be waived today; None where all may."""
        return next(
            (one for one in requirement_ids if not any(waiver.allows(one, today) for waiver in self.waivers)), None
        )


def load_policy(name: str) -> Policy:
    """The policy in a file, or a shipped one by its name.

    Raises:
        ContractError: there is none, or it cannot be used; the message has the file and the line.
    """
    path = policy_path(name) if name in shipped_policies() and not Path(name).exists() else Path(name)
    document = read_document(path)
    enforce(document, SCHEMA)
    data = document.data
    _check_profiles(document)
    runs = data["runs"]
    return Policy(
        name=data["name"],
        title=data["title"],
        sha256=document.sha256,
        profiles={one["name"]: tuple(one.get("releases", ())) for one in data["profiles"]},
        tier=Tier(data["tier"]),
        require_all=data["require_all"],
        waivers=tuple(_waiver(one) for one in data["waivers"]),
        agreeing=runs["agreeing"],
        apart=_time(document, "/runs/apart", runs["apart"]),
        within=_time(document, "/runs/within", runs["within"]),
        challenge=data["challenge"],
        signed=data["signed"],
        ran_by=data["ran_by"],
        tls=data["tls"],
        subject=tuple(data["subject"]),
        validity=_validity(document),
        reference=data.get("reference", False),
    )


def _check_profiles(document: Document) -> None:
    for number, row in enumerate(document.data["profiles"]):
        if row["name"] not in shipped_profiles():
            raise document.error(
                f"{row['name']!r} is not a shipped profile; a policy certifies {', '.join(shipped_profiles())}.",
                join("/profiles", number, "name"),
            )


def _waiver(row: dict[str, str]) -> AllowedWaiver:
    until = row.get("until")
    return AllowedWaiver(row["requirement"], row["because"], None if until is None else date.fromisoformat(until))


def _time(document: Document, pointer: str, text: str) -> timedelta:
    read = span(text)
    if read is None:  # the schema's pattern is not anchored against a line feed at the end
        raise document.error(f"{text!a:.40} is not a time such as 90m, 48h or 7d", pointer)
    return read


def _validity(document: Document) -> timedelta:
    validity = _time(document, "/validity", document.data["validity"])
    if not timedelta(0) < validity <= _LONGEST_VALIDITY:
        raise document.error(
            f"a certificate holds for more than nothing and at most {_LONGEST_VALIDITY.days} days", "/validity"
        )
    return validity
