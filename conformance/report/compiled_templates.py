"""Keeps compiled templates beside Python's own bytecode: compiling them takes a tenth of a short run's time."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib.util import cache_from_source
from pathlib import Path

import jinja2
from jinja2.bccache import Bucket


class CompiledTemplates(jinja2.FileSystemBytecodeCache):
    """A cache that is filled where the folder can be written to, and passed over where it cannot."""

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take what was kept, if it can be read."""
        with suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled, if possible."""
        # In a read-only installation, or with a full disk, the template is compiled again in the next run.
        with suppress(OSError):
            Path(self.directory).mkdir(parents=True, exist_ok=True)
            super().dump_bytecode(bucket)


def compiled_templates(templates: Path) -> CompiledTemplates | None:
    """The cache for a folder of templates, where Python would keep the bytecode of modules that stand there.

    None where Python keeps none (`PYTHONDONTWRITEBYTECODE`).
    """
    if sys.dont_write_bytecode:
        return None
    folder = Path(cache_from_source(str(templates / "template.py"))).parent
    return CompiledTemplates(str(folder), f"%s.{sys.implementation.cache_tag}.jinja")
