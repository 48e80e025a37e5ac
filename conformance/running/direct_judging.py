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
from conformance.suite.marks import EXPECT, REQUIREMENT


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

    def of(self, names: Iterable[str]) -> dict[str, Any]:
        """The values for these names, in the order in which pytest would set them up."""
        return {name: self._value(name) for name in names}

    def _value(self, name: str) -> Any:
        if name not in self.values:
            fixture = self.item._fixtureinfo.name2fixturedefs[name][-1]
            self.values[name] = fixture.func(**self.of(fixture.argnames))
        return self.values[name]


def judged(item: pytest.Function) -> Judgement:
    """What a test says of its requirement, by the observations in the configuration's stash.

    Raises:
        Exception: whatever the test raises, other than that it cannot judge: a defect of the suite.
    """
    expect = item.stash[EXPECT] = Expect(item.stash[REQUIREMENT])
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    arguments = _Arguments(item, {"request": _Request(item, item.config), **parameters})
    try:
        item.obj(**arguments.of(item._fixtureinfo.argnames))
    except CANNOT_JUDGE as error:
        return conclude(expect, error)
    return conclude(expect, None)
