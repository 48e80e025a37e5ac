"""Hostile clients of the reference: ambiguous requests, slow ones, ones that do not read, and many at once."""

from __future__ import annotations

import json
import re
import select
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from command_line import CLI, start

from conformance.reference import EmbeddedReference
from conformance.reference.settings import ConnectionBounds
from conformance.targets import demo

pytestmark = pytest.mark.network

PATIENT = 10
IMPATIENT = ConnectionBounds(head_timeout=0.3, body_timeout=0.3, write_timeout=0.3)
SMUGGLED = b"GET /v1/models HTTP/1.1\r\nHost: smuggled\r\n\r\n"


@pytest.fixture(scope="module")
def reference() -> Iterator[EmbeddedReference]:
    with EmbeddedReference("openai") as running:
        yield running


@pytest.fixture(scope="module")
def impatient() -> Iterator[EmbeddedReference]:
    with EmbeddedReference("openai", connections=IMPATIENT) as running:
        yield running


@contextmanager
def connected(reference: EmbeddedReference, *, room: int | None = None) -> Iterator[socket.socket]:
    """A connection; `room` bounds what the client takes in before it reads, in bytes."""
    port = int(reference.base_url.split(":")[2].split("/")[0])
    with socket.socket() as client:
        client.settimeout(PATIENT)
        if room is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        client.connect(("127.0.0.1", port))
        yield client


def statuses(received: bytes) -> list[bytes]:
    """The status of each answer."""
    return re.findall(rb"HTTP/1\.1 (\d{3}) ", received)


def answer(client: socket.socket) -> bytes:
    """The next answer, which has a length."""
    received = b""
    while not (head := re.match(rb"(?s).*?content-length: (\d+).*?\r\n\r\n", received)):
        received += client.recv(65536)
    while len(received) < head.end() + int(head[1]):
        received += client.recv(65536)
    return received


def rest(client: socket.socket) -> bytes:
    """Everything that comes until the connection is closed."""
    received = b""
    while piece := client.recv(65536):
        received += piece
    return received


def request_of(reference: EmbeddedReference, framing: bytes, body: bytes, line: bytes = b"") -> bytes:
    first = line or b"POST /v1/chat/completions HTTP/1.1"
    key = reference.api_key.encode()
    fields = b"Host: x\r\nContent-Type: application/json\r\nAuthorization: Bearer " + key
    return first + b"\r\n" + fields + b"\r\n" + framing + b"\r\n\r\n" + body


def question(reference: EmbeddedReference) -> bytes:
    return json.dumps({"model": reference.model, "messages": [{"role": "user", "content": "Hi."}]}).encode()


