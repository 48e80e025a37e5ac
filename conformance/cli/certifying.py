"""The commands of who certifies, and of who wants a finding fixed: `certify` and `issue`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from conformance.cli.confinement_options import confinement_options
from conformance.terminal.exits import exit_status

_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("bundles", metavar="[BUNDLE]...", nargs=-1, type=_FILE)
@click.option("--policy", metavar="NAME_OR_FILE", default="standard", show_default=True, help="What is demanded.")
@click.option("--subject", metavar="FILE", type=_FILE, help="Who is certified (YAML); --renew takes the old one's.")
@click.option("--issuer", metavar="NAME", help="Who certifies.")
@click.option("--key", metavar="FILE", type=_FILE, help="Sign with this ed25519 private key (PEM) of the issuer.")
@click.option(
    "--ran-by",
    type=click.Choice(["vendor", "certifier"]),
    default="vendor",
    show_default=True,
    help="Who made the runs; bundles of the certifier must be signed with --key.",
)
@click.option(
    "--bundle-key",
    metavar="FILE",
    type=_FILE,
    help="The public key (PEM) that the signature of each bundle must match.",
)
@click.option("--challenge", metavar="FILE", type=_FILE, help="The challenge that each run must have been made for.")
@click.option(
    "--challenge-key",
    metavar="FILE",
    type=_FILE,
    help="The public key by which the challenge must be signed.  [default: that of --key]",
)
@click.option("--renew", metavar="CERTIFICATE", type=_FILE, help="Issue the one that follows this certificate.")
@click.option(
    "--revoke", metavar="CERTIFICATE", type=_FILE, help="Take this certificate back; needs --reason and --key."
)
@click.option("--reason", metavar="TEXT", help="Why it is taken back; it is published.")
@click.option(
    "--revocations",
    metavar="PLACE",
    multiple=True,
    type=_FILE,
    help="With --renew: a further folder, or file, of revocations; may be given several times.",
)
@click.option("--out", metavar="DIR", type=_FILE, help="Where to write certificate, page and badges.")
@confinement_options
def certify(bundles: tuple[Path, ...], **given: Any) -> int:
    """Issue a certificate for agreeing runs, renew one, or revoke one.

    Verifies each BUNDLE as `verify` does, holds the runs to the policy and to each other, and writes certificate.json,
    certificate.html (one sheet of A4) and its badges to --out. Every reason that speaks against it is printed with its
    name.

    Exit status: 0 certified (or revoked), 1 not certified, 2 wrong usage.
    """
    from conformance.commands.certify import issue_certificate, options_of, revoke_certificate, revoking

    def certified() -> int:
        if given["revoke"] is not None:
            return revoke_certificate(*revoking(bundles, given))
        return issue_certificate(options_of(bundles, given))

    return exit_status(certified)


@click.command()
@click.argument("run", type=_FILE)
@click.option("--requirement", metavar="ID", required=True, help="The broken requirement that it is about.")
@click.option("--out", metavar="FILE", type=_FILE, help="Write it to this file.  [default: print it]")
def issue(run: Path, requirement: str, out: Path | None) -> int:
    """Write an issue about a finding, for the tracker of who can fix it.

    RUN is the directory that a run wrote. The issue is Markdown: what is required and where that is said, what came,
    the smallest command that shows it, what breaks, how to fix it, and the versions. What the target sent can mention
    nobody in it, link nothing, and hide nothing; keys in the environment, and what looks like a key, are masked.
    """
    from conformance.commands.issue import write_issue

    return exit_status(lambda: write_issue(run, requirement, out))


CERTIFYING = (certify, issue)
