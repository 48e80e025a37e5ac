"""The command sends the request again: run by a real shell and a real curl against a server that keeps what comes."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from exchange_samples import KEY, SECRETS, exchange

from conformance.evidence import Redactor
from conformance.lab.reproducing import comparable
from conformance.probes.script import HALF_CLOSE, HEAD, Step, StepKind, await_continue, pause
from conformance.report.curl import curl_command, curl_for
from conformance.targets import Reach
from conformance.wire.exchange import SentRequest

pytestmark = [pytest.mark.curl, pytest.mark.network]

HEADERS = (
    ("Host", "HOST"),
    ("Authorization", f"Bearer {KEY}"),
    ("User-Agent", "chat-conformance/0.1.0"),
    ("Accept", "application/json"),
    ("Accept-Encoding", "identity"),
    ("Content-Type", "application/json"),
)


def expected(request: SentRequest) -> bytes:
    path = "/" + request.url.split("/", 3)[3]
    lines = [f"{request.method} {path} HTTP/1.1", *(f"{name}: {value}".rstrip() for name, value in request.headers)]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + request.body


class OneRequest:
    """Takes one request on loopback and answers it."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(5)
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.received = b""

    def serve(self, size: int) -> None:
        """Take one request with a body of `size` bytes, as it is on the wire."""
        connection, _ = self._listener.accept()
        with connection:
            connection.settimeout(5)
            while b"\r\n\r\n" not in self.received or len(self.received.partition(b"\r\n\r\n")[2]) < size:
                data = connection.recv(65536)
                if not data:
                    break
                self.received += data
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

    def close(self) -> None:
        self._listener.close()


def replay(
    request: SentRequest,
    script: Path,
    variable: str = "CONFORMANCE_API_KEY",
    key: str = KEY,
    reach: Reach | None = None,
    **held: str,
) -> tuple[bytes, bytes]:
    """What was sent, and what should have come, both without the fields that the command leaves to curl."""
    server = OneRequest()
    url = request.url.replace("HOST", server.address)
    headers = tuple((name, value.replace("HOST", server.address)) for name, value in request.headers)
    request = replace(request, url=url, headers=headers)
    reach = reach or Reach()
    redacted = Redactor({**SECRETS, **reach.secrets(held)}).exchange(replace(exchange(b"{}"), request=request))
    command = curl_for(redacted, reach=reach)
    assert not [secret for secret in (KEY, *held.values()) if secret in command]
    script.write_text(command, "utf-8")
    wanted = expected(request).replace(KEY.encode(), key.encode())
    thread = threading.Thread(target=server.serve, args=(len(wanted.partition(b"\r\n\r\n")[2]),))
    thread.start()
    try:
        environment = {"PATH": os.environ["PATH"], variable: key, "LC_ALL": "C.UTF-8", **held}
        done = subprocess.run(["sh", str(script)], capture_output=True, timeout=10, env=environment, check=False)
    finally:
        thread.join(6)
        server.close()
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"HTTP/1.1 200 OK")
    assert server.received.count(b"\r\nHost: ") == 1
    return comparable(server.received, redacted), comparable(wanted, redacted)


def post(body: bytes, *more: tuple[str, str], url: str = "http://HOST/v1/chat/completions") -> SentRequest:
    return SentRequest("POST", url, (*HEADERS, ("Content-Length", str(len(body))), *more), body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"m","messages":[{"role":"user","content":"it\'s \\"quoted\\" $HOME `id` \\\\ !"}]}',
        '{"text":"日本語 é \U0001f469‍\U0001f4bb שלום"}'.encode(),
        b"@/etc/hostname",
        b"@-",
        b"  leading and trailing \n\n",
        b"line\r\nline\r\n",
        b"\x00\x01\xff\xfe",
        b"\xff",
        b"\x1b[2J",
        b"-d --help",
        b"%41%s %d\\n",
        b"x" * 200_000,
        b"{" + b"\xc3\xa9" * 90_000 + b"}",
        b"\xff" * 200_000,
        b"[" * 5_000 + b"]" * 5_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b'{\n  "text": "it\'s \\"x\\"",\n\t"nul": "\x00"\n}',
        b"line one\nline two 'quoted' \"twice\" \xe2\x80\xa8 end",
    ],
)
def test_any_body_is_sent_as_it_was(body: bytes, tmp_path: Path) -> None:
    sent, wanted = replay(post(body), tmp_path / "command")
    assert sent == wanted


