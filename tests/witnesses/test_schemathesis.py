"""The command line of Schemathesis with the contracts' OpenAPI documents; how it sends and judges is its own."""

from __future__ import annotations

import pytest
from peer import PeerRun, Tree, peer_document, run_peer, written
from witness_deployments import Deployment

pytestmark = [pytest.mark.network, pytest.mark.process]


def told_of(deployment: Deployment, document: Tree, *options: str) -> PeerRun:
    kept = ("--max-examples", "10", "--seed", "1", *options)
    return run_peer(document, deployment.reference.base_url, deployment.key, *kept)


def test_it_finds_nothing(deployment: Deployment) -> None:
    told = told_of(deployment, peer_document(deployment.profile, deployment.reference))

    assert told.report["failures"] == []
    assert told.report["errors"] == []
    assert {kind: found for kind, found in told.report["warnings"].items() if found} == {}
    assert told.report["test_cases"]["generated"] > 50


def test_of_the_unmodified_document_it_finds_nothing_but_what_no_schema_can_state(
    deployments: dict[str, Deployment],
) -> None:
    deployment = deployments["openai"]
    told = told_of(deployment, written("openai"), "--exclude-checks", "positive_data_acceptance")

    assert (told.report["failures"], told.report["errors"]) == ([], [])


def test_it_would_find_events_that_are_no_chunks(deployments: dict[str, Deployment]) -> None:
    deployment = deployments["openai"]
    document = peer_document("openai", deployment.reference)
    document["components"]["schemas"]["Chunk"]["properties"]["object"] = {"const": "something.else"}

    assert told_of(deployment, document).codes == {"ST108"}
