"""Certificates as values: a usual one, and one in which everything is as long as it may be."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from conformance.certificates import Certificate, Issuer, Subject
from conformance.certificates.certificate import CertifiedRun, CertifiedScope, Versioned

SHA256 = "ab12" * 16
_WORDS = "A very long name of a thing that nobody would give it in earnest "


def sample_certificate(now: datetime) -> Certificate:
    """A certificate for a year from now on."""
    return Certificate(
        subject=Subject("Acme AI", "https://api.acme.example/v1", "Chat", model="acme-large", contact="x@acme.example"),
        configuration={
            "base_url": "https://api.acme.example/v1",
            "model": "acme-large",
            "parameters": {},
            "certificates": [SHA256],
        },
        scope=CertifiedScope(
            "openai 2026.11.1, standard tier, without n",
            Versioned("openai", "2026.11.0", SHA256),
            {"version": "2026.11.1", "sha256": SHA256},
            "standard",
            ("n",),
        ),
        verdict={
            "value": "conformant",
            "must": {"passed": 412, "waived": 0, "skipped": 31},
            "warnings": ["stream.usage-when-asked"],
            "waivers": [],
        },
        issuer=Issuer("The open conformance programme", SHA256),
        ran_by="vendor",
        issued=now.isoformat(),
        expires=(now + timedelta(days=365)).isoformat(),
        policy={"name": "standard", "title": "Three agreeing runs, for one year", "sha256": SHA256},
        suite=Versioned("chat-conformance", "0.1.0", SHA256),
        runs=tuple(CertifiedRun(SHA256, SHA256, now.isoformat(), 512.3, 640, SHA256) for _ in range(3)),
        challenge={"nonce": SHA256, "issued": now.isoformat(), "expires": now.isoformat()},
    )


def long_certificate(now: datetime) -> Certificate:
    """A certificate that has everything, and everything as long as the schemas allow, or longer than a page."""
    usual = sample_certificate(now)
    text = (_WORDS * 20)[:200]
    url = "https://" + "a" * 190
    configuration = {f"name number {number}{'x' * 25}": text[:120] for number in range(8)}
    waiver = {"requirement": text, "owner": text, "reason": _WORDS * 10, "expires": "2026-12-01"}
    parameters = {f"p{number}": "v" * 300 for number in range(20)}
    return replace(
        usual,
        subject=Subject(text, url, text, text, "m" * 200, text, url, configuration),
        configuration={**usual.configuration, "base_url": url, "model": "m" * 200, "parameters": parameters},
        scope=replace(usual.scope, about=_WORDS * 30, without=(text[:60],) * 30, remarks=(text,) * 10),
        verdict={
            **usual.verdict,
            "warnings": [f"stream.some-long-requirement-{number}" for number in range(100)],
            "waivers": [waiver] * 30,
        },
        issuer=Issuer(text, SHA256),
        policy={**usual.policy, "title": text},
        runs=usual.runs * 20,
        renews={"id": "ab" * 12, "sha256": SHA256},
    )
