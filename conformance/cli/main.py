"""The command line: reads options, and leaves the rest to the commands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

import conformance
from conformance.cli.runs import COMMANDS
from conformance.shipped import DEFAULT_PROFILE, shipped_profiles
from conformance.terminal.exits import INCONCLUSIVE, SUITE_BROKE, USAGE, exit_status, print_error


def main() -> None:
    """Run the command line and exit with its status; whatever goes wrong is told in one sentence.

    No way of ending is left to the interpreter: its status for a defect of ours would read as nonconformant.
    """
    from conformance.terminal.broken_pipe import outlive_readers

    outlive_readers()
    sys.exit(_status())


def _status() -> int:
    try:
        ended = commands.main(sys.argv[1:] or ["--help"], prog_name="chat-conformance", standalone_mode=False)
    except click.ClickException as error:
        return print_error(" ".join(error.format_message().split()), USAGE)
    except (click.Abort, KeyboardInterrupt):
        return print_error("interrupted before anything was judged.", INCONCLUSIVE)
    except Exception:  # noqa: BLE001 - a defect of ours, told as one
        return _broke()
    return ended if isinstance(ended, int) else 0


def _broke() -> int:
    import traceback

    from conformance.terminal.exits import without_keys

    print_error("this program broke; it says nothing about the target. Please report it:", SUITE_BROKE)
    click.echo(without_keys(traceback.format_exc()), err=True)
    return SUITE_BROKE


_HELP = f"""Prove whether a live chat-completions deployment keeps its contract.

PROFILE is {", ".join(shipped_profiles())}, or the path of an OpenAPI document of your own.
Keys come from the environment (CONFORMANCE_API_KEY), never from the command line.

