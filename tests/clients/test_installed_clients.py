"""The real clients that are installed here understand the reference, and break where it is known that they do."""

from __future__ import annotations

from pathlib import Path

import pytest
from client_samples import CHUNKS, chunk, scenario, stream
from command_line import judge

from conformance.clients.catalogue import Client, shipped_clients
from conformance.clients.environments import environment_of
from conformance.clients.evidence_of_run import read_run
from conformance.clients.scenarios import Chosen
from conformance.clients.session import Session
from conformance.contract import Tier
from conformance.report.client_results import ClientResult, Understanding

pytestmark = [pytest.mark.clients, pytest.mark.slow]


def installed() -> list[Client]:
    return [one for one in shipped_clients() if not isinstance(environment_of(one), str)]


def named(name: str) -> Client:
    found = [one for one in installed() if one.name == name]
    return found[0] if found else pytest.skip(f"{name} is not installed")


def test_every_installed_client_understands_all_that_the_reference_says(tmp_path: Path) -> None:
    judge(tmp_path, tier=Tier.SMOKE)
    results, _ = Session.of(read_run(tmp_path).chosen).show(installed())
    assert {one.name: one.results for one in results if one.worst is not Understanding.SAME} == {}


def shown(client: Client, *scenarios: object, quirks: bool = False) -> ClientResult:
    results, _ = Session.of(Chosen(scenarios), quirks=quirks).show([client])  # type: ignore[arg-type] # scenarios
    return results[0]


def test_a_stream_without_a_role_breaks_the_stream_helper_of_openai_for_node_and_raw_chunks_help() -> None:
    no_role = stream(chunk({"content": "Hello."}), *CHUNKS[2:])
    ran = shown(named("openai-node-stream"), scenario("stream", no_role), quirks=True)
    assert ran.results[0].message == "OpenAIError: missing role for choice 0"
    assert "raw-chunks" in [one.name for one in ran.quirks]
