"""What `verify` says of the connections of a run: addresses and certificates, as text that does nothing."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from certification import verify
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from exchange_samples import exchange
from reached_deployments import make_certificates

from conformance.bundle.peers import peer_sentences
from conformance.wire.exchange import Exchange, Peer


def met(*peers: Peer | None) -> list[str]:
    return list(peer_sentences(replace(exchange(b"{}"), peer=peer) for peer in peers))


@pytest.mark.network
def test_verify_names_the_addresses_and_says_what_that_proves(plain: Path) -> None:
    status, said = verify(plain)
    assert status == 0, said
    assert "Connections: to 127.0.0.1:" in said
    assert "; without TLS." in said
    assert (
        "that addresses and certificates are the target's, against whoever owns the host or wrote the evidence" in said
    )


def test_a_certificate_is_named_by_subject_issuer_and_fingerprint(tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    (own,) = x509.load_pem_x509_certificates(certificates.server.read_bytes())
    der = own.public_bytes(Encoding.DER)
    _, about = met(Peer("203.0.113.7:443", (der, b"other")), None, Peer("203.0.113.7:443", (der,)))
    fingerprint = hashlib.sha256(der).hexdigest()
    assert about == f"Certificate: for CN=localhost, issued by CN=ca of the tests, sha256 {fingerprint}."


def test_a_connection_without_a_certificate_among_others_is_counted() -> None:
    first, *_ = met(Peer("203.0.113.7:443", (b"junk",)), Peer("203.0.113.7:80"))
    assert first == "Connections: to 203.0.113.7:443 (1), 203.0.113.7:80 (1); 1 of them without a certificate."


def test_several_addresses_are_counted_and_a_few_are_named() -> None:
    addresses = [Peer(f"203.0.113.{number}:443") for number in (1, 2, 2, 2, 3, 4, 5, 6, 7)]
    first, *_ = met(*addresses)
    assert first.startswith("Connections: to 203.0.113.2:443 (3), ")
    assert first.endswith(" and 2 more; without TLS.")


def test_evidence_of_an_earlier_version_says_nothing_of_it() -> None:
    assert met(None) == ["Connections: the evidence does not say which addresses and certificates the run met."]


@pytest.mark.parametrize("junk", [b"", b"\x00", b"\x30\x80" * 50, b"\x1b[31m"])
def test_what_is_not_a_certificate_has_a_fingerprint_alone(junk: bytes) -> None:
    _, about = met(Peer("a\n::error::b\x1b[31m", (junk,)))
    assert about == f"Certificate: sha256 {hashlib.sha256(junk).hexdigest()}."


def test_a_hostile_address_is_shown_as_text() -> None:
    found: list[Exchange] = [replace(exchange(b"{}"), peer=Peer("a\n::error::b\x1b[31m\u2028c"))]
    sentences = list(peer_sentences(found))
    assert all(sentence.isprintable() for sentence in sentences)
