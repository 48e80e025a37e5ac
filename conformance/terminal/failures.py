"""Which exceptions mean that a run was asked for in a way that cannot be done, and say so in one sentence."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


class UsageFailure(Exception):
    """A profile, a target, a waiver file, evidence or the environment is unusable; the message is one sentence."""


@contextlib.contextmanager
def as_usage_failures() -> Iterator[None]:
    """Turn the errors of bad input, wherever they come from, into one kind.

    Raises:
        UsageFailure: for each of them.
    """
    from conformance.compare import CompareError
    from conformance.contract import ContractError
    from conformance.evidence import EvidenceError
    from conformance.probes import ProbeError
    from conformance.reference import DeploymentError
    from conformance.report import ResultsError
    from conformance.suite.selection import SelectionError
    from conformance.targets import TargetError
    from conformance.wire import RequestError

    try:
        yield
    except (
        CompareError,
        ContractError,
        DeploymentError,
        EvidenceError,
        ProbeError,
        RequestError,
        ResultsError,
        SelectionError,
        TargetError,
    ) as error:
        raise UsageFailure(sentence(error)) from error
    except OSError as error:
        raise UsageFailure(f"{error.filename or 'a file'}: {error.strerror or error}.") from error


def sentence(error: Exception) -> str:
    """The message of an error on one line, with its full stop."""
    text = " ".join(str(error).split())
    return text if text.endswith((".", "?", "!")) else f"{text}."
