"""Lets one run at a time write to a directory."""

from __future__ import annotations

import contextlib
import errno
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
        release = _locked(out / LOCK)
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


def _locked(path: Path) -> Callable[[], None]:
    """Lock a file, which is created if it does not exist; returns what releases it.

    filelock takes the same lock, but is told of every file that the process then opens and every module that it
    imports: a twentieth of a short run's time. So it is only there for systems that have no such lock.

    Raises:
        BlockingIOError: another process holds the lock.
        OSError: the file cannot be opened or locked.
    """
    try:
        from fcntl import LOCK_EX, LOCK_NB, flock
    except ImportError:
        return _locked_elsewhere(path)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    try:
        flock(file, LOCK_EX | LOCK_NB)
    except OSError as error:
        os.close(file)
        if error.errno == errno.ENOSYS:  # a file system without locks
            return _locked_elsewhere(path)
        if error.errno == errno.EACCES:  # another one that says so of a lock which is held
            raise BlockingIOError from error
        raise
    return lambda: os.close(file)


def _locked_elsewhere(path: Path) -> Callable[[], None]:
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise BlockingIOError from error
    return lock.release


def _remove_unused(made: list[Path]) -> None:
    """Remove the folders that were made for a run which wrote nothing."""
    if made and [path.name for path in made[0].iterdir()] == [LOCK]:
        (made[0] / LOCK).unlink()
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()
