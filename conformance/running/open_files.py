"""Makes sure that the system lets this process open the files and connections of a run before it begins."""

from __future__ import annotations

import os
from contextlib import suppress

from conformance.running.run import RunSettings
from conformance.targets import TargetError

_OF_THE_SUITE = 24
"""Evidence, reports, locks, pipes, and modules that are loaded on the way."""


def check_open_files(settings: RunSettings, option: str = "--concurrency") -> None:
    """Open as many files as the run may need, and close them again. `option` is what lowers their number.

    Raises:
        TargetError: the system allows fewer.
    """
    ends = 0 if settings.replay is not None else 2 if settings.base_url is None else 1
    needed = _OF_THE_SUITE + ends * settings.limits.concurrency
    opened: list[int] = []
    try:
        while len(opened) < needed:
            opened.append(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        raise TargetError(
            f"this run needs up to {needed} open files, and the system allows only {len(opened)} more"
            f" (`ulimit -n` shows the limit); raise the limit, or lower {option}."
        ) from error
    finally:
        for descriptor in opened:
            with suppress(OSError):
                os.close(descriptor)
