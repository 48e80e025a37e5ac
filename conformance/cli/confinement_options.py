"""The options of what plans and judges bundles that may be hostile: the bounds of memory and time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

_OPTIONS = (
    click.option(
        "--memory",
        metavar="MIB",
        type=click.IntRange(64),
        default=236,
        show_default=True,
        help="Data that planning, and judging, may hold in memory.",
    ),
    click.option(
        "--seconds",
        metavar="S",
        type=click.IntRange(1),
        default=30,
        show_default=True,
        help="Processor time that planning and judging a bundle may take together.",
    ),
)


def confinement_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, in their order."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
