"""Bundles of three smoke runs, made once; each is judged once in this process, however often registries are built."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from registries import Bundles, Folder, make_bundles

from conformance.bundle import reexamination
from conformance.bundle.confinement import Bounds
from conformance.bundle.manifest import file_digest
from conformance.bundle.reexamined import Reexamined
from conformance.bundle.reexamining import reexamined as in_this_process
from conformance.registry import judging


@pytest.fixture(scope="session", autouse=True)
def _no_variables_of_ours() -> Iterator[None]:
    before = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("CONFORMANCE_")}
    yield
    os.environ.update(before)


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    return make_bundles(tmp_path_factory.mktemp("bundles"))


class AtOnce:
    """Like a pool of threads, but does all work where it is given: the suite is judged in the main thread."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def __enter__(self) -> AtOnce:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, work: Callable[..., Any], *arguments: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(work(*arguments))
        return done


_known: dict[tuple[str, tuple[bytes, ...]], Reexamined] = {}


@pytest.fixture(autouse=True)
def judged(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The bundles that a test had judged; each is judged in this process, and once for all tests."""
    asked: list[Path] = []
    if request.node.get_closest_marker("process") is not None:
        return asked

    def known(path: Path, keys: tuple[Path, ...], bounds: Bounds) -> Reexamined:
        asked.append(path)
        of = file_digest(path), tuple(key.read_bytes() for key in keys)
        if of not in _known:
            _known[of] = reexamination.reexamined(path, keys, bounds)
        return _known[of]

    monkeypatch.setattr(reexamination, "confined", lambda _, asked, __: (in_this_process(asked), 0.0))
    monkeypatch.setattr(judging, "reexamined", known)
    monkeypatch.setattr(judging, "ThreadPoolExecutor", AtOnce)
    return asked


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """An empty folder of a registry, and the place of its site."""
    return Folder(tmp_path / "registry", tmp_path / "site")
