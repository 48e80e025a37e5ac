"""Each body that is planned for a published document is what it is sent as, says another validator than its maker's."""

from __future__ import annotations

from pathlib import Path

import pytest
from bodies_checked_again import Independent
from own_documents import stored
from published_documents import PUBLISHED

from conformance.contract import Contract, load_contract
from conformance.contract.model import Tier
from conformance.probes import Plan, plan
from conformance.targets import Target

pytestmark = pytest.mark.slow


def planned(contract: Contract, tier: Tier) -> Plan:
    values = {one.name: one.default or one.demo or "a" for one in contract.parameters}
    target = Target("http://127.0.0.1:9", "a-key-of-the-target", "a-model", parameters=values)
    return plan(contract, target, ("*",), tier, generated=20)


@pytest.mark.parametrize("tier", [Tier.STANDARD, Tier.EXHAUSTIVE])
@pytest.mark.parametrize("name", PUBLISHED)
def test_no_body_is_wrong(tmp_path: Path, name: str, tier: Tier) -> None:
    contract = load_contract(stored(tmp_path, PUBLISHED[name]))
    independent = Independent(contract)
    assert list(independent.wrong(planned(contract, tier))) == []
    assert independent.checked > 10
    before = str(contract.document)
    assert before == str(load_contract(stored(tmp_path, PUBLISHED[name])).document)


def test_a_wrong_body_is_seen(tmp_path: Path) -> None:
    contract = load_contract(stored(tmp_path, PUBLISHED["messages that may be left out"]))
    other = load_contract(stored(tmp_path, PUBLISHED["a huge limit"], "other.yaml"))
    assert list(Independent(other).wrong(planned(contract, Tier.STANDARD)))


def test_a_huge_maximum_is_asked_for_in_the_exhaustive_tier_alone(tmp_path: Path) -> None:
    contract = load_contract(stored(tmp_path, PUBLISHED["a huge limit"]))
    assert planned(contract, Tier.STANDARD).worst_case_tokens < 5_000
    assert planned(contract, Tier.EXHAUSTIVE).worst_case_tokens > 2_000_000


def test_an_integer_is_sent_as_one_whatever_its_bound_is_written_like(tmp_path: Path) -> None:
    contract = load_contract(stored(tmp_path, PUBLISHED["a huge limit"]))
    probes = planned(contract, Tier.STANDARD).every_probe()
    (body,) = (probe.body for probe in probes if probe.name == "request.seed.maximum/honoured/at-maximum")
    assert (body["seed"], type(body["seed"])) == (4, int)
