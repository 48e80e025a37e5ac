"""The commands for many targets: `fleet`, which judges them at once, with its options, and `watch`."""

from __future__ import annotations

from pathlib import Path

import click

from conformance.cli.watch import watch
from conformance.terminal.exits import exit_status


@click.command()
@click.argument("file", metavar="FLEET.toml", type=click.Path(path_type=Path))
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Judge on the workers of the Dask cluster with this scheduler, such as tcp://10.0.0.5:8786; needs the extra"
    " `fleet`. Without it, on processes of this machine.",
)
@click.option(
    "--workers", type=click.IntRange(1, 256), help="Worker processes.  [default: one more than there are processors]"
)
@click.option(
    "--out",
    metavar="DIR|URL",
    help="Where the results go: a folder, or a URL for fsspec such as s3://bucket/folder, which needs the extra"
    " `fleet`. What was judged there before, by the same program with the same settings, is not judged again."
    "  [default: reports/FLEET]",
)
@click.option("--again", is_flag=True, help="Judge again what is inconclusive.")
@click.option("--plan", "plan_only", is_flag=True, help="List the runs, but send nothing.")
@click.option("--yes", is_flag=True, help="Agree to runs that may cost more than 100,000 completion tokens each.")
def fleet(
    file: Path, *, scheduler: str | None, workers: int | None, out: str | None, again: bool, plan_only: bool, yes: bool
) -> int:
    """Judge many targets, each by several profiles and tiers.

    FLEET.toml has targets like conformance.toml, and a table [fleet] with profiles and tiers. Each combination is a run
    of its own, one at a time for each deployment; a worker that dies loses its run, which another one repeats. Keys are
    read where a run is made, and never sent to a worker.

    Exit status: 0 all conformant, 1 one is nonconformant, 2 wrong usage or configuration, 3 one is inconclusive, 4 the
    suite broke.
    """
    from conformance.commands.fleet import FleetOptions, run_fleet

    options = FleetOptions(scheduler, workers, out, again, plan_only, yes)
    return exit_status(lambda: run_fleet(file, options))


MANY = (fleet, watch)
