"""The commands of the command line with their options; what they do is in `commands`."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import Any

import click

import conformance
from conformance.cli import completion
from conformance.cli.certifying import CERTIFYING
from conformance.cli.duration import seconds_of
from conformance.cli.fleet import MANY
from conformance.cli.lab import lab
from conformance.cli.reach_options import reach_options
from conformance.cli.registry import registry
from conformance.cli.runs import COMMANDS
from conformance.cli.soak import soak
from conformance.shipped import DEFAULT_PROFILE, shipped_profiles
from conformance.terminal.exits import INCONCLUSIVE, SUITE_BROKE, USAGE, exit_status, print_error

_COLLECTED_AFTER = 2_000
"""New objects after which a run looks for garbage; few, since what a hostile target sent may hang on one of them."""


def main() -> None:
    """Run the command line and exit with its status; whatever goes wrong is reported in one sentence.

    The interpreter never decides the status: it would report a defect of this program as nonconformant.
    """
    from conformance.terminal.output import ignore_broken_pipes, replace_unencodable

    replace_unencodable()
    ignore_broken_pipes()
    # httpx does without its own command line where that cannot be imported, which takes 40 ms.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
    sys.exit(_status())


def _status() -> int:
    try:
        ended = commands.main(sys.argv[1:] or ["--help"], prog_name="chat-conformance", standalone_mode=False)
    except click.ClickException as error:
        return print_error(" ".join(error.format_message().split()), USAGE)
    except (click.Abort, KeyboardInterrupt):
        return print_error("interrupted before anything was judged.", INCONCLUSIVE)
    except Exception:  # noqa: BLE001 - a defect of this program, reported as one
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


_OPERATION = click.option(
    "--operation",
    metavar="NAME",
    help="The operation of your own document that is meant, where it has several: its operationId, its path, or"
    ' "POST /path".',
)


@commands.command()
@click.argument("profile", required=False, shell_complete=completion.profiles)
@_OPERATION
@click.option(
    "--base-url",
    metavar="URL",
    help="The URL before the operation's path. Without it, the embedded reference deployment is judged.",
)
@click.option(
    "--target",
    metavar="NAME",
    shell_complete=completion.targets,
    help="A target of conformance.toml; options on the command line override it.",
)
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The file that describes the target.  [default: conformance.toml]",
)
@click.option(
    "--tier",
    type=click.Choice(["smoke", "standard", "exhaustive", "load"]),
    help="How much to test; load may disturb a deployment in use.  [default: standard]",
)
@click.option(
    "--only",
    metavar="ID_OR_GLOB",
    multiple=True,
    shell_complete=completion.requirement_ids,
    help="Judge only these requirements; may be given several times.",
)
@click.option("--exclude", metavar="ID_OR_GLOB", multiple=True, help="Do not judge these; may be given several times.")
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Where to write evidence and reports.  [default: reports/PROFILE-TIME]",
)
@click.option(
    "--force", is_flag=True, help="Replace an earlier run in --out; touches no file that a run does not write."
)
@click.option(
    "--resume",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Resume the interrupted run in this directory: send only what is missing.",
)
@click.option(
    "--plan", "plan_only", is_flag=True, help="Show what would be sent and what it may cost, but send nothing."
)
@click.option("--strict", is_flag=True, help="Count warnings as failures.")
@click.option(
    "--fail-fast",
    is_flag=True,
    help="Stop sending as soon as a MUST is certain to be broken; what was not sent is not tested.",
)
@click.option("--yes", is_flag=True, help="Agree to a plan that may cost more than 100,000 completion tokens.")
@click.option(
    "--without",
    metavar="NAMES",
    multiple=True,
    help="What the deployment lacks and is not judged by: streaming, authentication, n, stop and others, with commas.",
)
@click.option(
    "--require-all",
    is_flag=True,
    help="Demand what was left out: what is not configured, and what is declared to be missing, counts as not tested.",
)
@click.option(
    "--no-preflight",
    "preflight",
    flag_value=False,
    default=None,
    type=bool,
    help="Judge also a setup that cannot be judged, such as one with a refused key.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 256),
    help="Concurrent requests.  [default: 16, fewer where answers are slow; load 64]",
)
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Requests per second, at most.")
@click.option("--max-requests", type=click.IntRange(1), help="Requests in total, at most.")
@click.option(
    "--max-completion-tokens",
    type=click.IntRange(0),
    help="Completion tokens in total, at most (by the worst case of each request).",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    metavar="S",
    help="Seconds for one request, from its start to the end of the answer.  [default: 60]",
)
@click.option(
    "--deadline",
    type=seconds_of,
    metavar="DURATION",
    help="Send nothing more after this time (90s, 15m, 1h30m); --resume goes on. --plan shows the default.",
)
@click.option("--waivers", metavar="FILE", type=click.Path(path_type=Path), help="A YAML list of accepted violations.")
@click.option(
    "--baseline",
    metavar="RESULTS",
    type=click.Path(path_type=Path),
    help="A results.json of an earlier run: only findings that are not in it fail this run.",
)
@click.option(
    "--generated",
    type=click.IntRange(0, 100_000),
    metavar="N",
    help="Generated requests in the exhaustive tier: N valid and N invalid ones.  [default: 1000]",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    metavar="N",
    help="What random requests are drawn by; the record names it.  [default: the same in every run]",
)
@click.option(
    "--generated-time",
    type=click.FloatRange(0, min_open=True),
    metavar="S",
    help="Stop sending generated requests after this many seconds.  [default: 600]",
)
@click.option(
    "--retry-findings",
    type=click.IntRange(0, 20),
    metavar="N",
    help="Repeat the requests of each finding N times, to detect flaky ones.  [default: 0]",
)
@click.option(
    "--replay",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Judge the evidence of an earlier run again; sends nothing.",
)
@click.option(
    "--release",
    metavar="VERSION",
    shell_complete=completion.releases,
    help="Score only what this frozen release of the profile requires; report the rest.",
)
@click.option(
    "--bundle",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Pack the finished run into one archive that `verify` can check.",
)
@click.option(
    "--sign",
    metavar="KEY",
    type=click.Path(path_type=Path),
    help="Sign the bundle with this ed25519 private key (PEM).",
)
@click.option(
    "--challenge",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Make the run for this challenge of a certifier: its requests follow from it.",
)
@click.option("--trust-env", is_flag=True, help="Use proxies and certificates from the environment.")
@click.option("-q", "--quiet", is_flag=True, help="Print only the last lines: verdict, failed requirements, report.")
@click.option("-v", "--verbose", is_flag=True, help="Print every finding with all its evidence.")
@click.option("--json", "as_json", is_flag=True, help="Print the record of the run (results.json), and nothing else.")
@click.option("--open", "opens_page", is_flag=True, help="Open the report at the end.")
@reach_options
def run(*, plan_only: bool, **options: Any) -> int:
    """Judge a deployment and write its reports."""
    gc.disable()  # nothing that is imported here is garbage, and to look for some takes a twentieth of a second
    from conformance.cli.run_options import run_settings, shown_as
    from conformance.commands.run import run_suite, show_plan

    gc.freeze()
    gc.set_threshold(_COLLECTED_AFTER)
    gc.enable()
    if plan_only:
        return exit_status(lambda: show_plan(run_settings(options)))
    return exit_status(lambda: run_suite(run_settings(options), shown_as(options)))


@commands.command()
@click.argument("profile", default=DEFAULT_PROFILE, shell_complete=completion.profiles)
@_OPERATION
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--upstream",
    metavar="URL",
    help="Serve as a gateway in front of this OpenAI-compatible server (its URL before /chat/completions).",
)
@click.option("--upstream-model", metavar="NAME", help="The model of the upstream.  [default: the first that it lists]")
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
    shell_complete=completion.faults,
    help="A fault or an allowed variation from the catalogue, such as stream-end.done-missing@n>1;"
    " may be given several times.",
)
def serve(*, profile: str, operation: str | None, **options: Any) -> int:
    """Start the reference deployment of PROFILE, which may be the path of your own OpenAPI document."""
    from conformance.commands.serve import serve_profile
    from conformance.contract.profile import with_operation

    return exit_status(lambda: serve_profile(profile=with_operation(profile, operation), **options))


@commands.command()
@click.argument("profile", default=DEFAULT_PROFILE, shell_complete=completion.profiles)
@_OPERATION
@click.option(
    "--stale",
    is_flag=True,
    help="List only those whose source or schema changed since their review; exit 1 if there are any.",
)
@click.option(
    "--sources",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="With --stale: a folder of the source documents, to see whether one changed.",
)
@click.option(
    "--reviewed", is_flag=True, help="Record that all requirements were reviewed as they are now (in a checkout)."
)
@click.option(
    "--check",
    is_flag=True,
    help="List what each requirement lacks (test, probe, fault, why and fix, review), and names in the code that mean"
    " nothing; exit 1 if there are any.",
)
@click.option("--release", metavar="VERSION", help="List what this frozen release of the profile scores.")
@click.option("--freeze", metavar="VERSION", help="Freeze the current requirements as a release, which never changes.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def requirements(profile: str, operation: str | None, **options: Any) -> int:
    """List what a profile requires: level, source, tests."""
    from conformance.commands.requirements import list_requirements
    from conformance.contract.profile import with_operation

    return exit_status(lambda: list_requirements(with_operation(profile, operation), **options))


for _command in (lab, *MANY, soak, registry, *COMMANDS, *CERTIFYING):
    commands.add_command(_command)
