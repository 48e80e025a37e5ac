"""The first exchange of each connection says who was at its other end: the address, and over TLS the certificates."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from byte_server import OK, OPERATION, Visit, probe, serve
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from reached_deployments import Certificates, gateway, make_certificates, proxy, relay, server_context

from conformance.evidence import EvidenceWriter, Redactor, read_evidence
from conformance.reference import EmbeddedReference
from conformance.targets import Limits, Reach, Target
from conformance.wire import Exchange, observe_sync
from conformance.wire.exchange import Peer
from conformance.wire.tls import LARGEST_CHAIN, peer_certificates

pytestmark = pytest.mark.network

ON_ONE = [probe(f"on-one-{number}", connection="one") for number in range(3)]
KEY = "sk-of-the-first-tenant-4f81c2"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def reference() -> Iterator[EmbeddedReference]:
    with EmbeddedReference("openai") as running:
        yield running


def port_of(reference: EmbeddedReference) -> int:
    return int(reference.base_url.split(":")[2].split("/")[0])


def ders(path: Path) -> list[bytes]:
    return [one.public_bytes(Encoding.DER) for one in x509.load_pem_x509_certificates(path.read_bytes())]


def kept(target: Target, folder: Path, redactor: Redactor | None = None) -> tuple[Exchange, ...]:
    """The exchanges of three requests on one connection, as the evidence has them."""
    with EvidenceWriter(folder / "evidence", redactor or Redactor({}), {"probes": []}) as writer:
        observe_sync(ON_ONE, OPERATION, target, Limits(retries=0), writer.append)
        writer.finish()
    return read_evidence(folder / "evidence").exchanges


def test_a_connection_says_its_address_once(reference: EmbeddedReference, tmp_path: Path) -> None:
    first, *others = kept(Target(reference.base_url, api_key=reference.api_key), tmp_path)
    assert first.peer == Peer(f"127.0.0.1:{port_of(reference)}")
    assert [one.peer for one in others] == [None, None]
    assert {one.connection for one in others} == {first.connection}


def test_each_new_connection_says_it_again() -> None:
    async def answer(visit: Visit) -> bool:
        await visit.send(OK)
        return True

    async def main() -> None:
        async with serve(answer) as server:
            many = [probe(f"one-{number}") for number in range(3)]
            seen = await asyncio.to_thread(
                observe_sync, many, OPERATION, server.target, Limits(retries=0), lambda one: one
            )
            assert [one.peer for one in seen.exchanges] == [Peer(f"127.0.0.1:{server.port}")] * 3

    asyncio.run(main())


def test_over_tls_it_says_every_certificate_that_the_peer_sent(
    certificates: Certificates, reference: EmbeddedReference, tmp_path: Path
) -> None:
    chain = tmp_path / "chain.pem"
    chain.write_bytes(certificates.server.read_bytes() + certificates.ca.read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    with relay(gateway(port_of(reference)), context) as seen:
        target = Target(
            f"https://127.0.0.1:{seen.port}/v1", api_key=reference.api_key, reach=Reach(ca_file=str(certificates.ca))
        )
        first, *others = kept(target, tmp_path)
    expected = [*ders(certificates.server), *ders(certificates.ca)]
    assert first.peer == Peer(f"127.0.0.1:{seen.port}", tuple(expected))
    assert [one.peer for one in others] == [None, None]
    line = json.loads((tmp_path / "evidence" / "exchanges.jsonl").read_bytes().splitlines()[1])
    assert [base64.b64decode(one) for one in line["peer"]["certificates"]] == expected


def test_behind_a_proxy_the_address_is_the_proxys_and_the_certificate_the_targets(
    certificates: Certificates, reference: EmbeddedReference, tmp_path: Path
) -> None:
    context = server_context(certificates)
    with relay(gateway(port_of(reference)), context) as behind, relay(proxy()) as before:
        reach = Reach(ca_file=str(certificates.ca), proxy=f"http://127.0.0.1:{before.port}")
        target = Target(f"https://127.0.0.1:{behind.port}/v1", api_key=reference.api_key, reach=reach)
        first, *_ = kept(target, tmp_path)
    assert first.peer == Peer(f"127.0.0.1:{before.port}", tuple(ders(certificates.server)))


def test_a_certificate_that_holds_a_secret_is_not_kept(
    certificates: Certificates, reference: EmbeddedReference, tmp_path: Path
) -> None:
    secret = "ca of the tests"  # stands in the certificate as its issuer
    with relay(gateway(port_of(reference)), server_context(certificates)) as seen:
        reach = Reach(ca_file=str(certificates.ca))
        target = Target(f"https://127.0.0.1:{seen.port}/v1", api_key=reference.api_key, reach=reach)
        first, *_ = kept(target, tmp_path, Redactor({"api-key": secret}))
    assert first.peer == Peer(f"127.0.0.1:{seen.port}")
    assert [(one.secret, one.where) for one in first.redactions if one.where == "certificate"] == [
        ("api-key", "certificate")
    ]
    evidence = (tmp_path / "evidence" / "exchanges.jsonl").read_bytes()
    assert base64.b64encode(ders(certificates.server)[0]) not in evidence


class Session:
    """A TLS session as one version of Python or another shows it."""

    def __init__(self, **methods: Any) -> None:
        self.__dict__.update(methods)


class PrivateCertificate:
    """A certificate as Python before 3.13 has it, below what is public."""

    def __init__(self, der: bytes) -> None:
        self._der = der

    def public_bytes(self, encoding: int) -> bytes:
        assert encoding == 2
        return self._der


def private(answer: Any) -> Session:
    return Session(_sslobj=Session(get_unverified_chain=lambda: answer), getpeercert=lambda *, binary_form: b"own")


@pytest.mark.parametrize(
    ("session", "found"),
    [
        (Session(get_unverified_chain=lambda: [b"own", b"other"]), (b"own", b"other")),
        (Session(get_unverified_chain=lambda: None), ()),
        (private([PrivateCertificate(b"own"), PrivateCertificate(b"other")]), (b"own", b"other")),
        (private(None), ()),
        (private([b"of another kind"]), (b"own",)),
        (Session(getpeercert=lambda *, binary_form: b"own"), (b"own",)),
        (Session(getpeercert=lambda *, binary_form: None), ()),
        (Session(get_unverified_chain=lambda: [b"a" * LARGEST_CHAIN, b"b"]), (b"a" * LARGEST_CHAIN,)),
        (Session(get_unverified_chain=lambda: [b"a", b"b" * LARGEST_CHAIN, b"c"]), (b"a",)),
    ],
    ids=["public", "public, none", "private", "private, none", "private, other", "own", "none", "full", "too large"],
)
def test_certificates_are_found_in_each_version_of_python_and_bounded(session: Any, found: tuple[bytes, ...]) -> None:
    assert peer_certificates(session) == found
