"""`chat-conformance serve`: the reference deployment in the foreground."""

from __future__ import annotations

import os

import click


def serve_profile(
    *, profile: str, host: str, port: int, upstream: str | None, upstream_model: str | None, latency: float
) -> None:
    """Serve a profile until interrupted.

    Raises:
        DeploymentError: there is no reference deployment for it, or it cannot listen there.
    """
    from conformance.reference import serve

    serve(
        profile,
        environ=os.environ,
        host=host,
        port=port,
        upstream=upstream,
        upstream_model=upstream_model,
        latency=latency,
        announce=click.echo,
    )
