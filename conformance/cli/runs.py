"""The commands that send nothing to a target: they prepare, compare, verify and explain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from conformance.cli import completion
from conformance.cli.confinement_options import confinement_options
from conformance.shipped import DEFAULT_PROFILE
from conformance.terminal.exits import USAGE, exit_status, print_error


@click.command()
@click.option(
    "--profile",
    metavar="PROFILE",
    shell_complete=completion.profiles,
    help="The profile of the target, or the path of an OpenAPI document.",
)
@click.option("--base-url", metavar="URL", help="The URL of the target before the operation's path.")
@click.option("--no-schema", is_flag=True, help="Write no conformance.schema.json, by which editors check the file.")
def init(*, profile: str | None, base_url: str | None, no_schema: bool) -> int:
    """Write a commented conformance.toml here.

    Beside it stands its schema, which the first line names for editors (Taplo, Even Better TOML).
    """
    from conformance.commands.init import write_configuration

    return exit_status(lambda: write_configuration(Path(), profile, base_url, with_schema=not no_schema))


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown, for a comment on a pull request.")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="Also write diff.html and diff.json there.")
def diff(old: Path, new: Path, **options: Any) -> int:
    """Show what changed between two runs, and why.

    OLD and NEW are results.json files, or the directories that runs wrote. Exit status: 0 no regression, 1 regressions,
    3 a MUST is no longer decided.
    """
    from conformance.commands.diff import show_differences

    return exit_status(lambda: show_differences(old, new, **options))


@click.command()
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Where to write matrix.html and matrix.json.  [default: reports/matrix-TIME]",
)
def matrix(results: tuple[Path, ...], out: Path | None) -> int:
    """Show runs side by side, differences first.

    RESULTS are results.json files, or the directories that runs wrote.
    """
    from conformance.commands.matrix import show_matrix

    return exit_status(lambda: show_matrix(results, out))


@click.command()
@click.argument("requirement", metavar="[ID]", required=False, shell_complete=completion.every_requirement_id)
@click.argument("profile", default=DEFAULT_PROFILE, shell_complete=completion.profiles)
@click.option(
    "--page",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write a page that explains every requirement; give PROFILE in place of an id.",
)
def explain(requirement: str | None, profile: str, page: Path | None) -> int:
    """Explain a requirement, and how to fix it.

    Shows where the requirement ID comes from, why clients need it, which faults break it, and how to fix them.
    """
    from conformance.commands.explain import explain_requirement, write_page

    if page is not None:
        return exit_status(lambda: write_page(requirement or profile, page))
    if requirement is None:
        return print_error("explain needs the id of a requirement, or --page FILE.", USAGE)
    return exit_status(lambda: explain_requirement(requirement, profile))


_PUBLIC_KEY = click.option(
    "--public-key",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The ed25519 public key (PEM) that the signature must match.",
)
_REVOCATIONS = click.option(
    "--revocations",
    metavar="PLACE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A folder, or a file, of revocations that the issuer published; may be given several times. Beside the"
    " certificate is always looked.",
)


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@_PUBLIC_KEY
@_REVOCATIONS
@click.option(
    "--require-tier",
    metavar="TIER",
    type=click.Choice(["smoke", "standard", "exhaustive", "load"]),
    help="Refuse a run of a tier that does not include this one.",
)
@click.option(
    "--challenge",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Refuse a run that was not made for this challenge (`chat-conformance challenge`).",
)
@click.option(
    "--challenge-key",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The certifier's ed25519 public key (PEM), by which the challenge must be signed.",
)
@click.option("--no-waivers", is_flag=True, help="Refuse a run that was judged with waivers.")
@click.option(
    "--require-all", is_flag=True, help="Refuse a run that leaves out what the target's own answers do not refuse."
)
@click.option("--target", metavar="URL", help="Refuse a run against another base URL.")
@click.option("--not-before", metavar="DATE", help="Refuse a run that started before this day (2026-11-29, in UTC).")
@click.option("--not-after", metavar="DATE", help="Refuse a run that started after this day.")
@confinement_options
def verify(
    bundle: Path, public_key: Path | None, *, revocations: tuple[Path, ...], memory: int, seconds: int, **demanded: Any
) -> int:
    """Check a certification bundle, or a certificate, and say what it shows.

    Of a BUNDLE, checks its files, statement and signature, makes its plan again, and judges its evidence again: every
    request, outcome and report must be the same. Of a certificate (`certify`), checks its signature, that it has not
    expired, and that nobody revoked it; options other than --public-key and --revocations are for bundles.

    Exit status: 0 valid, 1 not valid or less than is demanded (the message names the problem), 2 wrong usage.
    """
    from conformance.bundle.confinement import Bounds
    from conformance.commands.verify import (
        challenge_of,
        demands_of,
        is_certificate,
        verify_bundle,
        verify_certificate,
    )
    from conformance.terminal.exits import UsageFailure

    def verified() -> int:
        challenge = challenge_of(demanded["challenge"], demanded["challenge_key"])
        if is_certificate(bundle):
            if any(demanded.values()):
                raise UsageFailure(f"{bundle} is a certificate; give --public-key and --revocations only.")
            return verify_certificate(bundle, public_key, revocations)
        if revocations:
            raise UsageFailure("--revocations is for certificates, and this is not one.")
        return verify_bundle(bundle, public_key, demands_of(demanded), Bounds(memory, seconds), challenge)

    return exit_status(verified)


@click.command()
@click.option("--for", "issued_for", metavar="NAME", required=True, help="Whose deployment is to be judged.")
@click.option(
    "--valid", metavar="TIME", default="48h", show_default=True, help="How long it holds: minutes (90m), hours or days."
)
@click.option(
    "--sign",
    metavar="KEY",
    required=True,
    type=click.Path(path_type=Path),
    help="Sign it with this ed25519 private key (PEM).",
)
@click.option("--out", metavar="FILE", required=True, type=click.Path(path_type=Path), help="Where to write it.")
def challenge(*, issued_for: str, valid: str, sign: Path, out: Path) -> int:
    """Write a signed challenge for a certification.

    A run that is made for it (`run --challenge`) sends requests that nobody could know before, and `verify --challenge`
    holds its bundle to that.
    """
    from conformance.commands.challenge import make_challenge

    return exit_status(lambda: make_challenge(issued_for, valid, sign, out))


@click.command()
@click.argument("results", type=click.Path(path_type=Path))
@click.option(
    "--out", metavar="DIR", type=click.Path(path_type=Path), help="Where to write them.  [default: beside RESULTS]"
)
@_PUBLIC_KEY
@_REVOCATIONS
def badge(results: Path, out: Path | None, public_key: Path | None, revocations: tuple[Path, ...]) -> int:
    """Write the badge of a run, or of a certificate, as JSON and SVG.

    RESULTS is a results.json file, the directory that a run wrote, or a certificate: its badge says until when it
    holds, or that it expired or was revoked. badge.json is for a shields.io endpoint badge.
    """
    from conformance.commands.badge import write_badge

    return exit_status(lambda: write_badge(results, out, public_key, revocations))


@click.command()
@click.argument("run", required=False, type=click.Path(path_type=Path))
@click.option(
    "--client",
    metavar="NAME",
    multiple=True,
    shell_complete=completion.clients,
    help="Only this client; may be given several times.  [default: all that are installed]",
)
@click.option("--install", is_flag=True, help="Install the clients first, each in an environment of its own.")
@click.option("--list", "lists", is_flag=True, help="List the clients, and whether they are installed.")
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Where to write clients.json and the page that shows it.  [default: RUN]",
)
@click.option(
    "--speed",
    type=click.FloatRange(0, min_open=True),
    metavar="X",
    help="Answer in the recorded timing, X times as fast.  [default: without waits]",
)
@click.option("--quirks", is_flag=True, help="Try the settings of each client that does not understand everything.")
@click.option("--predict", is_flag=True, help="Run no client: say by the lab's table which of them break.")
def clients(run: Path | None, **options: Any) -> int:
    """Let real clients read the recorded answers of a run.

    RUN is the directory that a run wrote. Nothing is sent to the target: a server on loopback answers with the recorded
    bytes. Exit status: 0 if every client understood everything, 1 if one broke or understood otherwise, 2 wrong usage,
    3 if a client could not be run to its end.
    """
    from conformance.commands.clients import ClientOptions, show_clients

    return exit_status(lambda: show_clients(run, ClientOptions(**options)))


COMMANDS = (init, diff, matrix, explain, challenge, verify, badge, clients)
