"""What a bundle that holds shows, as plain values: what a certificate and a registry are made of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

from conformance.bundle.scope import LeftOut
from conformance.contract import shipped_profiles
from conformance.contract.model import Level, Tier
from conformance.evidence import Evidence
from conformance.report import Results
from conformance.suite.outcome import Outcome, Verdict, Waiver
from conformance.wire.exchange import Exchange

_MOST_CERTIFICATES = 5


@dataclass(frozen=True, slots=True)
class WaiverUsed:
    """A waiver of a run; `accepts` are the requirements that it covers, whether they are broken or not."""

    requirement: str
    probe: str | None
    reason: str
    owner: str
    expires: str
    """The last day on which it holds, as 2026-11-29."""
    accepts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a bundle shows, once everything in it was checked; nothing here was taken on its word.

    `outcomes` are those of the MUST requirements that are scored, `answers` the digests of what was served.
    `signed_by` is the fingerprint of the key that the signature was checked with.
    """

    suite_version: str
    profile: str
    profile_version: str
    profile_sha256: str
    is_shipped: bool
    """Whether the profile is one of the suite, and not a user's own document."""
    release: str | None
    release_sha256: str | None
    tier: Tier
    verdict: Verdict
    about: str
    without: tuple[str, ...]
    remarks: tuple[str, ...]
    base_url: str
    model: str | None
    parameters: Mapping[str, str]
    embedded: bool
    started: str
    duration_s: float
    requests: int
    outcomes: Mapping[str, str]
    warnings: tuple[str, ...]
    waivers: tuple[WaiverUsed, ...]
    left_out: tuple[LeftOut, ...]
    certificates: tuple[str, ...]
    """The sha256 of the certificates that the deployment sent first over TLS."""
    signed_by: str | None
    evidence_sha256: str
    answers: tuple[str, ...]

    def data(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Facts:
        """What `data` gave, also after a way through JSON."""
        values: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in data.items()}
        values["tier"], values["verdict"] = Tier(data["tier"]), Verdict(data["verdict"])
        values["waivers"] = tuple(WaiverUsed(**{**one, "accepts": tuple(one["accepts"])}) for one in data["waivers"])
        values["left_out"] = tuple(LeftOut(**one) for one in data["left_out"])
        return cls(**values)

    def count(self, outcome: Outcome) -> int:
        """How many MUST requirements have an outcome."""
        return sum(one == outcome for one in self.outcomes.values())

    @property
    def scope(self) -> tuple[str, ...]:
        """What the verdict is about, so that two runs can be held against each other."""
        return (self.profile, self.profile_sha256, self.release or "", self.tier.value, *self.without, *self.remarks)


def facts_of(
    results: Results, evidence: Evidence, left: Sequence[LeftOut], evidence_sha256: str, signed_by: str | None
) -> Facts:
    """What the results and the evidence of a bundle show that was judged again."""
    profile, target, release = results.profile, results.target, results.release
    return Facts(
        suite_version=results.suite_version,
        profile=profile.name,
        profile_version=profile.version,
        profile_sha256=profile.sha256,
        is_shipped=profile.name in shipped_profiles(),
        release=None if release is None else release.version,
        release_sha256=None if release is None else release.sha256,
        tier=results.tier,
        verdict=results.verdict,
        about=results.about,
        without=results.scope.without,
        remarks=results.scope.remarks,
        base_url=target.base_url,
        model=target.model,
        parameters={key: value for key, value in target.parameters.items() if value},
        embedded=target.embedded,
        started=results.started,
        duration_s=results.duration_s,
        requests=results.exchanges.count,
        outcomes={row.id: row.outcome for row in results.requirements if row.level is Level.MUST and row.scored},
        warnings=tuple(row.id for row in results.with_outcome(Outcome.WARNING)),
        waivers=tuple(_used(waiver, results) for waiver in results.waivers),
        left_out=tuple(left),
        certificates=tuple(_certificates(evidence.exchanges)),
        signed_by=signed_by,
        evidence_sha256=evidence_sha256,
        answers=tuple(_answers(evidence.exchanges)),
    )


def _used(waiver: Waiver, results: Results) -> WaiverUsed:
    accepts = tuple(row.id for row in results.requirements if waiver.names(row.id))
    return WaiverUsed(
        waiver.requirement, waiver.probe, waiver.reason, waiver.owner, waiver.expires.isoformat(), accepts
    )


def _certificates(exchanges: Iterable[Exchange]) -> Sequence[str]:
    first = (one.peer.certificates[0] for one in exchanges if one.peer is not None and one.peer.certificates)
    return [hashlib.sha256(one).hexdigest() for one in dict.fromkeys(first)][:_MOST_CERTIFICATES]


def _answers(exchanges: Iterable[Exchange]) -> Iterator[str]:
    """A digest of what was served each time: ids and times make these differ between runs, and not between copies."""
    for one in exchanges:
        if one.answer is not None and one.answer.status == HTTPStatus.OK and one.answer.body:
            yield hashlib.sha256(one.answer.body).hexdigest()[:32]
