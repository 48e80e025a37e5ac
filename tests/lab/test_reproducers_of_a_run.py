"""Each reproducer that a run prints, executed as it is printed, sends its exchange's request again."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import judge

from conformance.evidence import read_evidence
from conformance.lab import reproducing
from conformance.lab.targets import contract_of, targets_of
from conformance.reference import EmbeddedReference
from conformance.report.curl import curl_for
from conformance.targets.environment import variables_of
from conformance.wire.exchange import Exchange

pytestmark = [pytest.mark.curl, pytest.mark.network]

FAULTS = {"openai": "stream-end.done-missing", "kodexa": "over-enforces:request.n.type"}
"""The second makes the run take combined requests apart, and has the key in another header."""


@pytest.fixture(scope="module", params=FAULTS)
def failing_run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Exchange, ...]:
    """The exchanges of a run of a deployment with a fault."""
    profile = request.param
    out = tmp_path_factory.mktemp("failing")
    target = next(one for one in targets_of(profile) if one.id == FAULTS[profile])
    deployment = EmbeddedReference(profile, hooks=target.hooks, contract=contract_of(profile))
    with pytest.MonkeyPatch.context() as patch, deployment as reference:
        for name, value in variables_of(reference.target, contract_of(profile).parameters).items():
            patch.setenv(name, value)
        judged = judge(out, profile, base_url=reference.base_url)
    assert judged.status == 1
    return read_evidence(out / "evidence").exchanges


def test_every_request_of_a_failing_run(failing_run: tuple[Exchange, ...], tmp_path: Path) -> None:
    assert list(reproducing.not_reproduced(failing_run, "x-api-key", tmp_path)) == []
    assert len(failing_run) > 60


def test_a_command_that_sends_something_else_is_reported(
    failing_run: tuple[Exchange, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shorter(exchange: Exchange, credential_header: str) -> str:
        return curl_for(exchange, credential_header=credential_header) + "/elsewhere"

    monkeypatch.setattr(reproducing, "curl_for", shorter)
    reported = list(reproducing.not_reproduced(failing_run[:1], "x-api-key", tmp_path))
    assert len(reported) == 1
    assert reported[0].startswith(f"the command of {failing_run[0].id} sends another request")


def test_no_command_has_a_key(failing_run: tuple[Exchange, ...]) -> None:
    for exchange in failing_run:
        command = curl_for(exchange, credential_header="x-api-key")
        assert not any(key in command for key in reproducing.KEYS.values())
