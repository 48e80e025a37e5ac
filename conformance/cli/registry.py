"""The command that makes the site of a registry, with its options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from conformance.cli.confinement_options import confinement_options
from conformance.terminal.exits import exit_status

_PATH = click.Path(path_type=Path)


@click.group()
def registry() -> None:
    """Publish who keeps which contract, from a folder of bundles and certificates."""


@registry.command()
@click.argument("folder", metavar="DIR", type=_PATH)
@click.option("--out", metavar="DIR", type=_PATH, required=True, help="Where to write the site.")
@click.option(
    "--cache",
    metavar="DIR",
    type=_PATH,
    help="Where to keep what was judged, so that the next build judges only what is new.  [default: --out with .cache]",
)
@click.option(
    "--workers", type=click.IntRange(1, 256), help="Bundles judged at once.  [default: as many as processors]"
)
@click.option("--strict", is_flag=True, help="Exit with 1 where a file could not be taken; the site is written.")
@confinement_options
def build(folder: Path, *, memory: int, seconds: int, **given: Any) -> int:
    """Build a static site from the bundles and certificates in DIR.

    Bundles stand in DIR/VENDOR/[PRODUCT/]VERSION/NAME.zip. Each is verified and judged again, as it was recorded and by
    the newest release of its profile, unless this program did so before. The site needs no server: who passes what
    since when, what breaks clients, a page for each vendor, requirement and run, certificates, badges, a feed, and why
    each verdict changed. What cannot be taken stops nothing, and is named.

    Exit status: 0 built, 1 with --strict where a file was not taken, 2 wrong usage, 3 stopped (the same command goes
    on).
    """
    from conformance.bundle.confinement import Bounds
    from conformance.commands.registry import RegistryOptions, build_registry

    options = RegistryOptions(bounds=Bounds(memory, seconds), **given)
    return exit_status(lambda: build_registry(folder, options))
