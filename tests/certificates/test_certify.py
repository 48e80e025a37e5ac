"""`certify`: three agreeing runs are certified, and what must be refused is refused by name."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from certification import Keys, command, make_keys, verify
from certifying import Certifying, refusals
from repacked_bundles import careless

from conformance.bundle import fingerprint, public_key
from conformance.bundle.facts import Facts, WaiverUsed
from conformance.bundle.scope import LeftOut
from conformance.certificates import (
    Application,
    NotCertifiedError,
    Reason,
    load_policy,
    load_subject,
)
from conformance.certificates.issuing import certificate_for
from conformance.certificates.policy import AllowedWaiver
from conformance.contract import ContractError
from conformance.shipped import policy_path, shipped_policies, specs_directory
from conformance.suite.outcome import Verdict

pytestmark = pytest.mark.network


def payload(path: Path) -> dict[str, Any]:
    envelope = json.loads(path.read_text(encoding="utf-8"))
    read: dict[str, Any] = json.loads(base64.b64decode(envelope["payload"]))
    return read


# --- what holds ----------------------------------------------------------------------------------------------------


def test_three_agreeing_runs_are_certified(certifying: Certifying, tmp_path: Path) -> None:
    status, said = certifying.certify(tmp_path)
    assert status == 0, said
    assert "Certified: Acme AI Chat, openai 2026.11.1, smoke tier; it holds until " in said
    assert {path.name for path in tmp_path.iterdir()} == {
        *("certificate.json", "certificate.html", "badge.json", "badge.svg"),
    }  # fmt: skip
    found = payload(tmp_path / "certificate.json")
    schema = json.loads((specs_directory() / "certificate.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(found, schema, format_checker=jsonschema.FormatChecker())
    issued, expires = (datetime.fromisoformat(found[name]) for name in ("issued", "expires"))
    assert expires - issued == timedelta(days=365)
    assert len({run["bundle"] for run in found["runs"]}) == 3
    assert found["issuer"]["key"] == fingerprint(public_key(certifying.issuer.public))
    assert found["runs"][0]["signed_by"] == fingerprint(public_key(certifying.vendor.public))
    assert found["verdict"]["must"]["passed"] > 20
    assert found["challenge"]["nonce"] == payload(certifying.challenge)["nonce"]
    status, said = verify(tmp_path / "certificate.json", "--public-key", certifying.issuer.public)
    assert status == 0, said
    assert "is a valid certificate: it holds until " in said
    assert "signed by the given key" in said


def test_a_certifier_s_own_runs_are_signed_with_its_own_key(certifying: Certifying, tmp_path: Path) -> None:
    own = replace(certifying, issuer=certifying.vendor)
    words = {"challenge_key": certifying.issuer.public, "ran_by": "certifier", "bundle_key": None}
    status, said = own.certify(tmp_path, **words)
    assert status == 0, said
    assert payload(tmp_path / "certificate.json")["ran_by"] == "certifier"


def test_a_certificate_is_never_replaced(certifying: Certifying, tmp_path: Path) -> None:
    (tmp_path / "certificate.json").write_text("the old one", encoding="utf-8")
    status, said = certifying.certify(tmp_path)
    assert status == 2
    assert "is never replaced; choose another --out." in said
    assert (tmp_path / "certificate.json").read_text(encoding="utf-8") == "the old one"


@pytest.mark.process
def test_bundles_of_strangers_are_judged_in_confinement(certifying: Certifying, tmp_path: Path) -> None:
    policy = certifying.policy(runs={"agreeing": 1})
    status, said = certifying.certify(tmp_path, certifying.bundles[0], policy=policy)
    assert status == 0, said
    assert "Certified: Acme AI Chat" in said


# --- attempts, with the bundles as they are ------------------------------------------------------------------------

ATTEMPTS: dict[str, dict[str, Any]] = {
    "too-few-runs": {"bundles": (0, 1)},
    "one-run-twice": {"bundles": (0, 1, 1)},
    "other-target": {"subject": {"target": "https://api.acme.example/v1"}},
    "subject-incomplete": {"subject": {"product": None}},
    "challenge-for-another": {"subject": {"vendor": "Somebody else"}},
    "not-challenged": {"challenge": None},
    "not-signed": {"bundle_key": None},
    "wrong-runner": {"ran_by": "certifier"},
    "without-tls": {"policy": {"tls": True}},
    "tier-too-small": {"policy": {"tier": "standard"}},
    "profile-not-accepted": {"policy": {"profiles": [{"name": "kodexa"}]}},
    "release-not-accepted": {"policy": {"profiles": [{"name": "openai", "releases": ["2026.11.0"]}]}},
    "runs-too-close": {"policy": {"runs": {"apart": "1h"}}},
    "run-too-old": {"policy": {"runs": {"within": "0m"}}},
}


@pytest.mark.parametrize("name", ATTEMPTS)
def test_an_attempt_is_refused_by_its_name(name: str, certifying: Certifying, tmp_path: Path) -> None:
    attempt = dict(ATTEMPTS[name])
    bundles = [certifying.bundles[one] for one in attempt.pop("bundles", (0, 1, 2))]
    for kind in {"policy", "subject"} & attempt.keys():
        attempt[kind] = getattr(certifying, kind)(**attempt[kind])
    said = certifying.certify(tmp_path, *bundles, **attempt)
    assert set(refusals(said)) == {name}
    assert not list(tmp_path.iterdir())


def test_another_model_of_the_same_vendor_is_another_target(certifying: Certifying, tmp_path: Path) -> None:
    said = certifying.certify(tmp_path, subject=certifying.subject(model="acme-large"))
    assert set(refusals(said)) == {"other-target"}
    assert "the run asked for the model reference-echo, and the subject's is acme-large." in said[1]


def test_a_changed_bundle_is_refused_as_verify_does(certifying: Certifying, tmp_path: Path) -> None:
    changed = careless(
        certifying.bundles[1], tmp_path / "changed.zip", "results.json", lambda text: text.replace(b"Chat", b"Chut")
    )
    said = certifying.certify(tmp_path / "out", certifying.bundles[0], changed, certifying.bundles[2])
    assert refusals(said) == ["bundle-not-valid"]
    assert "results.json was changed" in said[1]


def test_a_signature_by_another_key(certifying: Certifying, keys: Keys, tmp_path: Path) -> None:
    said = certifying.certify(tmp_path, bundle_key=keys.public)
    assert refusals(said) == ["bundle-not-valid"] * 3
    assert "the signature is not by this key" in said[1]


def test_everything_that_is_wrong_is_said_at_once(certifying: Certifying, tmp_path: Path) -> None:
    policy = certifying.policy(tls=True, tier="standard")
    said = certifying.certify(tmp_path, certifying.bundles[0], policy=policy)
    assert refusals(said) == ["tier-too-small", "without-tls", "too-few-runs"]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return make_keys(tmp_path_factory.mktemp("keys"), "another")


# --- attempts, with what bundles show changed ----------------------------------------------------------------------


def waiver(requirement: str, *accepts: str, expires: str = "2999-01-01") -> WaiverUsed:
    return WaiverUsed(requirement, None, "known", "the vendor", expires, accepts)


def of(asked: Application, **changes: Any) -> Facts:
    return replace(asked.runs[1].facts, **changes)


def other_outcome(asked: Application) -> Facts:
    facts = asked.runs[1].facts
    return replace(facts, outcomes={**facts.outcomes, "stream.done-once": "skipped"})


CHANGED: dict[str, Any] = {
    "not-conformant": lambda asked: of(asked, verdict=Verdict.INCONCLUSIVE),
    "no-release": lambda asked: of(asked, release=None),
    "part-left-out": lambda asked: of(asked, left_out=(LeftOut("streaming", "the operator declared it"),)),
    "waiver-not-allowed": lambda asked: of(asked, waivers=(waiver("stream.*", "stream.done-once"),)),
    "reference-deployment": lambda asked: of(asked, embedded=True),
    "runs-disagree": other_outcome,
    "one-run-twice": lambda asked: of(asked, answers=asked.runs[0].facts.answers),
    "run-too-old": lambda asked: of(asked, started=(asked.now + timedelta(days=1)).isoformat()),
    "other-target": lambda asked: of(asked, base_url="http://127.0.0.1:9/v1"),
}


@pytest.mark.parametrize("name", CHANGED)
def test_a_run_that_shows_less_is_refused_by_its_name(name: str, application: Application) -> None:
    assert certificate_for(application)
    first, second, third = application.runs
    changed = replace(second, facts=CHANGED[name](application))
    with pytest.raises(NotCertifiedError) as refused:
        certificate_for(replace(application, runs=(first, changed, third)))
    assert name in {one.reason for one in refused.value.refusals}
    assert all("run-1.zip" in one.sentence for one in refused.value.refusals)


# --- waivers -------------------------------------------------------------------------------------------------------


def waived(asked: Application, *waivers: WaiverUsed, allowed: AllowedWaiver) -> Application:
    runs = (replace(run, facts=replace(run.facts, waivers=waivers)) for run in asked.runs)
    return replace(asked, runs=tuple(runs), policy=replace(asked.policy, waivers=(allowed,)))


ALLOWED = AllowedWaiver("stream.*", "mended in spring")


def test_a_waiver_that_the_policy_allows_is_on_the_certificate_which_ends_with_it(application: Application) -> None:
    day = (application.now + timedelta(days=20)).date()
    asked = waived(application, waiver("stream.*", "stream.done-once", expires=day.isoformat()), allowed=ALLOWED)
    certificate = certificate_for(asked)
    assert certificate.last_day == day.isoformat()
    assert [one["requirement"] for one in certificate.verdict["waivers"]] == ["stream.*"]


def test_a_certificate_ends_with_the_permission_to_waive(application: Application) -> None:
    day = (application.now + timedelta(days=10)).date()
    allowed = replace(ALLOWED, until=day)
    assert certificate_for(waived(application, waiver("stream.*", "stream.x"), allowed=allowed)).last_day == str(day)


@pytest.mark.parametrize(
    ("used", "allowed", "reason"),
    [
        (waiver("*", "stream.done-once", "error.envelope"), ALLOWED, Reason.WAIVER_NOT_ALLOWED),
        (waiver("stream.*", "stream.x"), replace(ALLOWED, until=date(2026, 1, 1)), Reason.WAIVER_NOT_ALLOWED),
        (waiver("stream.nothing"), ALLOWED, Reason.WAIVER_NOT_ALLOWED),
        (waiver("stream.*", "stream.x", expires="2026-01-01"), ALLOWED, Reason.WAIVER_EXPIRED),
    ],
    ids=["covers more", "permission is over", "covers nothing", "is over"],
)
def test_a_waiver_that_is_refused(
    used: WaiverUsed, allowed: AllowedWaiver, reason: Reason, application: Application
) -> None:
    with pytest.raises(NotCertifiedError) as refused:
        certificate_for(waived(application, used, allowed=allowed))
    assert {one.reason for one in refused.value.refusals} == {reason}


# --- wrong usage ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"subject": None}, "--subject is missing; give the file that says who is certified."),
        ({"issuer": None}, "--issuer is missing."),
        ({"issuer": "a\nb"}, "--issuer is not a name"),
        ({"key": None}, "--key is missing."),
        ({"key": "missing.pem"}, "missing.pem: the key cannot be read"),
        ({"bundle_key": "missing.pem"}, "missing.pem: the key cannot be read"),
        ({"policy": "missing"}, "missing: there is no such file"),
        ({"reason": "because"}, "give --revoke CERTIFICATE too."),
        ({"renew": "missing.json"}, "missing.json: there is no such file"),
        ({"challenge": None, "challenge_key": "key.pem"}, "give --challenge FILE too."),
    ],
)
def test_what_cannot_be_asked_for(
    given: dict[str, Any], said: str, certifying: Certifying, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, printed = certifying.certify(tmp_path / "out", **given)
    assert status == 2, printed
    assert said in printed
    assert printed.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_challenge_of_somebody_else(certifying: Certifying, keys: Keys, tmp_path: Path) -> None:
    status, said = certifying.certify(tmp_path, challenge_key=keys.public)
    assert status == 2
    assert "is not signed by the given key" in said


def test_bundles_are_named_where_there_are_none(certifying: Certifying, tmp_path: Path) -> None:
    status, said = command("certify", "--issuer", "us", "--key", certifying.issuer.private, "--out", tmp_path)
    assert status == 2
    assert "certify needs bundles that `run --bundle` wrote, or --revoke CERTIFICATE." in said


# --- policies and subjects -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["standard"])
def test_shipped_policies_can_be_used(name: str) -> None:
    assert name in shipped_policies()
    policy = load_policy(name)
    assert policy.name == name
    assert policy_path(name).is_file()
    assert policy.agreeing == 3
    assert policy.validity == timedelta(days=365)


@pytest.mark.parametrize(
    ("line", "other", "said"),
    [
        ("tier: standard", "tier: huge", "policy.yaml:12: "),
        ("  agreeing: 3", "  agreeing: 0", "policy.yaml:19: "),
        ("  - name: kodexa", "  - name: kodexo", "policy.yaml:9: 'kodexo' is not a shipped profile"),
        ("validity: 365d", "validity: 999d", "policy.yaml:31: a certificate holds for more than nothing and at most"),
        ("tls: true", "tsl: true", "policy.yaml:"),
    ],
)
def test_a_broken_policy_names_file_and_line(line: str, other: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    text = policy_path("standard").read_text(encoding="utf-8")
    assert line in text
    path.write_text(text.replace(line, other), encoding="utf-8")
    with pytest.raises(ContractError, match=re.escape(said)):
        load_policy(str(path))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("vendor: Acme\n", "subject.yaml:1: "),
        ("vendor: Acme\ntarget: https://a.example\nmodle: x\n", "subject.yaml:"),
        ('vendor: Acme\ntarget: "a\\nb"\n', "subject.yaml:2: this is not one line that can be printed"),
        ("vendor: Acme\ntarget: x\nwebsite: javascript:alert(1)\n", "subject.yaml:3: "),
    ],
)
def test_a_broken_subject_names_file_and_line(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "subject.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ContractError, match=re.escape(said)):
        load_subject(path)


def test_the_guide_explains_every_reason() -> None:
    text = (Path(__file__).parents[2] / "docs" / "certification.md").read_text(encoding="utf-8")
    assert [reason.value for reason in Reason if f"| `{reason.value}` |" not in text] == []
