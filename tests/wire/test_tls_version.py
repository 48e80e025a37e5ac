"""Over TLS an exchange says which version it went over, and the evidence keeps that."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from byte_server import OPERATION, probe

from conformance.evidence import EvidenceWriter, Redactor, read_evidence
from conformance.targets import Limits, Target
from conformance.wire import EndKind, observe_sync

pytestmark = [pytest.mark.network, pytest.mark.openssl]


class Handler(BaseHTTPRequestHandler):
    """Answers everything with an empty object."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def certified(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The base URL of a server with a certificate of its own, and that certificate."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.server_address[1]}", certificate
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_exchange_over_tls_says_its_version(
    certified: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, certificate = certified
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    target = Target(url, api_key="sk-1", trust_environment=True)
    with EvidenceWriter(tmp_path / "evidence", Redactor({}), {"probes": []}) as writer:
        seen = observe_sync([probe()], OPERATION, target, Limits(retries=0), writer.append)
        writer.finish()
    (exchange,) = seen.exchanges
    assert exchange.ending.kind is EndKind.COMPLETE, exchange.ending
    assert exchange.tls == "TLSv1.3"
    assert [one.tls for one in read_evidence(tmp_path / "evidence").exchanges] == ["TLSv1.3"]
