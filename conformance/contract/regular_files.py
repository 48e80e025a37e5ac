"""Reads files that a user names: regular ones, and of no more than some size."""

from __future__ import annotations

import os
import stat
from pathlib import Path

LARGEST_DOCUMENT = 16 * 1024 * 1024
"""Bytes of the largest document; the published one of OpenAI's whole API has a fifth of that."""
LARGEST_CONFIGURATION = 1024 * 1024
LARGEST_CERTIFICATES = 4 * 1024 * 1024
"""Bytes of a file of certificates or keys; all that browsers trust together have a fifteenth of that."""


class UnreadableError(Exception):
    """A file cannot be read; the message completes "the file cannot be read because …"."""


def read_regular_file(path: Path, largest: int) -> bytes:
    """The bytes of a file, `largest` at most. A pipe or device is not opened for long, let alone read.

    Raises:
        FileNotFoundError: there is no such file.
        UnreadableError: it is not a regular file, is larger, or the system refuses to read it.
    """
    try:
        # Without O_NONBLOCK, opening a pipe would wait for somebody to write into it.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnreadableError((error.strerror or str(error)).lower()) from error
    except ValueError as error:
        raise UnreadableError("its name has a NUL in it") from error
    try:
        kind = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(kind):
            raise UnreadableError("it is a directory" if stat.S_ISDIR(kind) else "it is not a regular file")
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(largest + 1)
    except OSError as error:
        raise UnreadableError((error.strerror or str(error)).lower()) from error
    finally:
        os.close(descriptor)
    if len(content) > largest:
        raise UnreadableError(f"it is larger than {largest // 1024**2} MB, the most that is read")
    return content