AMBIGUOUS: dict[str, tuple[bytes, bytes]] = {
    "a length beside chunks": (b"Content-Length: 5\r\nTransfer-Encoding: chunked", b"0\r\n\r\n"),
    "chunks beside a length": (b"Transfer-Encoding: chunked\r\nContent-Length: 5", b"0\r\n\r\n"),
    "a length beside chunks, in other letters": (b"content-LENGTH: 5\r\nTRANSFER-encoding: chunked", b"0\r\n\r\n"),
    "two lengths": (b"Content-Length: 2\r\nContent-Length: 0", b"{}"),
    "two lengths in a list": (b"Content-Length: 2, 0", b"{}"),
    "a length with a sign": (b"Content-Length: +2", b"{}"),
    "a hexadecimal length": (b"Content-Length: 0x2", b"{}"),
    "a length with a point": (b"Content-Length: 2.0", b"{}"),
    "an endless length": (b"Content-Length: " + b"9" * 40, b"{}"),
    "space before a colon": (b"Content-Length : 2", b"{}"),
    "space before the colon of the coding": (b"Transfer-Encoding : chunked", b"0\r\n\r\n"),
    "another coding": (b"Transfer-Encoding: xchunked", b"0\r\n\r\n"),
    "two codings": (b"Transfer-Encoding: gzip, chunked", b"0\r\n\r\n"),
    "chunked twice": (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", b"0\r\n\r\n"),
    "a folded coding": (b"Transfer-Encoding:\r\n chunked", b"0\r\n\r\n"),
    "a folded field": (b"X-A: a\r\n\tTransfer-Encoding: chunked\r\nContent-Length: 2", b"{}"),
    "a line that ends with LF alone": (b"X-A: a\nContent-Length: 2", b"{}"),
    "a bare CR": (b"X-A: a\rContent-Length: 9\r\nContent-Length: 2", b"{}"),
    "a NUL": (b"X-A: a\0\r\nContent-Length: 2", b"{}"),
    "a vertical tab in the coding": (b"Transfer-Encoding: \x0bchunked", b"0\r\n\r\n"),
    "a chunk size with a sign": (b"Transfer-Encoding: chunked", b"+0\r\n\r\n"),
    "a chunk size with a prefix": (b"Transfer-Encoding: chunked", b"0x0\r\n\r\n"),
    "a chunk size with space before it": (b"Transfer-Encoding: chunked", b" 0\r\n\r\n"),
    "an underscore in a chunk size": (b"Transfer-Encoding: chunked", b"0_0\r\n\r\n"),
    "a chunk size that overflows": (b"Transfer-Encoding: chunked", b"1" + b"0" * 20 + b"\r\n\r\n"),
    "a negative chunk size": (b"Transfer-Encoding: chunked", b"-1\r\n\r\n"),
    "an extension that ends with LF alone": (b"Transfer-Encoding: chunked", b"2;\nxx\r\n0\r\n\r\n"),
    "a chunk that is longer than its size": (b"Transfer-Encoding: chunked", b"2\r\n{}XX0\r\n\r\n"),
    "trailers that end with LF alone": (b"Transfer-Encoding: chunked", b"2\r\n{}\r\n0\r\nX: y\n\n"),
    "no trailers, and LF alone": (b"Transfer-Encoding: chunked", b"2\r\n{}\r\n0\r\n\n"),
    "a folded trailer": (b"Transfer-Encoding: chunked", b"2\r\n{}\r\n0\r\nX: y\r\n z\r\n\r\n"),
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_an_ambiguous_request_is_refused_and_what_follows_it_is_not_read(
    name: str, reference: EmbeddedReference
) -> None:
    framing, body = AMBIGUOUS[name]
    with connected(reference) as client:
        client.sendall(request_of(reference, framing, body) + SMUGGLED)
        received = rest(client)
    assert statuses(received) == [b"400"]
    head, _, content = received.partition(b"\r\n\r\n")
    assert b"connection: close" in head
    assert json.loads(content)["error"]["message"] == "This is not a valid HTTP/1.1 request."


def test_chunks_in_http_1_0_are_refused(reference: EmbeddedReference) -> None:
    line = b"POST /v1/chat/completions HTTP/1.0"
    with connected(reference) as client:
        client.sendall(request_of(reference, b"Transfer-Encoding: chunked", b"0\r\n\r\n", line) + SMUGGLED)
        received = rest(client)
    assert statuses(received) == [b"400"]


UNAMBIGUOUS: dict[str, tuple[bytes, bytes, bytes]] = {
    "a length": (b"Content-Length: %d", b"", b""),
    "the same length twice": (b"Content-Length: %d\r\nContent-Length: %d", b"", b""),
    "a length with space around it": (b"Content-Length:\t %d \t", b"", b""),
    "chunks": (b"Transfer-Encoding: chunked", b"%x\r\n", b"\r\n0\r\n\r\n"),
    "chunks in other letters": (b"transfer-encoding: Chunked", b"%X\r\n", b"\r\n0\r\n\r\n"),
    "a chunk size with zeros": (b"Transfer-Encoding: chunked", b"000%x\r\n", b"\r\n00\r\n\r\n"),
    "extensions": (b"Transfer-Encoding: chunked", b'%x;a="b\t;"\r\n', b"\r\n0;c\r\n\r\n"),
    "trailers": (b"Transfer-Encoding: chunked", b"%x\r\n", b"\r\n0\r\nX: y\r\nZ:\r\n\r\n"),
}


@pytest.mark.parametrize("name", UNAMBIGUOUS)
def test_an_unambiguous_request_is_served_and_so_is_the_next(name: str, reference: EmbeddedReference) -> None:
    framing, before, after = UNAMBIGUOUS[name]
    body = question(reference)
    framing = framing % ((len(body),) * framing.count(b"%d"))
    before = before % len(body) if b"%" in before else before
    with connected(reference) as client:
        client.sendall(request_of(reference, framing, before + body + after))
        client.sendall(request_of(reference, framing + b"\r\nConnection: close", before + body + after))
        received = rest(client)
    assert statuses(received) == [b"200", b"200"]


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"http://x/v1/chat/completions", b"200"),
        (b"HTTP://x:80/v1/chat/completions?beta=true", b"200"),
        (b"http://x/v1/elsewhere", b"404"),
        (b"http://x", b"404"),
    ],
)
def test_a_target_in_absolute_form_is_that_of_its_path(
    target: bytes, status: bytes, reference: EmbeddedReference
) -> None:
    body = question(reference)
    line = b"POST " + target + b" HTTP/1.1"
    framing = b"Content-Length: %d\r\nConnection: close" % len(body)
    with connected(reference) as client:
        client.sendall(request_of(reference, framing, body, line))
        received = rest(client)
    assert statuses(received) == [status]


