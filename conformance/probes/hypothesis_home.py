"""Where Hypothesis may keep its tables of characters between runs: never the working directory."""

from __future__ import annotations

import os
from pathlib import Path


def keep_no_files_here() -> None:
    """Let Hypothesis write to the user's cache, as far as it writes at all."""
    from hypothesis.configuration import set_hypothesis_home_dir  # noqa: PLC0415 - takes half a second to load

    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    set_hypothesis_home_dir(Path(base) / "chat-conformance" / "hypothesis")
