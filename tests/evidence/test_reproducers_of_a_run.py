"""Each reproducer that a run prints, executed as it is printed, sends the bytes of its exchange's request again."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from command_line import judge
from recorder import Recorder

from conformance.evidence import curl_for, read_evidence
from conformance.lab.targets import contract_of, targets_of
from conformance.probes.script import StepKind
from conformance.reference import EmbeddedReference
from conformance.wire.exchange import Exchange
from conformance.wire.framing import body_bytes

CREDENTIALS = ("authorization", "x-api-key")
KEYS = {
    "CONFORMANCE_API_KEY": "sk-mine-0123456789abcdef",
    "CONFORMANCE_OTHER_API_KEY": "sk-other-0123456789abcdef",
    "CONFORMANCE_WRONG_API_KEY": "sk-never-issued-0123456789",
}
FAULTS = {"openai": "stream-end.done-missing", "kodexa": "over-enforces:request.n.type"}
"""The second makes the run take packed requests apart, and has the key in another header."""


@pytest.fixture(scope="module", params=FAULTS)
def failing_run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Exchange, ...]:
    """The exchanges of a run of a deployment with a fault."""
    profile = request.param
    out = tmp_path_factory.mktemp("failing")
    target = next(one for one in targets_of(profile) if one.id == FAULTS[profile])
    deployment = EmbeddedReference(profile, seams=target.seams, contract=contract_of(profile))
    with pytest.MonkeyPatch.context() as patch, deployment as reference:
        for name, value in {
            "API_KEY": reference.api_key,
            "MODEL": reference.model,
            "ORG_ID": reference.org_id,
            "OTHER_API_KEY": reference.other_api_key,
            "OTHER_ORG_ID": reference.other_org_id,
        }.items():
            patch.setenv(f"CONFORMANCE_{name}", value or "")
        judged = judge(out, profile, base_url=reference.base_url)
    assert judged.status == 1
    return read_evidence(out / "evidence").exchanges


@pytest.fixture(scope="module")
def recorder(failing_run: tuple[Exchange, ...]) -> Iterator[Recorder]:
    """Listens where the deployment of the run did."""
    address = urlsplit(failing_run[0].request.url)
    recorder = Recorder(address.hostname or "", address.port or 80)
    yield recorder
    recorder.close()


def wanted(exchange: Exchange, key: str) -> bytes:
    """The bytes of a request, with the key put back in its place."""
    request = exchange.request
    target = "/" + request.url.split("/", 3)[3]
    fields = [
        f"{name}: {re.sub(r'[*]+$', key, value) if name.lower() in CREDENTIALS else value}".rstrip()
        for name, value in request.headers
    ]
    head = "\r\n".join([f"{request.method} {target} HTTP/1.1", *fields]).encode("latin-1") + b"\r\n\r\n"
    if request.steps and not any(step.kind is StepKind.PIPELINED for step in request.steps):
        return head + stepped(exchange)
    return head + request.body


def stepped(exchange: Exchange) -> bytes:
    """The body as it leaves in steps, in the chunked coding where the request says so."""
    request = exchange.request
    chunked = any(name.lower() == "transfer-encoding" for name, _ in request.headers)
    sent, at = b"", 0
    for step in request.steps:
        if step.kind is StepKind.BODY:
            sent += body_bytes(request.body, at, at + int(step.amount), chunked=chunked)
            at += int(step.amount)
    return sent


def variable(command: str) -> str:
    """The variable that a command takes the key from."""
    return next((name for name in KEYS if name in command), "CONFORMANCE_API_KEY")


def test_every_request_of_a_failing_run(failing_run: tuple[Exchange, ...], recorder: Recorder, tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **KEYS}
    for exchange in failing_run:
        command = curl_for(exchange, credential_header="x-api-key")
        assert not any(key in command for key in KEYS.values())
        script = tmp_path / "command"
        script.write_text(command, encoding="utf-8")
        expected = wanted(exchange, KEYS[variable(command)])
        recorder.expect(len(expected))
        subprocess.run(["sh", str(script)], capture_output=True, timeout=30, env=environment, check=False)
        assert recorder.take() == expected, (exchange.id, command)
    assert len(failing_run) > 60