def trickle(client: socket.socket, piece: bytes) -> bytes:
    """Send the same piece again and again until the server has had enough; what it says then."""
    received = b""
    client.settimeout(0.02)
    for _ in range(500):
        try:
            client.sendall(piece)
            piece_received = client.recv(65536)
        except TimeoutError:
            continue
        except ConnectionError:
            return received
        if not piece_received:
            return received
        received += piece_received
    raise AssertionError("the server never had enough")


@pytest.mark.parametrize("beginning", [b"P", b"GET /v1/models HTTP/1.1\r\nX-Slow: "], ids=["line", "field"])
def test_a_head_that_comes_byte_by_byte_is_given_up(beginning: bytes, impatient: EmbeddedReference) -> None:
    with connected(impatient) as client:
        client.sendall(beginning)
        received = trickle(client, b"a")
    head, _, content = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"connection: close" in head
    assert json.loads(content)["error"]["message"] == "The head of the request did not arrive in time."


def test_a_slow_head_is_given_up_on_a_connection_that_was_used_before(impatient: EmbeddedReference) -> None:
    with connected(impatient) as client:
        client.sendall(b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\nGET ")
        received = trickle(client, b"a")
    assert statuses(received) == [b"401", b"408"]


def test_a_connection_on_which_nothing_comes_is_closed(impatient: EmbeddedReference) -> None:
    with connected(impatient) as client:
        assert rest(client) == b""


def test_a_body_that_nobody_reads_may_not_come_byte_by_byte(impatient: EmbeddedReference) -> None:
    with connected(impatient) as client:
        client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
        received = trickle(client, b"a")
    assert statuses(received) == [b"401"]


def test_a_quick_request_is_served_however_long_the_connection_lasts(impatient: EmbeddedReference) -> None:
    body = question(impatient)
    request = request_of(impatient, b"Content-Length: %d" % len(body), body)
    with connected(impatient) as client:
        for _ in range(30):
            client.sendall(request)
            assert statuses(answer(client)) == [b"200"]
            client.settimeout(0.02)  # a pause: together they last twice as long as one head may
            with pytest.raises(TimeoutError):
                client.recv(1)
            client.settimeout(PATIENT)


def test_a_client_that_reads_nothing_is_given_up(impatient: EmbeddedReference) -> None:
    with connected(impatient, room=4096) as client:
        send_until_full(client, b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
        poll = select.poll()
        poll.register(client, 0)  # errors only: what there is to read stays unread
        assert poll.poll(PATIENT * 1000)


def send_until_full(client: socket.socket, piece: bytes) -> None:
    """Send the same piece until the server, which waits for us to read, takes no more."""
    client.settimeout(0.1)
    with suppress(TimeoutError, ConnectionError):
        while True:
            client.sendall(piece)


def test_more_connections_than_the_bound_are_closed_unread() -> None:
    get = b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"
    bounds = ConnectionBounds(most=3)
    with EmbeddedReference("openai", connections=bounds) as reference, connected(reference) as first:
        with connected(reference) as second, connected(reference) as third:
            for client in (first, second, third):
                client.sendall(get)
                assert statuses(answer(client)) == [b"401"]
            with connected(reference) as fourth:
                assert trickle(fourth, b"GET") == b""
        first.sendall(get)
        assert statuses(answer(first)) == [b"401"]


def told(folder: Path, *options: str, **environ: str) -> str:
    """What `serve` says on standard error until it is interrupted."""
    with start((*CLI, "serve", "openai", "--port", "0", *options), folder, **environ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Serving openai")
        process.send_signal(signal.SIGINT)
        return process.communicate(timeout=PATIENT)[1]


OWN = {"CONFORMANCE_API_KEY": "sk-own-1", "CONFORMANCE_OTHER_API_KEY": "sk-own-2"}


@pytest.mark.process
@pytest.mark.slow
def test_public_keys_beyond_loopback_are_warned_of(tmp_path: Path) -> None:
    said = told(tmp_path, "--host", "0.0.0.0")
    assert said.count("\n") == 1
    assert "it listens on 0.0.0.0 and takes public demo keys. Set CONFORMANCE_API_KEY and CONFORMANCE_OTHER" in said
    assert demo.API_KEY not in said
    said = told(tmp_path, "--host", "0.0.0.0", CONFORMANCE_API_KEY="sk-own-1")
    assert "Set CONFORMANCE_OTHER_API_KEY to" in said
    assert told(tmp_path, "--host", "0.0.0.0", **OWN) == ""
    for loopback in ("127.0.0.1", "localhost", "127.1.2.3"):
        assert told(tmp_path, "--host", loopback) == ""


@pytest.mark.process
@pytest.mark.skipif(not socket.has_ipv6 or not Path("/proc/net/if_inet6").exists(), reason="needs IPv6")
def test_public_keys_beyond_loopback_are_warned_of_with_ipv6(tmp_path: Path) -> None:
    assert "listens on :: and" in told(tmp_path, "--host", "::")
    assert told(tmp_path, "--host", "::1") == ""
