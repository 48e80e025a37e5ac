"""Prints a soak: what is planned and found by it, and in the end what it came to."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.quoting import log_line
from conformance.report.quantities import counted, duration
from conformance.soak.mixture import Mixture
from conformance.soak.rates import rarest_found, rate_of
from conformance.soak.record import Soaked
from conformance.soak.settings import SoakSettings
from conformance.soak.times import FIRST_BYTE, STREAM, TOTAL

_MOST = 20
_MUCH = 0.1


def one_in(rate: float) -> str:
    """A rate in words: `1 in 1,002`."""
    return "none" if rate <= 0 else f"1 in {1 / rate:,.0f}"


def plan_text(settings: SoakSettings, mixture: Mixture) -> str:
    """What would be sent, what it may cost, and what it can find."""
    total = sum(mixture.weights.values())
    lines = [f"{counted(settings.users, 'user')} for {duration(settings.seconds)}, the last after {settings.ramp:g} s:"]
    for probe in mixture.probes:
        share = 100 * mixture.weights[probe.name] / total
        lines.append(f"  {share:3.0f} %  {probe.name}: {probe.about}; at most {probe.completion_tokens} tokens")
    lines.append(f"A request costs at most {mixture.mean_tokens:.0f} completion tokens on average.")
    if settings.requests is not None:
        streams = sum(mixture.weights[probe.name] for probe in mixture.probes if probe.asks_for_stream)
        expected = settings.requests * streams // total
        lines.append(
            f"{counted(settings.requests, 'request')}, some {expected:,} of them streams: a fault of"
            f" {one_in(rarest_found(expected))} streams is found with a probability of 95 %."
        )
    return "\n".join([*lines, "Nothing was sent."])


def soak_text(soaked: Soaked, written: dict[str, str]) -> str:
    """What a soak came to, for a terminal: whatever a target sent is on one line, with nothing hidden in it."""
    return "\n".join(map(log_line, [*_lines(soaked), *(f"{name}: {path}" for name, path in written.items())]))


def _lines(soaked: Soaked) -> Iterator[str]:
    tally, streams = soaked.tally, soaked.tally.streams
    rate = tally.count / soaked.seconds if soaked.seconds else 0.0
    yield (
        f"{counted(tally.count, 'request')} in {duration(soaked.seconds)} ({rate:.1f} a second),"
        f" {tally.answered:,} answered, {streams.count:,} of them streams; every answer was judged."
    )
    if soaked.ended is not None:
        yield f"It ended early: {soaked.ended}."
    for status, error in sorted(tally.errors.items()):
        after = f", {error.retry_after:,} with Retry-After" if status in {"429", "503"} else ""
        yield f"  {error.count:,} answered with {status}, {error.enveloped:,} in the contract's envelope{after}"
    for kind, count in sorted(tally.silent.items()):
        yield f"  {count:,} without an answer: {kind}"
    for words, broken, judged in (
        ("cut", streams.cut, streams.count),
        ("without their end", streams.unended, streams.count),
        ("with words of another request", streams.foreign, streams.read),
    ):
        found = rate_of(broken, judged)
        if judged:
            yield f"  streams {words}: {broken:,} of {judged:,}{_bounds(found.low, found.high, broken)}"
    held = max((share.held for share in soaked.shares), default=0.0)
    if held > _MUCH:
        yield (
            f"  users waited {100 * held:.0f} % of their time for answers to be judged: with more --workers they would"
            " send more"
        )
    yield from _times(soaked)
    yield from _findings(soaked)


def _bounds(low: float, high: float, broken: int) -> str:
    if not broken:
        return f"; with 95 % confidence at most {one_in(high)}"
    return f"; with 95 % confidence between {one_in(low)} and {one_in(high)}"


def _times(soaked: Soaked) -> Iterator[str]:
    for one in soaked.tally.times.distributions():
        if one.measured.kind == STREAM and one.measured.what in {FIRST_BYTE, TOTAL}:
            what = "first byte" if one.measured.what == FIRST_BYTE else "total"
            median, _, most, _ = one.quantiles
            yield (
                f"  streams, {what}, {one.measured.level} to {2 * one.measured.level - 1} at once:"
                f" half within {duration(median)}, 99 % within {duration(most)} ({one.count:,})"
            )


def _findings(soaked: Soaked) -> Iterator[str]:
    if not soaked.broken:
        decided = sum(soaked.of(row).judged > 0 for row in soaked.rows)
        yield f"No answer broke any of the {counted(decided, 'requirement')} that answers showed."
    for row in soaked.broken[:_MOST]:
        counted_ = soaked.of(row)
        found = rate_of(counted_.broken, counted_.judged)
        yield (
            f"{row.level.value} {row.id}: {counted_.broken:,} of {counted_.judged:,}"
            f"{_bounds(found.low, found.high, counted_.broken)}"
        )
        for one in counted_.findings[:1]:
            yield f"    {one.exchange}: expected {one.expected}; got {one.actual}"
    if len(soaked.broken) > _MOST:
        yield f"… and {len(soaked.broken) - _MOST} more, which soak.json has."
