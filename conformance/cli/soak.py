"""The command that judges every answer of a load, with its options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from conformance.cli import completion
from conformance.cli.duration import seconds_of
from conformance.cli.reach_options import reach_options
from conformance.terminal.exits import exit_status

_OWN = ("users", "seconds", "requests", "ramp", "seed", "workers", "scheduler", "plan_only")


@click.command()
@click.argument("profile", required=False, shell_complete=completion.profiles)
@click.option("--operation", metavar="NAME", help="The operation of your own document that is meant.")
@click.option(
    "--base-url",
    metavar="URL",
    help="The URL before the operation's path. Without it, the embedded reference deployment is soaked.",
)
@click.option(
    "--target",
    metavar="NAME",
    shell_complete=completion.targets,
    help="A target of conformance.toml; options on the command line override it.",
)
@click.option("--config", metavar="FILE", type=click.Path(path_type=Path), help="The file that describes the target.")
@click.option("--users", type=click.IntRange(1, 100_000), default=20, show_default=True, help="Requests at once.")
@click.option("--for", "seconds", type=seconds_of, metavar="DURATION", help="How long (90s, 10m, 8h).")
@click.option("--requests", type=click.IntRange(1), metavar="N", help="Requests in total, at most.")
@click.option(
    "--ramp", type=seconds_of, metavar="DURATION", help="The users begin within this time.  [default: a fifth of --for]"
)
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Requests per second, at most.")
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), default=20261130, show_default=True, help="By it, requests are mixed."
)
@click.option(
    "--timeout", type=click.FloatRange(0, min_open=True), metavar="S", help="Seconds for one request.  [default: 60]"
)
@click.option("--workers", type=click.IntRange(1, 256), help="Worker processes, which share the users.  [default: 1]")
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Share the users among the workers of the Dask cluster with this scheduler; needs the extra `fleet`, too.",
)
@click.option(
    "--without", metavar="NAMES", multiple=True, help="What the deployment lacks: streaming and others, with commas."
)
@click.option(
    "--out", metavar="DIR", type=click.Path(path_type=Path), help="A new folder.  [default: reports/PROFILE-TIME]"
)
@click.option("--plan", "plan_only", is_flag=True, help="Show what would be sent and what it can find; send nothing.")
@click.option("--yes", is_flag=True, help="Agree to a load that may cost more than 100,000 completion tokens.")
@click.option("--trust-env", is_flag=True, help="Use proxies and certificates from the environment.")
@reach_options
def soak(**options: Any) -> int:
    """Judge every answer of a load: how many in how many break a requirement.

    Sends valid requests, streamed and not, by so many users at once, and judges each answer by the tests of a run.
    soak.json and soak.html have, for each requirement, how many of how many answers broke it, with an exact interval,
    and the times over concurrency. Needs the extra `soak`.

    Exit status: 0 no answer broke a MUST, 1 one did, 2 wrong usage or configuration, 3 undecided or stopped, 4 the
    suite broke.
    """
    from conformance.cli.run_options import run_settings
    from conformance.commands.soak import SoakOptions, run_soak

    own = {name: options.pop(name) for name in _OWN}
    return exit_status(lambda: run_soak(run_settings(options), SoakOptions(**own)))
