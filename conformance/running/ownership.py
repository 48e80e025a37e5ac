"""Lets one run at a time write to a directory."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from conformance.targets import TargetError

LOCK = ".lock"
"""The file that is locked. It stays when the run ends: the lock counts, and the system drops that of a dead process."""


@contextlib.contextmanager
def owned(out: Path) -> Iterator[None]:
    """Own a run's directory, which is created if it does not exist, as long as the context lasts.

    Where it was created and nothing was written into it, it is removed again.

    Raises:
        TargetError: another run writes to it, or it cannot be written to.
    """
    from filelock import FileLock, Timeout

    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = FileLock(out / LOCK, timeout=0)
        lock.acquire()
    except Timeout:
        raise TargetError(
            f"another run is writing to {out}; wait until it has ended, or choose another directory."
        ) from None
    except OSError as error:
        raise TargetError(f"{out} cannot be written to ({error.strerror}); choose another --out.") from error
    try:
        yield
    finally:
        lock.release()
        _remove_unused(made)


def _remove_unused(made: list[Path]) -> None:
    """Remove the folders that were made for a run which wrote nothing."""
    if made and [path.name for path in made[0].iterdir()] == [LOCK]:
        (made[0] / LOCK).unlink()
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()
