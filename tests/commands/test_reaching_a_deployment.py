"""Deployments behind a gateway, a CA of their own, a demanded client certificate or a proxy are reached as configured.

And no secret that this takes stands in any file, or in what is printed.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from command_line import CLI, call, results
from deployments import http_deployment
from reached_deployments import (
    PASSWORD,
    Admit,
    Certificates,
    Seen,
    gateway,
    make_certificates,
    proxy,
    refusing_proxy,
    relay,
    server_context,
)

from conformance.contract import load_contract
from conformance.evidence import read_evidence
from conformance.reference import EmbeddedReference
from conformance.report.curl import curl_for
from conformance.running.recorded_target import target_from_record

pytestmark = [pytest.mark.network, pytest.mark.process]

SECRET, SIGNATURE, CREDENTIALS = "sk-of-the-gateway-9f31c7", "sig/of+a=url55ab", "robot:pass-of-the-proxy-c0de"
ENCODED = "sig%2Fof%2Ba%3Durl55ab"
ADDED = ("--header", "X-Team: search", "--header-env", "X-Gateway-Key=GATEWAY_KEY")
IN_THE_QUERY = ("--query", "api-version=2024-10-21", "--query-env", "sig=URL_SECRET")
VARIABLES = {"GATEWAY_KEY": SECRET, "URL_SECRET": SIGNATURE}
DEMANDED = "?api-version=2024-10-21&sig="
QUERY = f"{DEMANDED}{ENCODED}"


@dataclass(frozen=True)
class Ways:
    """A reference deployment, and what stands before it."""

    reference: EmbeddedReference
    certificates: Certificates

    @property
    def port(self) -> int:
        return int(self.reference.base_url.split(":")[2].split("/")[0])

    @property
    def environ(self) -> dict[str, str]:
        return {"CONFORMANCE_API_KEY": self.reference.api_key, **VARIABLES}

    def files(self, *names: str) -> list[str]:
        options = {"ca": "--ca-file", "client": "--client-cert", "client_key": "--client-key"}
        options["locked_key"] = "--client-key"
        return [word for name in names for word in (options[name], str(getattr(self.certificates, name)))]


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ways]:
    with EmbeddedReference("openai") as reference:
        yield Ways(reference, make_certificates(tmp_path_factory.mktemp("certificates")))


@pytest.fixture
def guarded(ways: Ways) -> Iterator[Seen]:
    """A gateway that speaks TLS, demands a client certificate, a header field and a query parameter."""
    context = server_context(ways.certificates, client_demanded=True)
    with relay(gateway(ways.port, "X-Team: search", f"X-Gateway-Key: {SECRET}", DEMANDED), context) as seen:
        yield seen


def run(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return call((*CLI, "run", "openai", *arguments), folder, **environ)


def written(folder: Path, done: subprocess.CompletedProcess[str]) -> list[str]:
    files = [one.read_text(errors="replace") for one in folder.rglob("*") if one.is_file()]
    return [done.stdout, done.stderr, *files]


def test_all_that_a_gateway_demands_is_sent_with_every_request_and_written_nowhere(
    ways: Ways, guarded: Seen, tmp_path: Path
) -> None:
    done = run(
        tmp_path,
        *("--base-url", f"https://127.0.0.1:{guarded.port}/v1", "--out", "out"),
        *ADDED,
        *IN_THE_QUERY,
        *ways.files("ca", "client", "locked_key"),
        **ways.environ,
        CONFORMANCE_CLIENT_KEY_PASSWORD=PASSWORD,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    document = results(tmp_path / "out")
    assert document["verdict"] == "conformant"
    assert guarded.data.lower().count(f"x-gateway-key: {SECRET}\r\n".encode()) >= document["exchanges"]["count"] > 50
    assert [target for target in guarded.targets if QUERY.lstrip("?") not in target] == []
    texts = written(tmp_path / "out", done)
    assert not [text for text in texts for secret in (SECRET, SIGNATURE, ENCODED, PASSWORD) if secret in text]
    header = json.loads((tmp_path / "out" / "evidence" / "exchanges.jsonl").read_text().split("\n")[0])
    assert header["target"]["reach"]["headers_env"] == {"X-Gateway-Key": "GATEWAY_KEY"}
    assert header["target"]["reach"]["query"] == {"api-version": "2024-10-21"}

    replayed = run(tmp_path, "--replay", "out", "--out", "again")
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    first, again = (one["requirements"] for one in (document, results(tmp_path / "again")))
    assert [row["outcome"] for row in first] == [row["outcome"] for row in again]


def test_a_target_of_the_file_says_it_all(ways: Ways, guarded: Seen, tmp_path: Path) -> None:
    folder = ways.certificates.ca.parent
    (tmp_path / "conformance.toml").write_text(
        f"""\
