"""Writes a report's file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write bytes, or text in UTF-8, beside their place and move them there, so that no reader ever sees half of them.

    A missing folder is created, and a symbolic link is replaced and not followed. If writing fails, what was there
    before stays.

    Raises:
        OSError: the folder or the file cannot be written; it names `path`.
    """
    part: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        part = Path(name)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content if isinstance(content, bytes) else content.encode())
        # mkstemp makes files that only their owner can read; a report is for others as well.
        part.chmod(0o666 & ~_umask())
        part.replace(path)
    except OSError as error:
        # A full disk names no file, and nobody knows the temporary one.
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def _umask() -> int:
    # The process's mask can only be read by setting it.
    mask = os.umask(0)
    os.umask(mask)
    return mask