Exit status: 0 conformant, 1 nonconformant, 2 wrong usage or configuration, 3 inconclusive, 4 the suite broke.
"""


@click.group(help=_HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(conformance.__version__, prog_name="chat-conformance")
def commands() -> None:
    """All the commands."""


@commands.command()
@click.argument("profile", required=False)
@click.option(
    "--base-url",
    metavar="URL",
    help="What stands before the operation's path. Without it, the embedded reference deployment is judged.",
)
@click.option("--target", metavar="NAME", help="A target of conformance.toml; options given here come before it.")
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where the target is described.  [default: conformance.toml]",
)
@click.option(
    "--tier",
    type=click.Choice(["smoke", "standard", "exhaustive", "load"]),
    help="How much may be spent; load sends what may hurt a deployment in use.  [default: standard]",
)
@click.option(
    "--only", metavar="ID_OR_GLOB", multiple=True, help="Judge only these requirements; may be given several times."
)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Where evidence and reports go.  [default: reports/PROFILE-TIME]",
)
@click.option(
    "--resume",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Go on with the run that was interrupted in this directory: send only what is missing.",
)
@click.option(
    "--plan", "plan_only", is_flag=True, help="Show what would be sent and what it may cost, and send nothing."
)
@click.option("--strict", is_flag=True, help="Count warnings as failures.")
@click.option(
    "--concurrency",
    type=click.IntRange(1, 256),
    help="Requests under way at once.  [default: 8; exhaustive 16, load 64]",
)
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Requests a second at most.")
@click.option("--max-requests", type=click.IntRange(1), help="Requests in all at most.")
@click.option("--max-completion-tokens", type=click.IntRange(0), help="Completion tokens in all at most, at worst.")
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    metavar="S",
    help="Seconds for one request, from its start to the end of its body.  [default: 60]",
)
@click.option("--waivers", metavar="FILE", type=click.Path(path_type=Path), help="Accepted violations, a YAML list.")
@click.option(
    "--baseline",
    metavar="RESULTS",
    type=click.Path(path_type=Path),
    help="A results.json: only findings that are not in it fail the run.",
)
@click.option(
    "--generated",
    type=click.IntRange(0, 100_000),
    metavar="N",
    help="Generated requests in the exhaustive tier: N valid ones and N that are not.  [default: 1000]",
)
@click.option(
    "--generated-time",
    type=click.FloatRange(0, min_open=True),
    metavar="S",
    help="Seconds after which no further generated request is sent.  [default: 600]",
)
@click.option(
    "--retry-findings",
    type=click.IntRange(0, 20),
    metavar="N",
    help="Send the requests of each finding N times more, to tell a flaky one.  [default: 0]",
)
@click.option(
    "--replay",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Judge the evidence of an earlier run again, without a network.",
)
@click.option("--release", metavar="VERSION", help="Score by this frozen release of the profile; report all else.")
@click.option(
    "--bundle",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Put the finished run into one archive that `verify` can check.",
)
@click.option(
    "--sign",
    metavar="KEY",
    type=click.Path(path_type=Path),
    help="Sign the bundle with this ed25519 private key (PEM).",
)
@click.option("--trust-env", is_flag=True, help="Take proxies and certificates from the environment.")
def run(*, plan_only: bool, **options: Any) -> int:
    """Judge a deployment and write its reports."""
    from conformance.cli.run_options import run_settings
    from conformance.commands.run import run_suite, show_plan

    start = show_plan if plan_only else run_suite
    return exit_status(lambda: start(run_settings(options)))


@commands.command()
@click.argument("profile", default=DEFAULT_PROFILE)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Port to listen at; 0 takes a free one.",
)
@click.option(
    "--upstream",
    metavar="URL",
    help="Stand as a gateway before this OpenAI-compatible server (what stands before /chat/completions).",
)
@click.option("--upstream-model", metavar="NAME", help="The upstream's model.  [default: the first that it lists]")
@click.option(
    "--latency",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    metavar="S",
    help="Seconds to wait before every answer.",
)
@click.option(
    "--fault",
    "faults",
    metavar="ID[@CONDITION]",
    multiple=True,
    help="Serve with a fault or an allowed variation of the lab's catalogue, such as stream-end.done-missing@n>1;"
    " several compose.",
)
def serve(**options: Any) -> int:
    """Start the reference deployment of PROFILE."""
    from conformance.commands.serve import serve_profile

    return exit_status(lambda: serve_profile(**options))


@commands.command()
@click.argument("profile", default=DEFAULT_PROFILE)
@click.option(
    "--stale",
    is_flag=True,
    help="Only those whose source or schema changed since they were reviewed; exit 1 if there are any.",
)
@click.option(
    "--sources",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="With --stale: the documents themselves, to see whether one changed.",
)
@click.option(
    "--reviewed", is_flag=True, help="Record all requirements as reviewed as they stand (in a checkout of the specs)."
)
@click.option(
    "--check",
    is_flag=True,
    help="Name what each requirement lacks (test, probe, fault, why and fix, review) and names in the code that mean"
    " nothing; exit 1 if there is any.",
)
@click.option("--freeze", metavar="VERSION", help="Freeze what is required now as a release, which never changes.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def requirements(profile: str, **options: Any) -> int:
    """List the requirements, with level, source and what tests them."""
    from conformance.commands.requirements import list_requirements

    return exit_status(lambda: list_requirements(profile, **options))


@commands.command()
@click.argument("profiles", metavar="[PROFILE]...", nargs=-1)
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="Where the kill matrix is written.")
@click.option(
    "--only", metavar="FAULT_GLOB", multiple=True, help="Judge only these faults; may be given several times."
)
@click.option(
    "--changed",
    metavar="REV",
    help="Judge only faults that depend on what changed in this git checkout since a commit, branch or tag.",
)
@click.option(
    "--workers", type=click.IntRange(1, 64), help="Processes.  [default: one more than processors, 8 at most]"
)
@click.option(
    "--extra",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Further rows of faults, which are in no catalogue.",
)
@click.option(
    "--suite-command",
    metavar="CMD",
    help="Let another tool judge the same faults: schemathesis, or a command with {base_url} and {openapi} in it, whose"
    " exit status is 1 where it found something. The key is in its environment as CONFORMANCE_API_KEY.",
)
@click.option(
    "--mutate", is_flag=True, help="Remove and invert each test of the suite, and list those that no fault would miss."
)
@click.option("--judge-again", is_flag=True, help="Judge the evidence of each run again: the record must be the same.")
@click.option("--reproduce", is_flag=True, help="Run the command of each finding: it must send its request's bytes.")
@click.option(
    "--accept", is_flag=True, help="Write the effects that were seen into the catalogue, to be reviewed there."
)
def lab(profiles: tuple[str, ...], **options: Any) -> int:
    """Judge every fault of the reference deployment, of all profiles or those named, and show what the suite catches.

    Exit status: 0 when all rules of the lab hold, 1 when one is broken.
    """
    from conformance.commands.lab import LabOptions, run_lab

    return exit_status(lambda: run_lab(profiles, LabOptions(**options)))


for _command in COMMANDS:
    commands.add_command(_command)
