"""The keys under which the plugin hands the run to the tests."""

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
