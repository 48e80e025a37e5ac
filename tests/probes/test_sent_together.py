"""Requests that are unusual in how they are sent are combined, and sent apart where the combined one is not served."""

from __future__ import annotations

import gzip
from dataclasses import replace

import pytest
from exchange_samples import exchange
from planning_samples import TARGET
from shipped_contracts import shipped_contract

from conformance.contract.model import Tier
from conformance.probes import Plan, Probe, plan
from conformance.probes.sent_together import TOGETHER
from conformance.targets import Target
from conformance.targets.reach import Reach
from conformance.wire.schedule import is_taken_apart

DOCUMENT = b'{"choices": []}'
CODED = (("Content-Encoding", "gzip"),)
BY_PROXY = replace(TARGET, reach=Reach(proxy="http://127.0.0.1:8"))


def planned(target: Target, *needs: str) -> Plan:
    return plan(shipped_contract("openai"), target, needs, Tier.STANDARD)


def together(target: Target = TARGET) -> list[Probe]:
    return [probe for probe in planned(target, "[!g]*").probes if probe.name.startswith(TOGETHER)]


def test_each_of_a_group_is_in_the_combined_request_and_nowhere_else() -> None:
    served, _ = together()
    (upper,) = planned(TARGET, "client/upper-case-fields").probes
    assert upper in served.instead
    assert (served.field_names, served.body) == (upper.field_names, upper.body)
    assert upper.name not in [probe.name for probe in planned(TARGET, "[!g]*").probes]


def test_what_a_proxy_would_keep_back_keeps_nothing_else_back() -> None:
    assert [one.script for one in together(BY_PROXY)] == [None, None]
    assert "robustness/chunked" in [probe.name for probe in planned(BY_PROXY, "[!g]*").probes]


@pytest.mark.parametrize(
    ("status", "headers", "body", "apart"),
    [
        (200, (), DOCUMENT, False),
        (200, CODED, gzip.compress(DOCUMENT, mtime=0), False),
        (403, (), DOCUMENT, True),
        (200, (), b"<html>", True),
        (200, CODED, DOCUMENT, True),
        (200, CODED, gzip.compress(DOCUMENT, mtime=0)[:-4], True),
        (200, CODED, gzip.compress(DOCUMENT, mtime=0)[:-8] + bytes(8), True),
        (200, (("Content-Encoding", "unknown"),), DOCUMENT, True),
    ],
)
def test_it_is_taken_apart_unless_a_document_came(
    status: int, headers: tuple[tuple[str, str], ...], body: bytes, apart: bool
) -> None:
    last = exchange(body, headers=headers)
    assert last.answer is not None
    assert is_taken_apart(together()[0], replace(last, answer=replace(last.answer, status=status))) is apart
