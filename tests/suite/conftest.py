"""Runs of the embedded reference that several tests look at, and an environment without variables of ours."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import CLI, Judged, Run, call, judge

ReferenceRun = Callable[[str], tuple[Path, Judged]]


@pytest.fixture(autouse=True)
def _no_variables_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CONFORMANCE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run `chat-conformance ARGUMENTS` in an empty folder and a process of its own."""
    return lambda *arguments, **environ: call((*CLI, *arguments), tmp_path, **environ)


@pytest.fixture(scope="session")
def reference_run(tmp_path_factory: pytest.TempPathFactory) -> ReferenceRun:
    """The one standard run of a profile's embedded reference: where it wrote, and what it came to."""
    known: dict[str, tuple[Path, Judged]] = {}

    def get(profile: str) -> tuple[Path, Judged]:
        if profile not in known:
            out = tmp_path_factory.mktemp(profile)
            known[profile] = out, judge(out, profile)
        return known[profile]

    return get
