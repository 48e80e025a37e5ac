"""Reference deployments on loopback, one of each profile for the whole run, and a client for each."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from reference_callers import PATHS, Caller

from conformance.reference import EmbeddedReference


@pytest.fixture(scope="session")
def callers() -> Iterator[dict[str, Caller]]:
    with (
        httpx.Client(trust_env=False, timeout=10) as http,
        EmbeddedReference("openai") as openai,
        EmbeddedReference("kodexa") as kodexa,
        EmbeddedReference("loop-health") as loop_health,
    ):
        references = {"openai": openai, "kodexa": kodexa, "loop-health": loop_health}
        yield {profile: Caller(profile, reference, http) for profile, reference in references.items()}


@pytest.fixture(params=sorted(PATHS))
def caller(request: pytest.FixtureRequest, callers: dict[str, Caller]) -> Caller:
    return callers[request.param]


@pytest.fixture
def openai(callers: dict[str, Caller]) -> Caller:
    return callers["openai"]


@pytest.fixture
def kodexa(callers: dict[str, Caller]) -> Caller:
    return callers["kodexa"]


@pytest.fixture
def loop_health(callers: dict[str, Caller]) -> Caller:
    return callers["loop-health"]
