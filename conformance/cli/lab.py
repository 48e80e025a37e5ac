"""The command of the fault lab, with its options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from conformance.cli import completion
from conformance.terminal.exits import exit_status


@click.command()
@click.argument("profiles", metavar="[PROFILE]...", nargs=-1, shell_complete=completion.profiles)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Where to write the kill matrix; a lab that was stopped goes on with what it left there.",
)
@click.option(
    "--only",
    metavar="FAULT_GLOB",
    multiple=True,
    shell_complete=completion.faults,
    help="Judge only these faults; may be given several times.",
)
@click.option(
    "--changed",
    metavar="REV",
    help="Judge only faults that depend on what changed in this git checkout since a commit, branch or tag.",
)
@click.option(
    "--part",
    metavar="K/N",
    help="Judge one of N shares of the faults (with --mutate, of the tests), such as 1/3; all N are the whole.",
)
@click.option(
    "--workers", type=click.IntRange(1, 64), help="Worker processes.  [default: one more than processors, at most 8]"
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Judge on the workers of the Dask cluster with this scheduler; needs the extra `fleet`.",
)
@click.option(
    "--extra",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="A file with further faults that are not in the catalogue.",
)
@click.option(
    "--suite-command",
    metavar="CMD",
    help="Let another tool judge the same faults: schemathesis, or a command with {base_url} and {openapi} in it, whose"
    " exit status is 1 if it finds something. Its environment has the key as CONFORMANCE_API_KEY.",
)
@click.option(
    "--mutate",
    is_flag=True,
    help="Remove and invert each test of the suite, and list the mutations that the lab does not notice.",
)
@click.option("--judge-again", is_flag=True, help="Judge the evidence of each run again; the record must be the same.")
@click.option("--reproduce", is_flag=True, help="Run the command of each finding; it must send the same request.")
@click.option("--accept", is_flag=True, help="Write the observed effects into the catalogue, for review.")
@click.option("--clients", is_flag=True, help="Show the answers of the faults to the clients that are installed.")
def lab(profiles: tuple[str, ...], **options: Any) -> int:
    """Show which faults the suite catches.

    Judges the reference deployment with every fault of each PROFILE, or of all profiles; of your own document, with a
    fault for each of its keywords. Exit status: 0 if all rules of the lab hold, 1 if one is violated.
    """
    from conformance.commands.lab import LabOptions, run_lab

    return exit_status(lambda: run_lab(profiles, LabOptions(**options)))
