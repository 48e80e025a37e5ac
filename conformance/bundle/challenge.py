"""Holds a bundle to a certifier's challenge: its run was made for it, in time, and sent what follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from conformance.bundle.errors import BundleError
from conformance.evidence import Evidence
from conformance.moments import moment
from conformance.probes import Challenge, Plan
from conformance.probes.challenge import challenge_from
from conformance.probes.shrinking import origin_of
from conformance.quoting import one_line
from conformance.running.planned_again import PlannedAgain, planned_again
from conformance.running.run import Run
from conformance.wire.request import content_of

_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class GivenChallenge:
    """The challenge that a bundle is held to, and whether its signature was checked."""

    challenge: Challenge
    is_signed: bool

    def data(self) -> dict[str, Any]:
        """The same as plain data."""
        return {"challenge": self.challenge.data(), "is_signed": self.is_signed}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> GivenChallenge:
        """What `data` gave, also after a way through JSON."""
        return cls(challenge_from(data["challenge"]), data["is_signed"])


@dataclass(frozen=True, slots=True)
class Carried:
    """How many of a run's requests carry the challenge: nobody knew their bytes before it was issued."""

    requests: int
    of: int


def check_challenge(challenge: Challenge, evidence: Evidence) -> None:
    """Check that evidence says to be of a run that was made for a challenge, and in its time.

    That its requests follow from the challenge in its first line is checked with its plan.

    Raises:
        BundleError: it does not.
    """
    _check_same(challenge, evidence.header)
    _check_times(challenge, evidence)


def carried(run: Run, again: PlannedAgain, needs: Iterable[str]) -> Carried:
    """How many requests of a recorded run, whose plan was made `again`, are other ones than without its challenge.

    Raises:
        BundleError: none is.
    """
    assert run.recorded is not None
    usual = replace(run, challenge=None, settings=replace(run.settings, generated=0))
    bound = _bound(again.plan, planned_again(usual, needs).plan)
    exchanges = run.recorded.exchanges
    count = sum(origin_of(exchange.probe) in bound for exchange in exchanges)
    if not count:
        raise BundleError("none of its requests has a place for a challenge.")
    return Carried(count, len(exchanges))


def challenge_sentences(given: GivenChallenge, shown: Carried, now: datetime) -> Iterator[str]:
    """What a bundle shows that answers a challenge."""
    challenge = given.challenge
    checked = "signed by the given key" if given.is_signed else "whose signature was not checked (--challenge-key)"
    yield (
        f"Challenge: its run was made for that for {one_line(challenge.issued_for)} of {challenge.issued}, {checked};"
        f" {shown.requests} of its {shown.of} requests carry it, so that nobody sent them before."
    )
    if now > challenge.expires_at:
        yield (
            f"Note: the challenge expired at {challenge.expires}; that the run was over by then is what its evidence"
            " says, and is known only to who had the bundle by then."
        )


def _check_same(challenge: Challenge, header: Mapping[str, Any]) -> None:
    if "challenge" not in header:
        raise BundleError("its run was not made for a challenge, so that its evidence may be older than this one.")
    try:
        recorded = challenge_from(header["challenge"])
    except ValueError as error:
        raise BundleError(f"the challenge in its evidence is broken: {error}.") from error
    if recorded.nonce != challenge.nonce:
        raise BundleError(
            f"its run was made for another challenge, issued for {one_line(recorded.issued_for, _LONGEST_NAME)} at"
            f" {recorded.issued}."
        )
    if recorded.issued_for != challenge.issued_for:
        raise BundleError(
            f"its run was made for {one_line(recorded.issued_for, _LONGEST_NAME)}, and the challenge was issued for"
            f" {one_line(challenge.issued_for, _LONGEST_NAME)}."
        )
    if recorded != challenge:
        raise BundleError("the challenge in its evidence has other times than the one that was issued.")


def _check_times(challenge: Challenge, evidence: Evidence) -> None:
    begins = [("the run", evidence.header.get("started"))]
    begins += [(f"the exchange {one_line(one.id, _LONGEST_NAME)}", one.started) for one in evidence.exchanges]
    for what, started in begins:
        at = moment(started) if isinstance(started, str) else None
        if at is None:
            raise BundleError(f"{what} has no time at which it began.")
        if at < challenge.issued_at:
            raise BundleError(f"{what} began at {started}, before the challenge was issued ({challenge.issued}).")
        if at > challenge.expires_at:
            raise BundleError(f"{what} began at {started}, after the challenge expired ({challenge.expires}).")


def _bound(challenged: Plan, usual: Plan) -> frozenset[str]:
    """The names of the probes whose bytes follow from the challenge."""
    before = {probe.name: content_of(probe) for probe in usual.every_probe()}
    return frozenset(
        probe.name
        for probe in challenged.every_probe()
        if probe.generated or before.get(probe.name) != content_of(probe)
    )
