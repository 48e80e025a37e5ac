"""What ties a test to the run: the mark that names its requirement and probes, and the stash keys of the plugin."""

from __future__ import annotations

import pytest

from conformance.contract import Contract
from conformance.contract.model import Requirement
from conformance.suite.expect import Expect
from conformance.suite.observations import Observations

CONTRACT = pytest.StashKey[Contract]()
OBSERVATIONS = pytest.StashKey[Observations]()
REQUIREMENT = pytest.StashKey[Requirement]()
PROBES = pytest.StashKey[tuple[str, ...]]()
EXPECT = pytest.StashKey[Expect]()
DECLARED = "declared"
"""What the mark names in place of an id where a test judges every row that declares the example that decides it."""


def requirement(requirement_id: str, *probes: str) -> pytest.MarkDecorator:
    """Mark a test: it judges this requirement by the answers to these probes (names, or globs of names)."""
    return pytest.mark.requirement(requirement_id, probes=probes)


def keywords(location: str | tuple[str, ...], *probes: str) -> pytest.MarkDecorator:
    """Mark a test that judges, one by one, every requirement derived from the schemas at a location, or at several.

    `location` is a prefix of `Keyword.location`: `request`, `path`, `query`, `header`, `cookie`, `completion`,
    `stream.chunk` or `error`. In the probes' names, `{id}` stands for the requirement's id.
    """
    return pytest.mark.keywords(location, probes=probes)
