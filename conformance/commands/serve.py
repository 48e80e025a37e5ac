"""`chat-conformance serve`: the reference deployment in the foreground."""

from __future__ import annotations

import os
from functools import partial

import click


def serve_profile(
    *,
    profile: str,
    host: str,
    port: int,
    upstream: str | None,
    upstream_model: str | None,
    latency: float,
    faults: tuple[str, ...] = (),
) -> int:
    """Serve a profile until interrupted, with the faults that are named; returns the exit status.

    Raises:
        ContractError: the profile, or the catalogue of faults, cannot be read.
        DeploymentError: there is no reference deployment for it, it cannot listen there, a fault is not known, or
            nobody could be served with this upstream.
    """
    from conformance.reference import serve

    hooks = None
    if faults:
        from conformance.contract import load_contract
        from conformance.reference.faults import composed

        hooks = composed(load_contract(profile), faults)
    serve(
        profile,
        environ=os.environ,
        host=host,
        port=port,
        upstream=upstream,
        upstream_model=upstream_model,
        latency=latency,
        hooks=hooks,
        announce=click.echo,
        warn=partial(click.echo, err=True),
    )
    return 0
