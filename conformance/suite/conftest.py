"""Fixtures of the suite: the answers to the probes that a test's mark names, and a way to say what it expects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest

from conformance.contract import Contract
from conformance.contract.model import Requirement
from conformance.probes import Intent, Probe
from conformance.shipped import DEFAULT_PROFILE, shipped_profiles
from conformance.suite.expect import CANNOT_JUDGE, Expect, NotSent, NotTestable
from conformance.suite.marks import CONTRACT, EXPECT, OBSERVATIONS, PROBES, REQUIREMENT
from conformance.suite.observations import Answered, Completion, Observations, Stream
from conformance.suite.obstacles import Obstacle, worst
from conformance.suite.readers import Readers

_Read = TypeVar("_Read", Completion, Stream)
EVERY_COMPLETION, EVERY_STREAM = "completion/*", "stream/*"
NO_PROFILE = (
    f"the suite judges a deployment against a contract: give --profile {DEFAULT_PROFILE} (or another of"
    f" {', '.join(shipped_profiles())}, or the path of an OpenAPI document), and --base-url URL for a deployment other"
    " than the embedded reference; if the package is not installed, add -p conformance.plugin."
)


def pytest_collection_modifyitems(config: pytest.Config) -> None:
    """Refuse to run the suite without a contract."""
    if CONTRACT not in config.stash:
        raise pytest.UsageError(NO_PROFILE)


@pytest.fixture
def contract(request: pytest.FixtureRequest) -> Contract:
    """The contract that the target is judged against."""
    return request.config.stash[CONTRACT]


@pytest.fixture
def observations(request: pytest.FixtureRequest) -> Observations:
    """Everything observed in this run."""
    return request.config.stash[OBSERVATIONS]


@pytest.fixture
def readers(observations: Observations) -> Readers:
    """Reads answers according to the contract's schemas."""
    return observations.readers


@pytest.fixture
def row(request: pytest.FixtureRequest) -> Requirement:
    """The requirement that the test judges."""
    return request.node.stash[REQUIREMENT]  # type: ignore[no-any-return] # pytest's node is untyped


@pytest.fixture
def expect(request: pytest.FixtureRequest) -> Expect:
    """Collects what the test expects, and of which exchange."""
    return request.node.stash[EXPECT]  # type: ignore[no-any-return] # pytest's node is untyped


@pytest.fixture
def probes(request: pytest.FixtureRequest, observations: Observations) -> Sequence[Probe]:
    """The planned probes that the test's marker names."""
    patterns = request.node.stash[PROBES]
    found = observations.asked(patterns)
    if not found:
        raise observations.none_planned(patterns, "this run's tier has no probe that decides this requirement")
    return found


@pytest.fixture
def answers(probes: Sequence[Probe], observations: Observations, expect: Expect) -> Sequence[Answered]:
    """The answers to the probes, whatever they say; a missing answer becomes a note."""
    answered, obstacles = observations.answers(probes)
    for one in obstacles:
        expect.note(one)
    if not answered:
        raise worst(obstacles)
    return answered


@pytest.fixture
def refusals(probes: Sequence[Probe], observations: Observations, expect: Expect) -> Sequence[Answered]:
    """The answers to those probes that must be refused; a missing answer becomes a note."""
    answered, obstacles = observations.answers(probe for probe in probes if probe.intent is Intent.REFUSED)
    for one in obstacles:
        expect.note(one)
    if not answered:
        raise worst([*obstacles, NotSent("this run's tier has no probe that decides this requirement")])
    return answered


@pytest.fixture
def whole_answers(answers: Sequence[Answered], probes: Sequence[Probe], observations: Observations) -> list[Answered]:
    """The answers with 200 that are not streams: those to the test's own probes, then all others of the run."""
    own = [one for one in answers if one.answer.status == 200 and one.requested("stream") is not True]
    for other in observations.beside(probes, streamed=False):
        due = other.probe.intent is Intent.SERVED
        if due or isinstance(observations.completion(other), Completion):
            own.append(other)
    if not own:
        raise NotTestable("no valid request was answered with 200", *(one.id for one in answers))
    return own


@pytest.fixture
def completions(
    request: pytest.FixtureRequest, probes: Sequence[Probe], observations: Observations
) -> Sequence[Completion]:
    """The completions, not streamed, of the probes that must be served.

    `completion/*` stands for every completion of the run.
    """
    plain = [probe for probe in probes if not probe.asks_for_stream]
    others = observations.beside(probes, streamed=False) if EVERY_COMPLETION in request.node.stash[PROBES] else []
    return _with_others(observations, plain, observations.completion, others)


@pytest.fixture
def streams(request: pytest.FixtureRequest, probes: Sequence[Probe], observations: Observations) -> Sequence[Stream]:
    """The event streams of the probes that must be served; `stream/*` stands for every stream of the run."""
    streamed = [probe for probe in probes if probe.asks_for_stream]
    others = observations.beside(probes, streamed=True) if EVERY_STREAM in request.node.stash[PROBES] else []
    return _with_others(observations, streamed, observations.stream, others)


def _with_others(
    observations: Observations,
    probes: Sequence[Probe],
    read: Callable[[Answered], _Read | Obstacle],
    others: Sequence[Answered],
) -> Sequence[_Read]:
    """The readings of the answers to these probes, and of other answers that can be read the same way."""
    readings = [read(one) for one in others]
    further: list[_Read] = [one for one in readings if not isinstance(one, Obstacle)]
    try:
        return [*observations.usable(probes, read), *further]
    except CANNOT_JUDGE:
        if not further:
            raise
        return further
