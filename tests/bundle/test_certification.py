"""`run --bundle` and `verify`: an untouched bundle of a whole run holds, and one that shows less is refused."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from certification import Keys, at, command, make_keys_with_openssl, refused, verify
from google.protobuf import json_format
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.v1 import statement_pb2
from repacked_bundles import EVIDENCE, contents

from conformance.bundle import BundleError, verified_payload
from conformance.bundle import public_key as read_public_key
from conformance.bundle.signature import signed as signed_envelope
from conformance.bundle.signature import signing_key
from conformance.lab.targets import contract_of, targets_of
from conformance.reference import EmbeddedReference

pytestmark = pytest.mark.network

# --- what holds ----------------------------------------------------------------------------------------------------


def test_an_untouched_bundle_holds(plain: Path) -> None:
    status, said = verify(plain)
    assert status == 0, said
    assert "judging its evidence again gives the same outcomes" in said
    assert "Conformant: loop-health, smoke tier." in said
    assert "it is not signed" in said


def test_a_signed_bundle_holds_by_the_key_that_signed_it(signed: Path, keys: Keys) -> None:
    status, said = verify(signed, "--public-key", keys.public)
    assert status == 0, said
    assert "it is signed by the given key (sha256 " in said


def test_a_signature_that_was_not_checked_is_said_so(signed: Path) -> None:
    status, said = verify(signed)
    assert status == 0, said
    assert "without --public-key the signature was not checked" in said


def test_a_bundle_has_everything_that_the_run_wrote_and_was_judged_by(plain: Path) -> None:
    files = contents(plain)
    assert set(files) == {
        *("manifest.json", "statement.json", "results.json", EVIDENCE),
        *("compliance.html", "junit.xml", "ctrf.json", "results.sarif", "exchanges.har", "badge.json", "badge.svg"),
        *("contract/loop-health.openapi.yaml", "contract/requirements.json"),
    }  # fmt: skip
    listed = {row["path"] for row in json.loads(files["manifest.json"])["files"]}
    assert listed == set(files) - {"manifest.json", "statement.json"}


def test_the_statement_is_an_in_toto_statement_on_a_test_result(plain: Path) -> None:
    statement = json_format.Parse(contents(plain)["statement.json"], statement_pb2.Statement())
    assert statement.type == "https://in-toto.io/Statement/v1"
    assert statement.predicate_type == "https://in-toto.io/attestation/test-result/v0.1"
    predicate = json_format.ParseDict(json_format.MessageToDict(statement.predicate), test_result_pb2.TestResult())
    assert predicate.result == "PASSED"
    assert "stream.done-once" in predicate.passed_tests
    assert predicate.configuration[0].digest["sha256"]


@pytest.mark.openssl
def test_openssl_makes_keys_and_verifies_envelopes(tmp_path: Path) -> None:
    keys = make_keys_with_openssl(tmp_path)
    envelope = json.loads(signed_envelope("{}", signing_key(keys.private)))
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
    (tmp_path / "pae").write_bytes(b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload))
    (tmp_path / "sig").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    asked = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(keys.public), "-rawin"]
    done = subprocess.run(
        [*asked, "-in", str(tmp_path / "pae"), "-sigfile", str(tmp_path / "sig")], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_another_key_id_is_only_a_hint(signed: Path, keys: Keys) -> None:
    envelope = json.loads(contents(signed)["statement.dsse.json"])
    envelope["signatures"][0]["keyid"] = "the key of the lab"
    key = read_public_key(keys.public)
    assert "test-result" in verified_payload(json.dumps(envelope), key)


# --- bundles that show less than a whole run -----------------------------------------------------------------------


def test_a_bundle_of_a_filtered_run(tmp_path: Path) -> None:
    bundle = tmp_path / "run.zip"
    arguments = ("--tier", "smoke", "--only", "stream.*", "--out", tmp_path / "out", "--bundle", bundle)
    _, said = command("run", "loop-health", *arguments)
    assert "This bundle will fail verification: the run was restricted, and shows only a part of the contract." in said
    assert refused(verify(bundle)).startswith("the run was restricted to stream.*")


def test_a_bundle_of_a_run_that_ran_out_of_budget(tmp_path: Path) -> None:
    bundle = tmp_path / "run.zip"
    arguments = ("--tier", "smoke", "--max-requests", 3, "--out", tmp_path / "out", "--bundle", bundle)
    command("run", "loop-health", *arguments)
    assert "probes were not sent" in refused(verify(bundle))


def test_a_bundle_of_a_user_s_own_contract_is_judged_by_the_contract_in_it(tmp_path: Path) -> None:
    specs = Path(__file__).parents[2] / "specs"
    own = tmp_path / "mine" / "mine.openapi.yaml"
    own.parent.mkdir()
    text = (specs / "profiles/loop-health/openapi.yaml").read_text(encoding="utf-8")
    own.write_text(text.replace("profile: loop-health", "profile: mine"), encoding="utf-8")
    assert command("requirements", own, "--freeze", "1.0")[0] == 0
    bundle = tmp_path / "run.zip"
    at(EmbeddedReference("loop-health"), own, "--tier", "smoke", "--release", "1.0", "--out", tmp_path / "out",
       "--bundle", bundle)  # fmt: skip
    shutil.rmtree(own.parent)
    status, said = verify(bundle)
    assert status == 0, said
    assert "Profile: mine " in said
    assert ", scored by release 1.0; smoke tier." in said


WAIVERS = "- {requirement: stream.*, reason: known, owner: us, expires: 2999-01-01}\n"


@pytest.mark.parametrize("option", ["--waivers", "--retry-findings"])
def test_a_bundle_of_a_run_with_findings_holds(option: str, tmp_path: Path) -> None:
    (tmp_path / "waivers.yaml").write_text(WAIVERS, encoding="utf-8")
    value = tmp_path / "waivers.yaml" if option == "--waivers" else 1
    fault = next(one for one in targets_of("loop-health") if one.id == "stream-end.done-missing")
    deployment = EmbeddedReference("loop-health", hooks=fault.hooks, contract=contract_of("loop-health"))
    bundle = tmp_path / "run.zip"
    at(deployment, "loop-health", "--tier", "smoke", option, value, "--out", tmp_path / "out", "--bundle", bundle)
    rows = json.loads(contents(bundle)["results.json"])["requirements"]
    assert any(row["outcome"] == "waived" if option == "--waivers" else row["tries"] for row in rows)
    status, said = verify(bundle)
    assert status == 0, said


# --- wrong usage ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("verify", "missing.zip"), "missing.zip: there is no such file"),
        (("verify", "."), "there is no such file"),
        (("run", "--sign", "key.pem"), "--sign signs a bundle; give --bundle FILE too."),
        (("run", "--bundle", "no/such/folder/run.zip"), "cannot be written; choose another --bundle."),
        (("run", "--bundle", "b.zip", "--sign", "missing.pem"), "missing.pem: the key cannot be read"),
        (("run", "--bundle", "b.zip", "--sign", "text.pem"), "text.pem: this is not a private key in PEM"),
        pytest.param(
            ("run", "--bundle", "b.zip", "--sign", "rsa.pem"),
            "rsa.pem: this is not an ed25519 key",
            marks=pytest.mark.openssl,
        ),
        pytest.param(
            ("run", "--bundle", "b.zip", "--sign", "locked.pem"),
            "locked.pem: the key has a passphrase",
            marks=pytest.mark.openssl,
        ),
        (("verify", "b.zip", "--public-key", "text.pem"), "text.pem: this is not a public key in PEM"),
        (("verify", "b.zip", "--public-key", "missing.pem"), "missing.pem: the key cannot be read"),
    ],
)
def test_what_cannot_be_asked_for(
    arguments: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.pem").write_text("no key", encoding="utf-8")
    if "rsa.pem" in arguments:
        subprocess.run(["openssl", "genrsa", "-out", "rsa.pem", "2048"], check=True, capture_output=True)
    if "locked.pem" in arguments:
        making = ["openssl", "genpkey", "-algorithm", "ed25519", "-aes256", "-pass", "pass:x", "-out", "locked.pem"]
        subprocess.run(making, check=True)
    status, printed = command(*arguments)
    assert status == 2, printed
    assert said in printed
    assert not (tmp_path / "reports").exists()


def test_a_broken_envelope_is_named(signed: Path, keys: Keys, tmp_path: Path) -> None:
    key = read_public_key(keys.public)
    for text in ("", "[]", "{}", '{"payloadType": 1, "payload": "e30="}', '{"payloadType": "x", "payload": "%"}'):
        with pytest.raises(BundleError, match=r"statement\.dsse\.json"):
            verified_payload(text, key)
