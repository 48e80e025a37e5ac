"""Unmodified reference deployments on loopback, for clients that are not ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from witness_deployments import PATHS, Deployment

from conformance.reference import EmbeddedReference


@pytest.fixture(scope="session")
def deployments() -> Iterator[dict[str, Deployment]]:
    with (
        EmbeddedReference("openai") as openai,
        EmbeddedReference("kodexa") as kodexa,
        EmbeddedReference("loop-health") as loop_health,
    ):
        references = {"openai": openai, "kodexa": kodexa, "loop-health": loop_health}
        yield {profile: Deployment(profile, reference) for profile, reference in references.items()}


@pytest.fixture(params=sorted(PATHS))
def deployment(request: pytest.FixtureRequest, deployments: dict[str, Deployment]) -> Deployment:
    return deployments[request.param]


@pytest.fixture(params=["kodexa", "openai"])
def compatible(request: pytest.FixtureRequest, deployments: dict[str, Deployment]) -> Deployment:
    """One whose document says that it is compatible with the OpenAI API."""
    return deployments[request.param]