@pytest.mark.parametrize(
    "request_",
    [
        SentRequest("POST", "http://HOST/v1/chat", (*HEADERS[:-1], ("Content-Length", "0")), b""),
        SentRequest("GET", "http://HOST/v1/chat?a=[1]&b={x}&c='q'", HEADERS[:2], b""),
        SentRequest("DELETE", "http://HOST/v1//a/../b/./c%2Fd", HEADERS[:4], b""),
        SentRequest("OPTIONS", "http://HOST/", HEADERS[:1], b""),
        post(b"{}", ("X-Odd", 'a\'b "c" $HOME'), ("X-Empty", ""), ("X-Latin", "caf\xe9 \xa3")),
        SentRequest("PUT", "http://HOST/x", (*HEADERS[:1], ("Content-Length", "2")), b"{}"),
    ],
)
def test_any_request_is_sent_as_it_was(request_: SentRequest, tmp_path: Path) -> None:
    sent, wanted = replay(request_, tmp_path / "command")
    assert sent == wanted


def test_a_key_with_characters_of_the_shell_is_sent_as_it_is(tmp_path: Path) -> None:
    sent, wanted = replay(post(b"{}"), tmp_path / "command", key="a$b`c\"d'e\\f g")
    assert sent == wanted


def test_a_wrong_key_is_not_replaced_by_the_right_one(tmp_path: Path) -> None:
    headers = (HEADERS[0], ("Authorization", "Bearer never-issued"), *HEADERS[2:5])
    request = SentRequest("GET", "http://HOST/v1", headers, b"")
    sent, wanted = replay(request, tmp_path / "command", variable="CONFORMANCE_WRONG_API_KEY", key="never-issued")
    assert sent == wanted


def test_no_credential_means_no_variable() -> None:
    request = SentRequest("GET", "http://host/", (("Host", "host"),), b"")
    assert "CONFORMANCE" not in curl_command(request)
    assert "CONFORMANCE" not in curl_command(replace(request, headers=(("Host", "host"), ("Authorization", "Bearer"))))


def test_another_credential_header_takes_the_variable() -> None:
    request = SentRequest("GET", "http://host/", (("Host", "host"), ("X-Key", "*****")), b"")
    assert '-H "X-Key: $MY_KEY"' in curl_command(request, "x-key", "MY_KEY")


def test_an_ordinary_request_is_four_lines_without_what_curl_writes_itself() -> None:
    command = curl_for(Redactor(SECRETS).exchange(replace(exchange(b"{}"), request=post(b'{"n":2}'))))
    assert command.splitlines() == [
        "curl -isSN http://HOST/v1/chat/completions \\",
        '  -H "Authorization: Bearer $CONFORMANCE_API_KEY" \\',
        "  -H 'Content-Type: application/json' \\",
        "  -d '{\"n\":2}'",
    ]


def test_a_named_targets_key_is_in_the_targets_own_variable() -> None:
    seen = Redactor(SECRETS).exchange(replace(exchange(b"{}"), request=post(b"{}")))
    assert '"Authorization: Bearer $STAGING_KEY"' in curl_for(seen, names={"CONFORMANCE_API_KEY": "STAGING_KEY"})


def test_a_field_that_is_not_as_usual_is_sent_as_it_was() -> None:
    headers = [field for field in HEADERS if field[0] not in {"Accept", "Content-Type"}]
    request = SentRequest("POST", "http://HOST/v1", (*headers, ("Accept", "text/html"), ("Content-Length", "9")), b"{}")
    command = curl_command(request)
    assert "-H 'Accept: text/html'" in command
    assert "-H 'Content-Length: 9'" in command
    assert "-H Content-Type:" in command


