"""Keeps a secret that stands in a peer's certificate out of the evidence."""

from __future__ import annotations

from dataclasses import replace

from conformance.evidence.redaction import Redactor
from conformance.wire.exchange import Exchange, Redaction


def without_secret_certificates(exchange: Exchange, redactor: Redactor) -> Exchange:
    """The exchange without those certificates of its peer in which a secret stands, and with a note of each secret.

    They are left out whole, for nobody could read one with asterisks in it.
    """
    peer = exchange.peer
    if peer is None:
        return exchange
    searched = [(certificate, redactor.data(certificate)[1]) for certificate in peer.certificates]
    found = dict.fromkeys(one for _, secrets in searched for one in secrets)
    if not found:
        return exchange
    kept = tuple(certificate for certificate, secrets in searched if not secrets)
    notes = tuple(Redaction(secret, form, "certificate") for secret, form in found)
    return replace(exchange, peer=replace(peer, certificates=kept), redactions=(*exchange.redactions, *notes))
