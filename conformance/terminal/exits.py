"""How a command ends: its exit status, and one sentence where something was wrong."""

from __future__ import annotations

from collections.abc import Callable

import click

USAGE, INCONCLUSIVE, SUITE_BROKE = 2, 3, 4
DEFAULT_PROFILE = "openai"


def say(sentence: str, status: int) -> int:
    """Tell a sentence on the error stream; returns the status."""
    click.echo(f"chat-conformance: {sentence}", err=True)
    return status


def told(command: Callable[[], int]) -> int:
    """What a command comes to; bad input as one sentence."""
    from conformance.terminal.failures import UsageFailure, as_usage_failures

    try:
        with as_usage_failures():
            return command()
    except UsageFailure as failure:
        return say(str(failure), USAGE)