def test_a_command_with_a_wrong_key_runs_as_it_stands(tmp_path: Path) -> None:
    headers = (HEADERS[0], ("Authorization", "Bearer some-wrong-key"))
    request = SentRequest("GET", "http://HOST/v1", headers, b"")
    sent, wanted = replay(request, tmp_path / "command", variable="UNRELATED", key="never-issued")
    assert sent.replace(b"never-issued", b"some-wrong-key") == wanted


@pytest.mark.parametrize(
    "steps",
    [
        (HEAD, pause(0.01), Step(StepKind.BODY, 4), pause(0.01), Step(StepKind.BODY, 6)),
        (HEAD, await_continue(0.01), Step(StepKind.BODY, 10)),
        (HEAD, Step(StepKind.BODY, 10), HALF_CLOSE),
    ],
    ids=["in pieces", "after waiting for 100", "half-closed"],
)
def test_a_request_that_was_sent_in_steps_is_sent_in_the_same_steps(steps: tuple[Step, ...], tmp_path: Path) -> None:
    request = replace(post(b"\x00{'\"\\n }\xff", ("X-Latin", "caf\xe9")), steps=steps)
    sent, wanted = replay(request, tmp_path / "command")
    assert sent == wanted


@pytest.mark.parametrize(
    ("steps", "signature", "encoded"),
    [
        ((), "url-signature_9.1~f3", "url-signature_9.1~f3"),
        ((HEAD, Step(StepKind.BODY, 4), Step(StepKind.BODY, 6)), "url/signature+9=1", "url%2Fsignature%2B9%3D1"),
    ],
    ids=["by curl", "in steps"],
)
def test_what_was_added_is_sent_from_the_variables_that_hold_it(
    steps: tuple[Step, ...], signature: str, encoded: str, tmp_path: Path
) -> None:
    gateway_key = 'it\'s a "gateway" $KEY'
    url = f"http://HOST/v1/chat/completions?api-version=1&sig={encoded}"
    added = (("X-Team", "search"), ("X-Gateway-Key", gateway_key))
    request = replace(post(b"0123456789", *added, url=url), steps=steps)
    reach = Reach(
        headers={"X-Team": "search"},
        headers_env={"x-gateway-key": "GATEWAY_KEY"},
        query={"api-version": "1"},
        query_env={"sig": "URL_SECRET"},
    )
    sent, wanted = replay(request, tmp_path / "command", reach=reach, GATEWAY_KEY=gateway_key, URL_SECRET=signature)
    assert sent == wanted


def test_the_certificates_and_the_proxy_are_in_the_command() -> None:
    reach = Reach(
        ca_file="my ca.pem",
        client_cert="client.pem",
        client_key="key.pem",
        client_key_password_env="PEM_PASSWORD",
        proxy="http://proxy:3128",
        proxy_credentials_env="PROXY_PASSWORD",
    )
    command = curl_command(post(b"{}"), reach=reach)
    for option in ("--cacert 'my ca.pem'", "--cert client.pem", "--key key.pem", "--proxy http://proxy:3128"):
        assert option in command
    assert '--pass "$PEM_PASSWORD"' in command
    assert '--proxy-user "$PROXY_PASSWORD"' in command


def test_a_chunked_request_is_sent_in_the_same_chunks(tmp_path: Path) -> None:
    steps = (HEAD, Step(StepKind.BODY, 2), Step(StepKind.BODY, 3))
    headers = (*HEADERS, ("Transfer-Encoding", "chunked"))
    request = SentRequest("POST", "http://HOST/v1/chat", headers, b"{'a'}", steps)
    sent, wanted = replay(request, tmp_path / "command")
    assert sent == wanted.replace(b"{'a'}", b"2\r\n{'\r\n3\r\na'}\r\n0\r\n\r\n")[: len(sent)]
    assert len(sent) >= len(wanted)


def test_a_pipelined_request_says_that_it_was_not_alone() -> None:
    request = replace(post(b"{}"), steps=(Step(StepKind.PIPELINED, 2),))
    command = curl_for(replace(exchange(b"{}"), request=request))
    assert command.startswith("# Sent in one write with the other requests of its connection, as number 2")
