"""How a command ends: its exit status, one sentence for bad input, and a traceback without keys for a defect."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator

import click

from conformance.quoting import log_line

USAGE, INCONCLUSIVE, SUITE_BROKE = 2, 3, 4
_SECRET = re.compile("KEY|TOKEN|SECRET|PASS|CREDENTIAL", re.IGNORECASE)
"""Names of variables that hold a secret: those that conformance.toml accepts for keys."""
_SHORTEST = 4
"""Shorter values of variables that are not ours are words that a text may contain for another reason."""


class UsageFailure(Exception):
    """A profile, target, waiver file, evidence or environment cannot be used; the message is one sentence."""


def print_error(sentence: str, status: int) -> int:
    """Print a sentence on standard error; returns the status."""
    click.echo(f"chat-conformance: {log_line(sentence)}", err=True)
    return status


def exit_status(command: Callable[[], int]) -> int:
    """Run a command and return its exit status; bad input is printed as one sentence."""
    try:
        with as_usage_failures():
            return command()
    except UsageFailure as failure:
        return print_error(str(failure), USAGE)


@contextlib.contextmanager
def as_usage_failures() -> Iterator[None]:
    """Turn the errors of bad input, wherever they come from, into one kind.

    Raises:
        UsageFailure: for each of them.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, _usage_errors()):
            raise UsageFailure(sentence(error)) from error
        if isinstance(error, OSError):
            raise UsageFailure(f"{error.filename or 'a file'}: {error.strerror or error}.") from error
        raise


def _usage_errors() -> tuple[type[Exception], ...]:
    """The errors of bad input; imported where something went wrong, since a run needs not all of their packages."""
    from conformance.compare import CompareError
    from conformance.contract import ContractError
    from conformance.evidence import EvidenceError
    from conformance.probes import ProbeError
    from conformance.reference import DeploymentError
    from conformance.report import ResultsError
    from conformance.suite.selection import SelectionError
    from conformance.targets import TargetError
    from conformance.wire import RequestError

    return (
        CompareError,
        ContractError,
        DeploymentError,
        EvidenceError,
        ProbeError,
        RequestError,
        ResultsError,
        SelectionError,
        TargetError,
    )


def sentence(error: Exception) -> str:
    """The message of an error on one line, with its full stop."""
    text = log_line(" ".join(str(error).split()))
    return text if text.endswith((".", "?", "!")) else f"{text}."


def without_keys(text: str) -> str:
    """A traceback without the secrets in our environment variables, in whatever encoding."""
    from conformance.evidence import Redactor

    return Redactor(secrets_around()).text(text)


def secrets_around() -> dict[str, str]:
    """The secrets in our environment variables, by the names of these."""
    return {name: value for name, value in os.environ.items() if _SECRET.search(name) and _is_secret(name, value)}


def _is_secret(name: str, value: str) -> bool:
    return bool(value.strip()) and (name.startswith("CONFORMANCE_") or len(value) >= _SHORTEST)
