"""Hostile targets of every kind: the verdict is right, nothing hangs or breaks, and little is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import judge
from hostile_targets import KINDS, serving

from conformance.contract.model import Tier
from conformance.targets import Limits

pytestmark = [pytest.mark.network, pytest.mark.slow]

MEGABYTE = 1_000_000
SMALL = Limits(
    first_byte_timeout=0.5,
    idle_timeout=0.5,
    deadline=1.0,
    max_body=MEGABYTE,
    max_bodies=6 * MEGABYTE,
    small_body=16_000,
    max_lines=2000,
    retry_after_limit=0.0,
)
"""The usual limits, but each of them small: what is a bound of seconds and megabytes there is one here."""
EXIT = {"nonconformant": 1, "inconclusive": 3}
MOST_WRITTEN = 20 * MEGABYTE


SOME_KINDS = list(KINDS)[::3]
"""Of the kinds, which are ordered by what they do, every third; benchmarks/hostile/measure.py runs all of them."""


@pytest.mark.parametrize("name", SOME_KINDS)
def test_a_hostile_target_is_judged_within_bounds(name: str, tmp_path: Path) -> None:
    kind = KINDS[name]
    with serving(name) as url:
        judged = judge(tmp_path, base_url=url, tier=Tier.SMOKE, limits=SMALL)
    assert (judged.status, judged.document["verdict"]) == (EXIT[kind.outcome], kind.outcome)
    broken = {name for name, outcome in judged.outcomes.items() if outcome in {"failed", "warning"}}
    assert {one for one in kind.breaks if one in judged.outcomes} <= broken
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) < MOST_WRITTEN


NOT_HTTP = {
    "http-0.9": "transport.status-line",
    "http2-frames": "transport.status-line",
    "noise": "transport.status-line",
    "nul-in-value": "transport.field-lines",
    "unknown-coding": "transport.transfer-coding",
    "close-in-head": "transport.body-complete",
    "reset-in-head": "transport.body-complete",
}


@pytest.mark.parametrize(("name", "requirement"), NOT_HTTP.items(), ids=NOT_HTTP)
def test_what_is_no_http_is_the_one_finding_and_blocks_the_rest(name: str, requirement: str, tmp_path: Path) -> None:
    with serving(name) as url:
        judged = judge(tmp_path, base_url=url, limits=SMALL)
    assert judged.status == 1
    assert judged.musts("failed") == sorted([requirement, "completion.served"], key=[*judged.outcomes].index)
    rest = {row["blocked_by"] for row in judged.document["requirements"] if row["outcome"] == "blocked"}
    assert rest == {requirement}
    assert set(judged.outcomes.values()) == {"failed", "blocked"}
    assert judged.document["exchanges"]["count"] == 3
    (first, *_) = judged.row(requirement)["findings"]
    recorded = (tmp_path / "evidence" / "exchanges.jsonl").read_text().splitlines()[1:-1]
    heads = {line["id"]: line["head"] for line in map(json.loads, recorded)}
    assert heads[first["exchange"]]
    again = judge(tmp_path / "again", replay=tmp_path)
    assert again.outcomes == judged.outcomes


def test_one_head_that_broke_off_is_no_end_of_the_run(tmp_path: Path) -> None:
    with serving("first-head-breaks") as url:
        judged = judge(tmp_path, base_url=url, tier=Tier.SMOKE, limits=SMALL)
    assert judged.outcomes["transport.body-complete"] == "failed"
    assert judged.document["exchanges"]["count"] > 5
    assert judged.document["preflight"]["problem"] is None


@pytest.mark.parametrize("name", ["tls-alert", "closed-at-once", "reset-at-once", "silence"])
def test_a_target_without_a_byte_of_http_accuses_nobody(name: str, tmp_path: Path) -> None:
    with serving(name) as url:
        judged = judge(tmp_path, base_url=url, limits=SMALL, preflight=False)
    assert judged.status == 3
    assert not {"failed", "warning"} & set(judged.outcomes.values())
