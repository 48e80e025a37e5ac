"""Collects the suite's own modules and functions by their names, whatever a user's ini file says of theirs."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

import conformance.suite

SUITE = Path(conformance.suite.__file__).resolve().parent
_PREFIX = "test_"


class SuiteModule(pytest.Module):
    """A module of the suite: its tests begin with `test_`, also where `python_functions` says otherwise."""

    def funcnamefilter(self, name: str) -> bool:
        """Whether a function is a test."""
        return name.startswith(_PREFIX)


def is_suite_module(path: Path) -> bool:
    """Whether a file is one of the suite's test modules."""
    return path.suffix == ".py" and path.name.startswith(_PREFIX) and path.resolve().parent == SUITE


def is_of_suite(path: Path) -> bool:
    """Whether a file or folder is the suite, or in it."""
    resolved = path.resolve()
    return resolved == SUITE or SUITE in resolved.parents


class SuiteCollection:
    """The hooks that collect the suite."""

    @pytest.hookimpl(wrapper=True)
    def pytest_collect_file(
        self, file_path: Path, parent: pytest.Collector
    ) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
        """Collect a module of the suite that a user's `python_files` leaves out."""
        collected = yield
        if not is_suite_module(file_path) or any(isinstance(one, SuiteModule) for one in collected):
            return collected
        return [*collected, SuiteModule.from_parent(parent, path=file_path)]

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makemodule(self, module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
        """Make a module of the suite ours."""
        if not is_suite_module(module_path):
            return None
        module: pytest.Module = SuiteModule.from_parent(parent, path=module_path)
        return module
