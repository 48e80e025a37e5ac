"""The requests of a soak against a deployment that nobody has to serve."""

from __future__ import annotations

from dataclasses import replace

from shipped_contracts import shipped_contract

from conformance.contract.model import Tier
from conformance.running.opening import collecting
from conformance.running.run import Run
from conformance.soak.mixture import Mixture, mixture_of
from conformance.targets import Target


def soak_run(model: str = "some-model") -> Run:
    """A run of openai that sends nothing."""
    run = collecting(shipped_contract("openai"), "openai", Tier.STANDARD)
    return replace(run, target=Target("http://localhost", model=model))


def soak_mixture(seed: int) -> Mixture:
    """The requests by a seed."""
    return mixture_of(soak_run(), seed, None)
