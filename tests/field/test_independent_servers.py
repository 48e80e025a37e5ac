"""Legitimate deployments that share no code with the suite, each with other manners: none is accused of anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import judge
from independent_servers import independent

from conformance.contract import Tier

pytestmark = [pytest.mark.network, pytest.mark.process]

ALIKE = [
    ("threaded.py", "openai", "plain"),
    ("threaded.py", "loop-health", "terse"),
    ("threaded.py", "openai", "hidden"),
    ("raw_asyncio.py", "openai", "plain"),
    ("raw_asyncio.py", "kodexa", "plain"),
    pytest.param("server.mjs", "openai", "plain", marks=pytest.mark.node),
    pytest.param("server.mjs", "kodexa", "plain", marks=pytest.mark.node),
    pytest.param("server.mjs", "loop-health", "plain", marks=pytest.mark.node),
]
ACCUSATIONS = {"failed", "warning", "waived"}
UNDECIDED = {"inconclusive", "untested"}


@pytest.mark.parametrize(("server", "profile", "manner"), ALIKE)
def test_a_legitimate_deployment_is_conformant_without_a_warning(
    server: str, profile: str, manner: str, tmp_path: Path
) -> None:
    with independent(server, profile, manner) as url:
        judged = judge(tmp_path, profile, base_url=url)

    assert {name: outcome for name, outcome in judged.outcomes.items() if outcome in ACCUSATIONS} == {}
    if manner != "terse":  # A few words do not decide all that is a SHOULD.
        assert {name for name, outcome in judged.outcomes.items() if outcome in UNDECIDED} == set()
    assert judged.status == 0


def test_errors_of_another_kind_are_warned_of_where_the_document_describes_none(tmp_path: Path) -> None:
    with independent("raw_asyncio.py", "kodexa", "problem") as url:
        judged = judge(tmp_path, "kodexa", base_url=url)

    assert judged.status == 0
    assert {name for name, outcome in judged.outcomes.items() if outcome in ACCUSATIONS} == {
        "error.default.error.required",
        "error.envelope",
        "error.envelope-elsewhere",
    }


def test_events_of_another_kind_are_warned_of_where_the_document_describes_none(tmp_path: Path) -> None:
    with independent("server.mjs", "loop-health", "own-events") as url:
        judged = judge(tmp_path, "loop-health", base_url=url)

    accused = {name for name, outcome in judged.outcomes.items() if outcome in ACCUSATIONS}
    assert judged.status == 0
    assert {"stream.done-once", "stream.chunk.choices.required"} <= accused
    assert all(name.startswith("stream.") for name in accused)


def test_a_deployment_that_turns_callers_away_for_load_is_asked_again(tmp_path: Path) -> None:
    with independent("threaded.py", "loop-health", "busy") as url:
        judged = judge(tmp_path, "loop-health", base_url=url, tier=Tier.SMOKE)

    assert judged.status == 0
    assert judged.document["exchanges"]["count"] >= judged.document["exchanges"]["probes"]
