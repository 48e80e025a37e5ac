"""Makes the page of a certificate, which prints on one sheet of A4."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conformance.certificates.certificate import Certificate
from conformance.certificates.standing import Standing, Stands
from conformance.quoting import one_line
from conformance.report.html import assembled, html_environment, print_footer, styles

_OWN = Path(__file__).parent / "templates"
_TONES = {
    Standing.VALID: ("conformant", "✓", "Certified"),
    Standing.EXPIRED: ("inconclusive", "✕", "Expired"),
    Standing.REVOKED: ("nonconformant", "✕", "Revoked"),
    Standing.NOT_YET: ("inconclusive", "?", "Not yet valid"),
}
_RAN_BY = {
    "vendor": "the vendor, whose word it is that the deployment gave these answers",
    "certifier": "the certifier",
}
_LONGEST, _LONGEST_LIST = 160, 240
_MOST_WAIVERS, _MOST_RUNS, _MOST_PARAMETERS = 3, 5, 4


def certificate_page(stands: Stands, sha256: str) -> str:
    """The whole page as HTML text; it needs no network, and in a browser says itself when the certificate has expired.

    `sha256` is that of the certificate's payload. What is too long for one sheet is cut, and the file has it all.
    """
    certificate = stands.certificate
    boundary = uuid.uuid4().hex
    tone, glyph, word = _TONES[stands.standing]
    html = (
        html_environment(_OWN)
        .get_template("certificate.html.j2")
        .render(
            certificate=certificate,
            stands=stands,
            is_valid=stands.standing is Standing.VALID,
            tone=tone,
            glyph=glyph,
            word=word,
            title=one_line(certificate.subject.title, _LONGEST),
            facts=_facts(certificate),
            runs=certificate.runs[:_MOST_RUNS],
            more_runs=len(certificate.runs) - _MOST_RUNS,
            waivers=[_waiver(one) for one in certificate.verdict["waivers"][:_MOST_WAIVERS]],
            more_waivers=len(certificate.verdict["waivers"]) - _MOST_WAIVERS,
            sha256=sha256,
            boundary=boundary,
        )
    )
    style = styles("certificate.css", own=_OWN) + print_footer(f"certificate {certificate.id}")
    script = (_OWN / "certificate.js").read_text(encoding="utf-8")
    return assembled(html.split(boundary), style, script)


def _facts(certificate: Certificate) -> list[tuple[str, str]]:
    """What the certificate says, in words; what is not said is left out."""
    subject, scope, configuration = certificate.subject, certificate.scope, certificate.configuration
    parameters = [f"{name} {value}" for name, value in configuration["parameters"].items()]
    must = certificate.verdict["must"]
    release = f", release {scope.release['version']}" if scope.release else ""
    said = [
        ("Vendor", subject.vendor),
        ("Target", subject.target),
        ("Model", configuration["model"]),
        ("Configuration", _joined([f"{name}: {value}" for name, value in subject.configuration.items()])),
        ("Parameters", _joined(parameters[:_MOST_PARAMETERS])),
        ("Contact", subject.contact),
        ("Website", subject.website),
        ("Contract", f"{scope.profile.name} {scope.profile.version}{release}, {scope.tier} tier"),
        ("Left out", _joined([*scope.without, *scope.remarks]) or "nothing"),
        (
            "MUST requirements",
            ", ".join(f"{count} {word}" for word, count in must.items() if count or word == "passed"),
        ),
        ("Recommendations broken", _joined(certificate.verdict["warnings"]) or "none"),
        ("Policy", f"{certificate.policy['name']}: {certificate.policy['title']}"),
        ("Runs made by", _RAN_BY[certificate.ran_by]),
        ("Made for a challenge", f"of {certificate.challenge['issued']}" if certificate.challenge else "no"),
        ("Issued", certificate.issued),
        ("Expires", certificate.expires),
        ("Renews", certificate.renews["id"] if certificate.renews else None),
    ]
    return [(name, one_line(value, _LONGEST_LIST)) for name, value in said if value]


def _joined(items: Sequence[str]) -> str:
    return "; ".join(items)


def _waiver(waiver: dict[str, Any]) -> str:
    requirement, owner, reason = (one_line(waiver[name], 80) for name in ("requirement", "owner", "reason"))
    return f"{requirement}, by {owner} until {waiver['expires']}: {reason}"