[defaults]
headers = {{ "X-Team" = "sales" }}

[targets.guarded]
base_url = "https://localhost:{guarded.port}/v1"
tier = "smoke"
ca_file = "{os.path.relpath(folder, tmp_path)}/ca.pem"
client_cert = "{folder}/client.pem"
client_key = "{folder}/locked-key.pem"
client_key_password_env = "PEM_PASSWORD"
query = {{ "api-version" = "2024-10-21" }}
query_env = {{ sig = "URL_SECRET" }}

[targets.guarded.headers]
x-team = "nobody"

[targets.guarded.headers_env]
X-Gateway-Key = "GATEWAY_KEY"
"""
    )
    command = ("--target", "guarded", "--header", "X-Team: search", "--out", "out")
    done = run(tmp_path, *command, **ways.environ, PEM_PASSWORD=PASSWORD)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not [text for text in written(tmp_path / "out", done) if SECRET in text or PASSWORD in text]
    unset = run(tmp_path, *command[:-1], "another", **ways.environ)
    assert (unset.returncode, unset.stdout) == (2, "")
    assert "PEM_PASSWORD, which holds the password of the client key, is not set." in unset.stderr


def test_what_a_deployment_echoes_is_taken_out_and_is_no_finding_about_keys(tmp_path: Path) -> None:
    def echo(headers: dict[str, str], _: bytes) -> tuple[int, dict[str, str], bytes]:
        said = f"{headers.get('X-Gateway-Key')} {headers[':path']} {SIGNATURE} {SECRET[:20]}"
        return 400, {"Content-Type": "application/json", "X-Echo": SECRET}, json.dumps({"error": said}).encode()

    with http_deployment(echo) as url:
        only = ("--only", "access.key-not-echoed", "--only", "access.key-masked", "--tier", "smoke", "--no-preflight")
        done = run(tmp_path, "--base-url", url, "--out", "out", *only, *ADDED, *IN_THE_QUERY, **VARIABLES)
    assert done.returncode in {0, 3}, done.stdout + done.stderr
    exchanges = read_evidence(tmp_path / "out" / "evidence").exchanges
    assert exchanges
    assert all(b"*" * len(SIGNATURE) in one.answer.body for one in exchanges if one.answer is not None)
    outcomes = {row["id"]: row["outcome"] for row in results(tmp_path / "out")["requirements"]}
    assert outcomes["access.key-not-echoed"] == "passed"
    texts = written(tmp_path / "out", done)
    assert not [text for text in texts for secret in (SECRET, SIGNATURE, ENCODED) if secret in text]


@pytest.mark.curl
def test_the_curl_command_of_an_exchange_goes_the_same_way(ways: Ways, guarded: Seen, tmp_path: Path) -> None:
    done = run(
        tmp_path,
        *("--base-url", f"https://localhost:{guarded.port}/v1", "--out", "out", "--only", "transport.*"),
        *ADDED,
        *IN_THE_QUERY,
        *ways.files("ca", "client", "client_key"),
        **ways.environ,
    )
    assert done.returncode in {0, 3}, done.stdout + done.stderr
    evidence = read_evidence(tmp_path / "out" / "evidence")
    target = target_from_record(evidence.header["target"], load_contract("openai"))
    exchange = next(one for one in evidence.exchanges if not one.request.steps)
    command = curl_for(exchange, reach=target.reach)
    assert SECRET not in command
    assert ENCODED not in command
    guarded.connections.clear()
    environ = {"PATH": os.environ["PATH"], **ways.environ}
    sent = subprocess.run(["sh", "-c", command], capture_output=True, env=environ, timeout=20, check=False)
    assert sent.returncode == 0, sent.stderr
    assert exchange.answer is not None
    assert f"HTTP/1.1 {exchange.answer.status} ".encode() in sent.stdout
    # The digits of an escape have no case (RFC 3986 section 2.1).
    assert [target.upper() for target in guarded.targets] == [f"/v1/chat/completions{QUERY}".upper()]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_everything_goes_through_a_named_proxy(ways: Ways, tmp_path: Path, scheme: str) -> None:
    with ExitStack() as stack:
        port = ways.port
        if scheme == "https":
            port = stack.enter_context(relay(gateway(port), server_context(ways.certificates))).port
        seen = stack.enter_context(relay(proxy(CREDENTIALS)))
        done = run(
            tmp_path,
            *("--base-url", f"{scheme}://127.0.0.1:{port}/v1", "--out", "out", "--tier", "smoke"),
            *("--proxy", f"http://127.0.0.1:{seen.port}"),
            *ADDED,
            *(ways.files("ca") if scheme == "https" else ()),
            **ways.environ,
            CONFORMANCE_PROXY_CREDENTIALS=CREDENTIALS,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert results(tmp_path / "out")["verdict"] == "conformant"
    wanted = f"127.0.0.1:{port}" if scheme == "https" else f"http://127.0.0.1:{port}/v1/"
    assert seen.targets
    assert [target for target in seen.targets if not target.startswith(wanted)] in ([], ["/v1/models"])
    password = CREDENTIALS.partition(":")[2]
    assert not [text for text in written(tmp_path / "out", done) if password in text or SECRET in text]


@pytest.mark.parametrize(
    ("admit", "scheme", "words"),
    [
        (refusing_proxy, "https", ("refused to connect to", "403 Not \\x1b[31mAllowed")),
        (proxy(CREDENTIALS), "https", ("refused to connect to", "407 Proxy Authentication Required")),
        (proxy(CREDENTIALS), "http", ("407 Proxy Authentication Required",)),
    ],
)
def test_a_proxy_that_refuses_leaves_the_run_inconclusive(
    tmp_path: Path, admit: Admit, scheme: str, words: tuple[str, ...]
) -> None:
    with relay(admit) as seen:
        done = run(
            tmp_path,
            *("--base-url", f"{scheme}://127.0.0.1:9/v1", "--proxy", f"http://127.0.0.1:{seen.port}", "--out", "out"),
            *("--tier", "smoke"),
            **VARIABLES,
        )
    assert done.returncode == 3, done.stdout + done.stderr
    for one in words:
        assert one in done.stdout + done.stderr
    assert "\x1b[31mAllowed" not in done.stdout + done.stderr


def test_a_proxy_that_is_not_there_is_named(tmp_path: Path) -> None:
    settings = {"CONFORMANCE_API_KEY": "k" * 20, "CONFORMANCE_MODEL": "m"}
    done = run(tmp_path, "--base-url", "https://host.invalid/v1", "--proxy", "http://127.0.0.1:9", **settings)
    assert done.returncode == 3
    assert "No connection to the proxy 127.0.0.1:9 could be made (connection refused)" in done.stderr


def test_a_certificate_that_nobody_trusts_is_said_to_be_so(ways: Ways, tmp_path: Path) -> None:
    with relay(gateway(ways.port), server_context(ways.certificates)) as seen:
        done = run(tmp_path, "--base-url", f"https://127.0.0.1:{seen.port}/v1", "--out", "out", **ways.environ)
    assert done.returncode == 3
    assert "is not trusted (unable to get local issuer certificate); name the CA that it comes from" in done.stderr
    assert seen.connections == []


def test_a_client_certificate_that_is_demanded_and_not_given_is_said_to_be_so(
    ways: Ways, guarded: Seen, tmp_path: Path
) -> None:
    url = ("--base-url", f"https://127.0.0.1:{guarded.port}/v1", "--out", "out", "--tier", "smoke")
    done = run(tmp_path, *url, *ways.files("ca"), **ways.environ)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "refused the TLS session (" in done.stderr
    assert "give the client certificate that it demands with --client-cert" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--ca-file", "nowhere.pem"), "the CA file nowhere.pem cannot be read because there is no such file"),
        (("--ca-file", "empty.pem"), "empty.pem has no certificate in it that can be read; give a CA file in PEM."),
        (("--client-cert", "client.pem"), "client.pem has no private key in it; give the client certificate's key"),
        (("--client-cert", "nowhere.pem"), "the client certificate nowhere.pem cannot be read"),
        (("--client-cert", "client.pem", "--client-key", "locked-key.pem"), "locked-key.pem is encrypted; set its"),
        (("--client-cert", "server.pem", "--client-key", "client-key.pem"), "is not that of the client certificate"),
        (("--client-key", "client-key.pem"), "a client key needs its certificate; give --client-cert"),
        (("--proxy", "http://u:sk-1@h"), "the proxy's URL must not contain a user or password"),
        (("--proxy", "h:3128"), "the proxy 'h:3128' is not an http or https URL"),
        (("--header", "Authorization: Bearer sk-1"), "the header Authorization usually carries a secret; name the"),
        (("--header-env", "Authorization=ODD_KEY"), "the header Authorization carries the key of the contract; set"),
        (("--header", "api-key: sk-1"), "the header api-key usually carries a secret; name the variable that holds it"),
        (("--header", "sk-1"), "--header takes NAME:VALUE, with neither of them empty."),
        (("--header", "Host: x"), "the header Host is what the suite tests with"),
        (("--header", "X-A: 1", "--header", "x-a: 2"), "x-a is added twice; keep one."),
        (("--header-env", "X-A=sk-1"), "never the secret itself"),
        (("--header-env", "X-A=UNSET_KEY"), "UNSET_KEY, which holds the header X-A, is not set."),
        (("--query", "sig=sk-1"), "the query parameter sig usually carries a secret"),
        (("--query", "a b=1"), "'a b' is not the name of a query parameter"),
        (("--query-env", "sig=ODD_KEY"), "ODD_KEY, which holds the query parameter sig, has a character"),
    ],
)
def test_what_cannot_be_used_is_one_sentence_before_anything_is_sent(
    ways: Ways, tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    for file in ways.certificates.ca.parent.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "empty.pem").write_text("nothing\n")
    done = run(tmp_path, "--base-url", "https://127.0.0.1:9/v1", "--out", "out", *arguments, ODD_KEY="sk-1\u00e9")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert sentence in done.stderr
    assert "sk-1" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_way_needs_a_deployment(tmp_path: Path) -> None:
    done = run(tmp_path, "--header", "X-A: 1")
    assert done.returncode == 2
    assert "--header says how a deployment is reached; give the deployment with --base-url or --target." in done.stderr


def test_a_run_is_resumed_only_by_the_way_that_it_was_started(ways: Ways, tmp_path: Path) -> None:
    url = ("--base-url", ways.reference.base_url)
    started = run(tmp_path, *url, *ADDED, "--out", "out", "--tier", "smoke", "--max-requests", "2", **ways.environ)
    assert started.returncode == 3, started.stderr
    for other in ((), (*ADDED, "--query", "a=b"), ("--header", "X-Team: sales", *ADDED[2:])):
        refused = run(tmp_path, *url, *other, "--resume", "out", **ways.environ)
        assert refused.returncode == 2, refused.stdout
        assert "holds a run against another target: its " in refused.stderr
        assert refused.stderr.count("\n") == 1
    done = run(tmp_path, *url, *ADDED, "--resume", "out", **ways.environ)
    assert done.returncode == 0, done.stdout + done.stderr
