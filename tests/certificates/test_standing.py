"""A certificate holds until it ends or is taken back: `verify`, badge, page and renewal know it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from certification import Keys, Said, command, make_keys, verify
from certifying import Certifying, refusals

from conformance.bundle import fingerprint, public_key, signed, signing_key
from conformance.certificates import (
    Application,
    Certificate,
    CertificateError,
    Issuer,
    read_certificate,
    standing,
    write_certificate,
)
from conformance.certificates.issuing import certificate_for
from conformance.certificates.page import certificate_page

pytestmark = pytest.mark.network

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
TYPE = "application/vnd.chat-conformance.certificate+json"


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return make_keys(tmp_path_factory.mktemp("another"), "another")


def certificate(application: Application, issued: datetime = NOW - DAY, expires: datetime = NOW + DAY) -> Certificate:
    return replace(certificate_for(application), issued=issued.isoformat(), expires=expires.isoformat())


@pytest.fixture
def file(application: Application, certifying: Certifying, tmp_path: Path) -> Path:
    """The file of a certificate that holds."""
    return written(certificate(application), certifying, tmp_path / "certificate.json")


def written(made: Certificate, certifying: Certifying, path: Path) -> Path:
    write_certificate(made, signing_key(certifying.issuer.private), path)
    return path


def badge(path: Path, *options: object) -> dict[str, Any]:
    status, said = command("badge", path, *options)
    assert status == 0, said
    svg = (path.parent / "badge.svg").read_text(encoding="utf-8")
    read: dict[str, Any] = json.loads((path.parent / "badge.json").read_text(encoding="utf-8"))
    assert read["message"] in svg
    return read


def problem(said: Said) -> str:
    assert said[0] == 1, said[1]
    assert said[1].count("\n") == 1
    return said[1].partition(" is not valid: ")[2].strip()


# --- in its time ---------------------------------------------------------------------------------------------------


def test_a_certificate_that_holds(file: Path, certifying: Certifying) -> None:
    status, said = verify(file, "--public-key", certifying.issuer.public)
    assert status == 0, said
    assert "Certified: Acme AI Chat, at http://127.0.0.1:" in said
    assert "Not proven: that its issuer has not revoked it in a place that was not looked at" in said
    shown = badge(file)
    assert shown["label"] == "certified: openai 2026.11.1, smoke tier"
    assert shown["message"].startswith("until 20")
    assert (shown["color"], shown["isError"]) == ("1a7f37", False)
    assert shown["cacheSeconds"] <= DAY.total_seconds()


def test_a_signature_that_was_not_checked_is_said_so(file: Path) -> None:
    status, said = verify(file)
    assert status == 0, said
    assert "without --public-key the signature was not checked" in said


@pytest.mark.parametrize(
    ("issued", "expires", "said", "message"),
    [
        (NOW - 9 * DAY, NOW - DAY, f"the certificate expired at {(NOW - DAY).isoformat()}.", "expired "),
        (NOW - DAY, NOW, f"the certificate expired at {NOW.isoformat()}.", "expired "),
        (NOW + DAY, NOW + 2 * DAY, f"the certificate holds only from {(NOW + DAY).isoformat()} on.", "not yet valid"),
    ],
    ids=["expired", "just now", "to come"],
)
def test_a_certificate_out_of_its_time(
    issued: datetime, expires: datetime, said: str, message: str, application: Application, certifying: Certifying,
    tmp_path: Path,
) -> None:  # fmt: skip
    path = written(certificate(application, issued, expires), certifying, tmp_path / "certificate.json")
    assert problem(verify(path, "--public-key", certifying.issuer.public)) == said
    shown = badge(path)
    assert shown["message"].startswith(message)
    assert (shown["color"], shown["isError"]) == ("57606a", True)
    page = certificate_page(standing(read_certificate(path).certificate, None, NOW), "0" * 64)
    assert "Valid until" not in page
    assert said.removeprefix("the certificate ").rstrip(".") in page.replace("&#43;", "+")


# --- taken back ----------------------------------------------------------------------------------------------------


def revoke(path: Path, key: Path, *options: object, reason: str = "the runs were not of this deployment") -> Said:
    return command("certify", "--revoke", path, "--reason", reason, "--key", key, *options)


def test_a_revocation_beside_a_certificate_counts_for_verify_badge_and_page(
    certifying: Certifying, tmp_path: Path
) -> None:
    status, said = certifying.certify(tmp_path)
    assert status == 0, said
    path, page = tmp_path / "certificate.json", tmp_path / "certificate.html"
    assert "Valid until" in page.read_text(encoding="utf-8")
    status, said = revoke(path, certifying.issuer.private)
    assert status == 0, said
    assert f"revokes the certificate {read_certificate(path).certificate.id} of Acme AI Chat." in said
    for options in ((), ("--public-key", certifying.issuer.public)):
        why = problem(verify(path, *options))
        assert why.startswith("the certificate was revoked at 20")
        assert why.endswith("because: the runs were not of this deployment.")
    assert "revoked " in json.loads((tmp_path / "badge.json").read_text(encoding="utf-8"))["message"]
    text = page.read_text(encoding="utf-8")
    assert "Valid until" not in text
    assert "because: the runs were not of this deployment" in text
    assert badge(path)["color"] == "cf222e"


def test_a_revocation_that_the_issuer_published_elsewhere(file: Path, certifying: Certifying, tmp_path: Path) -> None:
    published = tmp_path / "published"
    status, said = revoke(file, certifying.issuer.private, "--out", published)
    assert status == 0, said
    key = ("--public-key", certifying.issuer.public)
    assert verify(file, *key)[0] == 0
    for place in (published, next(published.iterdir())):
        assert "was revoked at" in problem(verify(file, *key, "--revocations", place))
        assert badge(file, "--revocations", place)["isError"] is True


def test_a_revocation_of_another_certificate_counts_for_nothing(
    file: Path, application: Application, certifying: Certifying, tmp_path: Path
) -> None:
    other = written(certificate(application, NOW - 2 * DAY), certifying, tmp_path / "other" / "certificate.json")
    assert revoke(other, certifying.issuer.private, "--out", file.parent)[0] == 0
    assert verify(file, "--public-key", certifying.issuer.public)[0] == 0


def test_a_revocation_by_a_stranger_is_named_and_counts_only_for_who_has_no_key(
    file: Path, certifying: Certifying, another: Keys
) -> None:
    status, said = revoke(file, another.private)
    assert status == 2
    assert "is not signed by the given key" in said
    issuer = {"name": "x", "key": "0" * 64}
    named = {"id": read_certificate(file).certificate.id, "sha256": read_certificate(file).sha256}
    text = {"format": 1, "certificate": named, "issuer": issuer, "reason": "spite", "revoked": NOW.isoformat()}
    forged = signed(json.dumps(text), signing_key(another.private), TYPE.replace("certificate", "revocation"))
    (file.parent / "revocation.json").write_text(forged, encoding="utf-8")
    status, said = verify(file, "--public-key", certifying.issuer.public)
    assert status == 0, said
    assert "Note: " in said
    assert "revocation.json is not signed by the given key" in said
    assert "because: spite" in problem(verify(file))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--reason", "x"), "--revoke needs --key."),
        (("--key", "key.pem"), "--revoke needs --reason."),
        (
            ("--reason", "x", "--key", "key.pem", "bundle.zip"),
            "--revoke takes a certificate back, and needs no bundles",
        ),
    ],
)
def test_what_a_revocation_needs(words: tuple[str, ...], said: str, file: Path) -> None:
    status, printed = command("certify", "--revoke", file, *words)
    assert status == 2
    assert said in printed


def test_a_reason_is_one_line(file: Path, certifying: Certifying) -> None:
    status, said = revoke(file, certifying.issuer.private, reason="a\x1b[2J")
    assert status == 2
    assert "--reason cannot be used" in said


# --- renewed -------------------------------------------------------------------------------------------------------


def test_a_renewal_names_what_it_follows_and_takes_its_subject(
    application: Application, certifying: Certifying, tmp_path: Path
) -> None:
    old = written(certificate(application, NOW - 300 * DAY), certifying, tmp_path / "old" / "certificate.json")
    old_runs = tuple(replace(run, evidence="0" * 64) for run in read_certificate(old).certificate.runs)
    old.unlink()
    written(replace(certificate(application, NOW - 300 * DAY), runs=old_runs), certifying, old)
    status, said = certifying.certify(tmp_path / "new", renew=old, subject=None)
    assert status == 0, said
    new = read_certificate(tmp_path / "new" / "certificate.json").certificate
    assert new.renews == {"id": read_certificate(old).certificate.id, "sha256": read_certificate(old).sha256}
    assert new.subject.product == "Chat"


def test_a_renewal_needs_new_runs(application: Application, certifying: Certifying, tmp_path: Path) -> None:
    old = written(certificate(application), certifying, tmp_path / "old" / "certificate.json")
    said = certifying.certify(tmp_path / "new", renew=old)
    assert set(refusals(said)) == {"renewal-without-new-runs"}


def test_a_renewal_is_of_the_same_deployment_and_not_of_a_revoked_one(
    application: Application, certifying: Certifying, tmp_path: Path
) -> None:
    other = replace(certificate(application, NOW - 300 * DAY), runs=(), scope=certificate(application).scope)
    other = replace(other, subject=replace(other.subject, product="Something else"))
    other = replace(other, runs=(replace(certificate(application).runs[0], evidence="0" * 64),))
    old = written(other, certifying, tmp_path / "old" / "certificate.json")
    assert set(refusals(certifying.certify(tmp_path / "new", renew=old))) == {"renewal-of-another"}
    assert revoke(old, certifying.issuer.private)[0] == 0
    said = certifying.certify(tmp_path / "new", renew=old)
    assert set(refusals(said)) == {"renewal-of-another", "renewal-of-revoked"}


def test_a_renewal_of_a_certificate_of_somebody_else(
    application: Application, certifying: Certifying, another: Keys, tmp_path: Path
) -> None:
    path = tmp_path / "old.json"
    write_certificate(certificate(application), signing_key(another.private), path)
    status, said = certifying.certify(tmp_path / "new", renew=path)
    assert status == 2
    assert "is not signed by the given key" in said


# --- broken and forged ---------------------------------------------------------------------------------------------


def forged(path: Path, key: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """The certificate with its payload changed and signed again."""
    read = json.loads(base64.b64decode(json.loads(path.read_text(encoding="utf-8"))["payload"]))
    change(read)
    path.write_text(signed(json.dumps(read), signing_key(key), TYPE), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data.update(expires="2999-01-01T00:00:00+00:00"), "its id does not follow from the rest of it."),
        (lambda data: data.update(expires="tomorrow"), "expires: "),
        (lambda data: data.update(expires=data["issued"]), "it expires before it is issued."),
        (lambda data: data.update(more=1), "see specs/certificate.schema.json"),
        (lambda data: data["subject"].update(more=1), "see specs/subject.schema.json"),
        (lambda data: data["verdict"].update(value="inconclusive"), "verdict/value: "),
    ],
)
def test_a_changed_certificate(
    change: Callable[[dict[str, Any]], object], said: str, file: Path, certifying: Certifying
) -> None:
    forged(file, certifying.issuer.private, change)
    assert said in problem(verify(file))


def test_a_certificate_by_another_key(
    file: Path, application: Application, certifying: Certifying, another: Keys
) -> None:
    assert "is not signed by the given key" in problem(verify(file, "--public-key", another.public))
    named = replace(application, issuer=Issuer("The programme", fingerprint(public_key(another.public))))
    path = written(certificate(named), certifying, file.parent / "other.json")
    said = problem(verify(path, "--public-key", certifying.issuer.public))
    assert "names another key of its issuer than the one that signed it." in said


@pytest.mark.parametrize("text", ["{}", "{", '{"payloadType": "x"}', "{" * 50_000, "[]", ""])
def test_a_file_that_is_no_certificate(text: str, tmp_path: Path) -> None:
    path = tmp_path / "certificate.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CertificateError, match="is not a certificate; give a file"):
        read_certificate(path)
    status, said = verify(path)
    assert status == 1
    assert said.count("\n") == 1


def test_options_for_bundles_are_not_for_certificates(file: Path, certifying: Certifying) -> None:
    status, said = verify(file, "--no-waivers")
    assert status == 2
    assert "is a certificate; give --public-key and --revocations only." in said
    status, said = verify(certifying.bundles[0], "--revocations", file.parent)
    assert status == 2
    assert "--revocations is for certificates, and this is not one." in said
    status, said = verify(file, "--revocations", file.parent / "missing")
    assert status == 2
    assert "there is no such folder or file." in said


def test_hostile_words_in_a_certificate_act_nowhere(
    application: Application, certifying: Certifying, tmp_path: Path
) -> None:
    hostile = "</script><script>alert(1)</script>\x1b[2J\u202e\n::error::x"
    subject = replace(application.subject, vendor=hostile, product=hostile)
    path = written(replace(certificate(application), subject=subject), certifying, tmp_path / "certificate.json")
    status, said = verify(path)
    assert status == 0, said
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert not any(line.startswith("::") for line in said.splitlines())
    page = certificate_page(standing(read_certificate(path).certificate, None, NOW), "0" * 64)
    assert "<script>alert" not in page
    assert "\u202e" not in page
