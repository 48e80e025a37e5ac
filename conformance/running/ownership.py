"""Lets one run at a time write to a directory."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
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
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        release = _lock(out / LOCK)
    except BlockingIOError:
        raise TargetError(
            f"another run is writing to {out}; wait until it has ended, or choose another directory."
        ) from None
    except OSError as error:
        raise TargetError(f"{out} cannot be written to ({error.strerror}); choose another --out.") from error
    try:
        yield
    finally:
        release()
        _remove_unused(made)


def _lock(path: Path) -> Callable[[], object]:
    """Lock a file; gives what releases the lock.

    Raises:
        BlockingIOError: somebody else holds it.
        OSError: the file cannot be opened.
    """
    try:
        import fcntl
    except ImportError:
        return _lock_without_fcntl(path)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return lambda: os.close(descriptor)


def _lock_without_fcntl(path: Path) -> Callable[[], object]:
    """The same with a library: it costs 40 ms, and then some at each event that Python audits."""
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise BlockingIOError from None
    return lock.release


def _remove_unused(made: list[Path]) -> None:
    """Remove the folders that were made for a run which wrote nothing."""
    if made and [path.name for path in made[0].iterdir()] == [LOCK]:
        (made[0] / LOCK).unlink()
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()
