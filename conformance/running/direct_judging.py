"""Judges by a collected test without pytest's protocol around it: the lab runs each test thousands of times.

The tests of the suite are functions of what was observed, and their fixtures only read it: nothing is set up that would
have to be torn down. So a test can be called with what its fixtures give, which takes a third of the time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from conformance.suite.expect import CANNOT_JUDGE, Expect, Judgement, conclude
from conformance.suite.marks import EXPECT, PROBES, REQUIREMENT

Shared = dict[tuple[str, tuple[str, ...]], Any]
"""What fixtures gave, by their names and by the probes of the tests that asked."""
_SAME_FOR_ALL = frozenset({"contract", "observations", "readers", "probes", "completions", "streams"})
"""The fixtures that give the same to every test with the same probes: they say nothing to `expect`."""


@dataclass(frozen=True, slots=True)
class _Request:
    """What a fixture of the suite may ask pytest for."""

    node: pytest.Function
    config: pytest.Config


@dataclass(slots=True)
class _Arguments:
    """The arguments of one call of a test: each fixture gives its value once.

    Which fixtures a test has is known to pytest alone, and it has no public way to ask.
    """

    item: pytest.Function
    values: dict[str, Any] = field(default_factory=dict)
    shared: Shared | None = None

    def of(self, names: Iterable[str]) -> dict[str, Any]:
        """The values for these names, in the order in which pytest would set them up."""
        return {name: self._value(name) for name in names}

    def _value(self, name: str) -> Any:
        if name in self.values:
            return self.values[name]
        if self.shared is None or name not in _SAME_FOR_ALL:
            return self.values.setdefault(name, self._made(name))
        key = (name, self.item.stash[PROBES])
        if key not in self.shared:
            self.shared[key] = self._made(name)
        return self.shared[key]

    def _made(self, name: str) -> Any:
        fixture = self.item._fixtureinfo.name2fixturedefs[name][-1]
        return fixture.func(**self.of(fixture.argnames))


def judged(item: pytest.Function, shared: Shared | None = None) -> Judgement:
    """What a test says of its requirement, by the observations in the configuration's stash.

    `shared` has what fixtures gave to other tests for the same observations, and is given more.

    Raises:
        Exception: whatever the test raises, other than that it cannot judge: a defect of the suite.
    """
    expect = item.stash[EXPECT] = Expect(item.stash[REQUIREMENT])
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    arguments = _Arguments(item, {"request": _Request(item, item.config), **parameters}, shared)
    try:
        item.obj(**arguments.of(item._fixtureinfo.argnames))
    except CANNOT_JUDGE as error:
        return conclude(expect, error)
    return conclude(expect, None)
