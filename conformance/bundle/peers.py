"""Says whom the run in a bundle was connected to: addresses and certificates, as its evidence has them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator

from conformance.quoting import one_line
from conformance.wire.exchange import Exchange

_MOST_SHOWN = 5
_LONGEST_NAME = 200


def peer_sentences(exchanges: Iterable[Exchange]) -> Iterator[str]:
    """The addresses of the connections, and each certificate that was met there."""
    peers = [one.peer for one in exchanges if one.peer is not None]
    if not peers:
        yield "Connections: the evidence does not say which addresses and certificates the run met."
        return
    addresses = Counter(one_line(peer.address, 80) for peer in peers)
    certificates = Counter(peer.certificates[0] for peer in peers if peer.certificates)
    without = len(peers) - certificates.total()
    tls = "" if not without else "; without TLS" if not certificates else f"; {without} of them without a certificate"
    yield f"Connections: to {_listed([f'{name} ({count})' for name, count in addresses.most_common()])}{tls}."
    for certificate, _ in certificates.most_common(_MOST_SHOWN):
        yield f"Certificate: {_names(certificate)}sha256 {hashlib.sha256(certificate).hexdigest()}."


def _names(certificate: bytes) -> str:
    """The subject and the issuer of a certificate; empty where it cannot be read, or the package for it is missing."""
    try:
        from cryptography import x509  # noqa: PLC0415 - only where bundles are signed
    except ImportError:
        return ""
    try:
        read = x509.load_der_x509_certificate(certificate)
        subject, issuer = read.subject.rfc4514_string(), read.issuer.rfc4514_string()
    except (ValueError, x509.InvalidVersion):
        return ""
    return f"for {one_line(subject, _LONGEST_NAME)}, issued by {one_line(issuer, _LONGEST_NAME)}, "


def _listed(items: list[str]) -> str:
    more = len(items) - _MOST_SHOWN
    return ", ".join(items[:_MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")
