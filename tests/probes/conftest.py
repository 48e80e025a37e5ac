"""The contracts that plans are made for."""

from __future__ import annotations

import pytest
from planning_samples import OWN, PROFILES, write_own_document

from conformance.contract import Contract, load_contract


@pytest.fixture(scope="session", params=[*PROFILES, OWN])
def contract(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Contract:
    """Each shipped contract, and a user's own document."""
    if request.param == OWN:
        return load_contract(str(write_own_document(tmp_path_factory.mktemp("own"))))
    return load_contract(request.param)
