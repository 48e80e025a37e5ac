from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import httpx
import pytest

from conformance.contract import load_contract
from conformance.contract.dialect import read_dialect
from conformance.contract.documents import ContractError
from conformance.reference import DeploymentError, EmbeddedReference, serve
from conformance.reference.server import settings_from_environment
from conformance.targets import demo

pytestmark = [pytest.mark.network, pytest.mark.process]

ORG, OTHER_ORG = "6f1e3c52-9f0a-4c07-8a55-0d5b8f6a2b11", "b3a9d9c4-52a1-4f0e-9b5d-7c1f0f6e4d22"
"""The public values of the reference deployment, in the dialect of kodexa."""


def test_serve_says_where_it_is_and_how_to_judge_it_and_stops_when_interrupted() -> None:
    program = "import os; from conformance.reference import serve; serve('kodexa', environ=os.environ, port=0)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline().decode()
        base_url = line.split("--base-url ")[1].strip()
        assert f"chat-conformance run kodexa --base-url {base_url}" in line
        assert demo.API_KEY not in line
        answer = httpx.post(
            f"{base_url}/api/organizations/{ORG}/ai/chat/completions",
            json={"model": demo.MODEL, "messages": [{"role": "user", "content": "Hello."}]},
            headers={"x-api-key": demo.API_KEY},
        )
        assert answer.status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert process.stdout.read() == b""
        assert process.stderr.read() == b""


def test_serve_takes_its_credentials_from_the_environment() -> None:
    environ = {"CONFORMANCE_API_KEY": " mine ", "CONFORMANCE_MODEL": "my-model", "CONFORMANCE_OTHER_ORG_ID": ""}
    settings = settings_from_environment(read_dialect("kodexa"), environ)
    assert [tenant.api_key for tenant in settings.tenants] == ["mine", demo.OTHER_API_KEY]
    assert [tenant.parameters for tenant in settings.tenants] == [{"orgId": ORG}, {"orgId": OTHER_ORG}]
    assert settings.models == (demo.MODEL, "my-model")


def test_serve_says_in_one_sentence_what_is_wrong() -> None:
    with EmbeddedReference("openai") as reference:
        port = int(reference.base_url.split(":")[2].split("/")[0])
        with pytest.raises(DeploymentError, match=f"127.0.0.1:{port} .* choose another --port"):
            serve("openai", environ={}, port=port)
    with pytest.raises(DeploymentError, match="http or https"):
        serve("openai", environ={}, port=0, upstream="localhost:8000")
    with pytest.raises(DeploymentError, match="needs --upstream"):
        serve("openai", environ={}, port=0, upstream_model="m")
    with pytest.raises(DeploymentError, match="99999"):
        serve("openai", environ={}, port=99999)
    with pytest.raises((DeploymentError, ContractError), match="no-such"):
        serve("no-such", environ={}, port=0)


def test_an_embedded_deployment_starts_and_stops_and_leaves_nothing() -> None:
    contract = load_contract("openai")
    before = threading.active_count()
    for _ in range(3):
        with EmbeddedReference("openai", contract=contract) as reference:
            assert httpx.get(f"{reference.base_url}/models").status_code == 401
    assert threading.active_count() == before
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{reference.base_url}/models")


def test_embedded_deployments_have_keys_of_their_own() -> None:
    one, two = EmbeddedReference("kodexa"), EmbeddedReference("kodexa")
    with one, two:
        keys = {one.api_key, one.other_api_key, two.api_key, two.other_api_key}
        assert len(keys) == 4
        assert demo.API_KEY not in keys
        organizations = [(each.target.parameters, each.target.other_parameters) for each in (one, two)]
        assert len({values["orgId"] for pair in organizations for values in pair}) == 4


def test_latency_delays_every_answer_and_not_the_events() -> None:
    with EmbeddedReference("openai", latency=0.1) as reference:
        began = time.perf_counter()
        assert httpx.get(f"{reference.base_url}/models").status_code == 401
        assert time.perf_counter() - began >= 0.1


def test_a_delay_between_events_spreads_a_stream() -> None:
    with EmbeddedReference("openai", event_delay=0.005) as reference:
        body = {"model": reference.model, "messages": [{"role": "user", "content": "x"}], "stream": True}
        headers = {"Authorization": f"Bearer {reference.api_key}"}
        with httpx.stream("POST", f"{reference.base_url}/chat/completions", json=body, headers=headers) as answer:
            reads = [part for part in answer.iter_raw() if part]
    assert len(reads) >= 10
