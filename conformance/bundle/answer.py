"""What `verify` answers of a bundle that holds: what it shows, what it leaves out, and what it does not prove."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from conformance.bundle.scope import LeftOut
from conformance.contract.model import Level, Tier
from conformance.quoting import log_line, one_line
from conformance.report import Results
from conformance.report.quantities import counted, duration, listed
from conformance.suite.outcome import Outcome, Verdict, Waiver

_MOST_WAIVERS = 20
_LONGEST = 200
NOT_PROVEN = (
    "that the target sent these answers: whoever made the bundle could have written them",
    "that addresses and certificates are the target's, against whoever owns the host or wrote the evidence",
    "that no other run was made, and dropped, before this one",
    "that the target answers today as it did then",
)


def answer(name: str, results: Results, left: Sequence[LeftOut], seal: str, requests: Iterable[str] = ()) -> list[str]:
    """The lines of the answer; `name` is the bundle's, `seal` says who signed it, `requests` what its requests show."""
    return [log_line(line) for line in _answer(name, results, left, seal, requests)]


def _answer(name: str, results: Results, left: Sequence[LeftOut], seal: str, requests: Iterable[str]) -> Iterator[str]:
    profile, target = results.profile, results.target
    yield (
        f"{name} is valid: no file was changed, its plan is the one that profile and tier demand, and judging its"
        " evidence again gives the same outcomes and reports."
    )
    yield f"{results.headline}."
    yield from (f"Note: {one}" for one in _notes(results))
    release = f", scored by release {results.release.version}" if results.release else ", scored by no release"
    yield f"Profile: {profile.name} {profile.version} (sha256 {profile.sha256}){release}; {results.tier.value} tier."
    model = f", model {target.model}" if target.model else ""
    yield f"Target: {target.base_url}{model}."
    spent = results.exchanges
    yield (
        f"Run: started {results.started}, took {duration(results.duration_s)};"
        f" {counted(len(results.requirements), 'requirement')}, {counted(spent.count, 'request')}."
    )
    yield "Left out: " + ("; ".join(f"{one.what} ({one.why})" for one in left) if left else "nothing") + "."
    yield from _waived(results)
    yield from requests
    yield f"Signature: it is {seal}."
    yield f"Not proven: {'; '.join(NOT_PROVEN)}."


def _notes(results: Results) -> Iterator[str]:
    """What must not be overlooked beside the word `conformant`."""
    waived = [row for row in results.with_outcome(Outcome.WAIVED) if row.level is Level.MUST and row.scored]
    if waived:
        verb = "is" if len(waived) == 1 else "are"
        named = listed([row.id for row in waived], 10)
        yield f"{counted(len(waived), 'MUST requirement')} {verb} broken, and waived by who made the run: {named}."
    if results.tier is Tier.SMOKE:
        beyond = len(results.beyond_tier)
        yield f"only the smoke tier was run, which leaves {counted(beyond, 'requirement')} to larger tiers."
    if results.target.embedded:
        yield "the target is the reference deployment of the suite itself."
    if results.verdict is not Verdict.CONFORMANT:
        yield f"that the bundle is valid means that its run was {results.verdict.value}, and nothing better."


def _waived(results: Results) -> Iterator[str]:
    if not results.waivers:
        yield "Waivers: none."
        return
    count = len(results.with_outcome(Outcome.WAIVED))
    yield f"Waivers: {len(results.waivers)}, by which {counted(count, 'requirement')} {_verb(count)} accepted:"
    yield from (f"  {_waiver(one)}" for one in results.waivers[:_MOST_WAIVERS])
    if len(results.waivers) > _MOST_WAIVERS:
        yield f"  and {len(results.waivers) - _MOST_WAIVERS} more"


def _verb(count: int) -> str:
    return "is" if count == 1 else "are"


def _waiver(waiver: Waiver) -> str:
    of = f" on {one_line(waiver.probe, _LONGEST)}" if waiver.probe else ""
    requirement, owner, reason = (one_line(one, _LONGEST) for one in (waiver.requirement, waiver.owner, waiver.reason))
    return f"{requirement}{of}: by {owner} until {waiver.expires}, because: {reason}"
