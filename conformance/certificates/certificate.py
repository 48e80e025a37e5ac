"""A certificate as a value: who was certified, for what, by whom and until when, and what that rests on."""

from __future__ import annotations

import fnmatch
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import conformance
from conformance.certificates.application import Application, Issuer, Runner, ShownRun
from conformance.certificates.policy import Policy
from conformance.certificates.subject import Subject
from conformance.shipped import program_digest
from conformance.suite.outcome import Outcome, Verdict

FORMAT = 1
_ID_LENGTH = 24


@dataclass(frozen=True, slots=True)
class Versioned:
    """Something by its name, version and digest."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class CertifiedScope:
    """What the verdict is about; `about` says it in words."""

    about: str
    profile: Versioned
    release: Mapping[str, str] | None
    """Version and sha256 of the frozen release."""
    tier: str
    without: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CertifiedRun:
    """One of the runs that a certificate rests on, by the digests of its bundle and of the evidence in it."""

    bundle: str
    evidence: str
    started: str
    duration_s: float
    requests: int
    signed_by: str | None


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate; specs/certificate.schema.json describes its members."""

    subject: Subject
    configuration: Mapping[str, Any]
    scope: CertifiedScope
    verdict: Mapping[str, Any]
    issuer: Issuer
    ran_by: Runner
    issued: str
    expires: str
    policy: Mapping[str, str]
    suite: Versioned
    runs: tuple[CertifiedRun, ...]
    challenge: Mapping[str, str] | None = field(default=None)
    renews: Mapping[str, str] | None = field(default=None)
    """Id and sha256 of the certificate that it follows."""

    def data(self) -> dict[str, Any]:
        """The certificate as plain data."""
        content = {"format": FORMAT, **asdict(self), "subject": self.subject.data()}
        return {"format": FORMAT, "id": _id(content), **content}

    def text(self) -> str:
        """The payload that is signed."""
        return json.dumps(self.data(), indent=1, ensure_ascii=False) + "\n"

    @property
    def id(self) -> str:
        """What it is called; made from everything else in it."""
        return str(self.data()["id"])

    @property
    def issued_at(self) -> datetime:
        """From when on it holds."""
        return datetime.fromisoformat(self.issued)

    @property
    def expires_at(self) -> datetime:
        """Until when it holds."""
        return datetime.fromisoformat(self.expires)

    @property
    def last_day(self) -> str:
        """The last day on which it holds, in UTC."""
        return (self.expires_at - timedelta(seconds=1)).astimezone(UTC).date().isoformat()


def certificate_from(data: Mapping[str, Any]) -> Certificate:
    """The certificate that plain data describes, which keeps to the schema.

    Raises:
        ValueError: it contradicts itself; the message says in a few words where.
    """
    scope = data["scope"]
    rest = {name: data[name] for name in ("configuration", "verdict", "ran_by", "policy", "challenge", "renews")}
    made = Certificate(
        subject=Subject(**data["subject"]),
        scope=CertifiedScope(
            **{
                **scope,
                "profile": Versioned(**scope["profile"]),
                "without": tuple(scope["without"]),
                "remarks": tuple(scope["remarks"]),
            }
        ),
        issuer=Issuer(**data["issuer"]),
        issued=_moment(data["issued"], "issued"),
        expires=_moment(data["expires"], "expires"),
        suite=Versioned(**data["suite"]),
        runs=tuple(CertifiedRun(**run) for run in data["runs"]),
        **rest,
    )
    if made.expires_at <= made.issued_at:
        raise ValueError("it expires before it is issued")
    if made.id != data["id"]:
        raise ValueError("its id does not follow from the rest of it")
    return made


def issued(asked: Application, renews: Mapping[str, str] | None = None) -> Certificate:
    """The certificate for an application that nothing speaks against; it ends with the first waiver."""
    now = asked.now.astimezone(UTC).replace(microsecond=0)
    facts = asked.runs[0].facts
    challenge = asked.challenge
    return Certificate(
        subject=asked.subject,
        configuration={
            "base_url": facts.base_url,
            "model": facts.model,
            "parameters": dict(facts.parameters),
            "certificates": list(dict.fromkeys(one for run in asked.runs for one in run.facts.certificates))[:20],
        },
        scope=CertifiedScope(
            facts.about,
            Versioned(facts.profile, facts.profile_version, facts.profile_sha256),
            None if facts.release is None else {"version": facts.release, "sha256": str(facts.release_sha256)},
            facts.tier.value,
            facts.without,
            facts.remarks,
        ),
        verdict=_verdict(asked),
        issuer=asked.issuer,
        ran_by=asked.ran_by,
        issued=now.isoformat(),
        expires=min([now + asked.policy.validity, *_ends_of_waivers(asked)]).isoformat(),
        policy=_named(asked.policy),
        suite=Versioned("chat-conformance", conformance.__version__, program_digest()),
        runs=tuple(_certified(run) for run in asked.runs),
        challenge=None
        if challenge is None
        else {"nonce": challenge.nonce, "issued": challenge.issued, "expires": challenge.expires},
        renews=renews,
    )


def _verdict(asked: Application) -> dict[str, Any]:
    facts = asked.runs[0].facts
    waivers = {(one.requirement, one.owner, one.reason, one.expires) for run in asked.runs for one in run.facts.waivers}
    return {
        "value": Verdict.CONFORMANT.value,
        "must": {one.value: facts.count(one) for one in (Outcome.PASSED, Outcome.WAIVED, Outcome.SKIPPED)},
        "warnings": sorted({one for run in asked.runs for one in run.facts.warnings}),
        "waivers": [
            {"requirement": requirement, "owner": owner, "reason": reason, "expires": expires}
            for requirement, owner, reason, expires in sorted(waivers)
        ],
    }


def _ends_of_waivers(asked: Application) -> list[datetime]:
    """When the last day of each waiver is over; of the policy's permissions, too."""
    days = [date.fromisoformat(one.expires) for run in asked.runs for one in run.facts.waivers]
    if days:
        days += [
            one.until for one in asked.policy.waivers if one.until is not None and _is_used(one.requirement, asked)
        ]
    return [datetime.combine(day + timedelta(days=1), time(), UTC) for day in days if day < date.max]


def _is_used(pattern: str, asked: Application) -> bool:
    accepted = {row for run in asked.runs for one in run.facts.waivers for row in one.accepts}
    return bool(fnmatch.filter(accepted, pattern))


def _named(policy: Policy) -> dict[str, str]:
    return {"name": policy.name, "title": policy.title, "sha256": policy.sha256}


def _certified(run: ShownRun) -> CertifiedRun:
    facts = run.facts
    return CertifiedRun(
        run.bundle_sha256, facts.evidence_sha256, facts.started, facts.duration_s, facts.requests, facts.signed_by
    )


def _id(content: Mapping[str, Any]) -> str:
    """The beginning of the digest of everything else, written in one way."""
    plain = json.dumps({**content, "id": ""}, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(plain.encode()).hexdigest()[:_ID_LENGTH]


def _moment(text: str, name: str) -> str:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        read = None
    if read is None or read.tzinfo is None or read.isoformat() != text:
        raise ValueError(f"its `{name}` is not a time like 2026-11-29T10:00:00+00:00")
    return text
